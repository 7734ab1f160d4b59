//! Sending back what was chosen, at a rate, and telling what became of each.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use schema::topics;
use serde::Serialize;
use tokio::time::{Interval, MissedTickBehavior};

use super::print::{self, escaped, say};
use super::{Failure, kafka, letters, matches};
use crate::config::Settings;
use crate::config::letters::{Of, Place, Redrive as Asked};
use crate::kafka::{Letter, Letters, Producer, Redrive, RedriveError};

/// Letters in memory at the same time; each may be as large as a record.
const PAGE: usize = 100;

/// What became of one letter.
#[derive(Serialize)]
struct Told {
    partition: i32,
    offset: i64,
    source: String,
    result: &'static str,
    /// How often it was sent back now.
    #[serde(skip_serializing_if = "Option::is_none")]
    redrives: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// A letter that is to be sent back.
#[derive(Clone, Copy)]
struct Chosen {
    place: Place,
    redrives: u64,
    written_ms: Option<i64>,
}

/// Sends back what is `asked` for; false when some of it could not be.
pub(super) async fn redrive(settings: &Settings, asked: &Asked) -> Result<bool, Failure> {
    let value = asked.value.as_deref().map(|file| corrected(file, asked)).transpose()?;
    let source = letters(settings, Of::Changes);
    let topic = topics::redrive(&settings.changes_topic).name;
    let name = format!("{}-redrive", settings.replica());
    let producer = Producer::new(&settings.kafka, &name).map_err(kafka(settings))?;
    let redrive = Redrive::new(producer, topic);
    let places = if asked.positions.is_empty() {
        choose(settings, asked, &source).await?
    } else {
        asked.positions.clone()
    };

    let mut turn =
        tokio::time::interval(Duration::from_secs(1) / u32::try_from(asked.rate).unwrap_or(u32::MAX));
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = 0;
    for page in places.chunks(PAGE) {
        let read = source.at(page.iter().map(|place| (place.partition, place.offset)).collect()).await;
        let mut read: HashMap<Place, Letter> =
            read.map_err(kafka(settings))?.into_iter().map(|letter| (place(&letter), letter)).collect();
        for place in page {
            let Some(letter) = read.remove(place) else {
                say(&format!(
                    "error: {}",
                    Failure::NoLetter(format!("{}/{}", place.partition, place.offset))
                ));
                continue;
            };
            let done = one(&redrive, &letter, value.as_deref(), asked.dry_run, &mut turn).await;
            let told = told(&letter, done).map_err(|error| {
                say(&format!("{sent} of {} were sent back; this one may be", places.len()));
                kafka(settings)(error)
            })?;
            sent += usize::from(told.why.is_none());
            tell(&told, asked.json)?;
        }
    }
    let would = if asked.dry_run { "would be" } else { "were" };
    say(&format!("{sent} of {} dead letters {would} sent back", places.len()));
    Ok(sent == places.len())
}

/// Sends one back when its turn comes; returns how often it was then.
async fn one(
    redrive: &Redrive,
    letter: &Letter,
    value: Option<&[u8]>,
    dry_run: bool,
    turn: &mut Interval,
) -> Result<Option<u64>, RedriveError> {
    if dry_run {
        return Redrive::check(letter, value.is_some()).map(|_| None);
    }
    turn.tick().await;
    redrive.send(letter, value).await.map(Some)
}

fn told(letter: &Letter, done: Result<Option<u64>, RedriveError>) -> Result<Told, crate::kafka::KafkaError> {
    let (result, redrives, why) = match done {
        Ok(None) => ("would be sent", None, None),
        Ok(redrives) => ("sent", redrives, None),
        Err(RedriveError::Impossible(why)) => ("impossible", None, Some(why.to_owned())),
        Err(RedriveError::Kafka(error)) => return Err(error),
    };
    let Place { partition, offset } = place(letter);
    Ok(Told { partition, offset, source: letter.failure().source, result, redrives, why })
}

fn tell(told: &Told, json: bool) -> std::io::Result<()> {
    if json {
        return print::json(told);
    }
    let Told { partition, offset, source, result, redrives, why } = told;
    let more = match (redrives, why) {
        (Some(redrives), _) => format!(", {redrives} times now"),
        (None, Some(why)) => format!(": {why}"),
        (None, None) => String::new(),
    };
    print::line(&escaped(&format!("{partition}/{offset}  {source}  {result}{more}")))
}

/// Those that are asked for, in the order in which their records failed first; of each record the last letter.
async fn choose(settings: &Settings, asked: &Asked, source: &Letters) -> Result<Vec<Place>, Failure> {
    let filter = asked.filter.clone();
    let take = move |chosen: &mut HashMap<String, Chosen>, letter: Letter| {
        if !matches(&filter, &letter) {
            return;
        }
        let (redrives, written_ms) = (letter.redrives, letter.written_ms);
        let next = Chosen { place: place(&letter), redrives, written_ms };
        let held = chosen.entry(letter.origin()).or_insert(next);
        if (held.redrives, held.written_ms) < (redrives, written_ms) {
            *held = next;
        }
    };
    let chosen = source.each(HashMap::new(), take).await.map_err(kafka(settings))?;
    let mut chosen: Vec<_> = chosen.into_iter().collect();
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    if chosen.len() > limit {
        oldest_first(&mut chosen);
        say(&format!("the oldest {limit} of {}; --limit takes more", chosen.len()));
        chosen.truncate(limit);
    }
    chosen.sort_by_cached_key(|(origin, _)| in_order(origin));
    Ok(chosen.into_iter().map(|(_, chosen)| chosen.place).collect())
}

/// By when they were written; those of the same millisecond by their place, so that a dry run chooses what the real one does.
fn oldest_first(chosen: &mut [(String, Chosen)]) {
    chosen.sort_by_key(|(_, Chosen { place, written_ms, .. })| (*written_ms, place.partition, place.offset));
}

/// Partition and offset of `topic/partition/offset`, as numbers: where a topic got twice as many partitions, a product
/// stays in its own or goes on in a higher one.
fn in_order(origin: &str) -> (Option<i32>, Option<i64>) {
    let mut parts = origin.rsplit('/');
    let offset = parts.next().and_then(|offset| offset.parse().ok());
    (parts.next().and_then(|partition| partition.parse().ok()), offset)
}

fn place(letter: &Letter) -> Place {
    Place { partition: letter.partition, offset: letter.offset }
}

/// The value that is to take the place of the letter's own.
fn corrected(file: &Path, asked: &Asked) -> Result<Vec<u8>, Failure> {
    if asked.positions.len() != 1 {
        return Err(Failure::Wrong("--value: must stand with one position".to_owned()));
    }
    let mut value = Vec::new();
    let most = u64::try_from(topics::MAX_VALUE_BYTES).unwrap_or(u64::MAX);
    let read = if file == Path::new("-") {
        std::io::stdin().take(most + 1).read_to_end(&mut value)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(most + 1).read_to_end(&mut value))
    };
    read.map_err(|error| Failure::Wrong(format!("--value: {}: {error}", file.display())))?;
    if value.len() > topics::MAX_VALUE_BYTES {
        return Err(Failure::Wrong(format!("--value: must have at most {most} bytes")));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_before_the_topic_got_more_partitions_goes_first() {
        let mut origins = ["t/15/0", "t/3/10", "t/3/9", "t/15/2"];
        origins.sort_by_cached_key(|origin| in_order(origin));
        assert_eq!(origins, ["t/3/9", "t/3/10", "t/15/0", "t/15/2"]);
    }

    #[test]
    fn letters_of_one_millisecond_are_chosen_in_one_order_however_they_came() {
        let at = |written_ms, partition, offset| {
            let place = Place { partition, offset };
            (String::new(), Chosen { place, redrives: 0, written_ms })
        };
        let sorted = [(None, 1, 9), (Some(1), 0, 0), (Some(1), 0, 1), (Some(1), 1, 0), (Some(2), 0, 0)];
        for first in 0..sorted.len() {
            let mut came = sorted.map(|(written_ms, partition, offset)| at(written_ms, partition, offset));
            came.rotate_left(first);
            oldest_first(&mut came);
            let places =
                came.map(|(_, Chosen { place, written_ms, .. })| (written_ms, place.partition, place.offset));
            assert_eq!(places, sorted);
        }
    }
}
