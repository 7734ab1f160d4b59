//! `gateway dead-letters`: lists, shows and sends back what could not be read or written, from a shell.
//!
//! It talks to Kafka alone, so it works while every replica is down. What it prints is for people, or with `--json` for
//! machines; data goes to standard output, and what is said about it to standard error. Exit code 0: all was done. 1: not
//! all of it. 2: it was asked for wrongly, and nothing was done.
//!
//! Records are sent back in the order in which they failed first, because of a product's versions only rising ones are
//! kept in its history. Of a record that failed several times the last letter is sent, not each.

mod print;
mod redrive;

use std::process::ExitCode;

use schema::topics;

use crate::config::Settings;
use crate::config::letters::{Filter, LettersCommand, List, Of, Show};
use crate::kafka::{KafkaError, Letter, Letters};

/// Letters held before those beyond the limit are dropped: this many times the limit.
const SLACK: usize = 2;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Kafka is away, or does not have the topic.
    #[error("{brokers}: {error}")]
    Kafka { brokers: String, error: KafkaError },
    #[error("there is no dead letter {0}: it was never written, or is older than Kafka keeps them")]
    NoLetter(String),
    #[error("{0}")]
    Wrong(String),
    #[error("standard output: {0}")]
    Output(#[from] std::io::Error),
}

/// Does what is `asked` for.
pub fn answer(settings: &Settings, asked: &LettersCommand) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&error, ExitCode::FAILURE),
    };
    let done = runtime.block_on(async {
        match asked {
            LettersCommand::List(asked) => list(settings, asked).await,
            LettersCommand::Show(asked) => show(settings, asked).await,
            LettersCommand::Redrive(asked) => redrive::redrive(settings, asked).await,
        }
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // whoever read has seen enough
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error @ Failure::Wrong(_)) => refuse(&error, ExitCode::from(2)),
        Err(error) => refuse(&error, ExitCode::FAILURE),
    }
}

fn refuse(error: &dyn std::fmt::Display, code: ExitCode) -> ExitCode {
    print::say(&format!("error: {error}"));
    code
}

fn letters(settings: &Settings, of: Of) -> Letters {
    let topic = match of {
        Of::Changes => &settings.changes_topic,
        Of::Ratings => &settings.ratings.ratings_topic,
    };
    Letters::new(&settings.kafka, topics::dead_letters(topic).name, settings.replica()).thorough()
}

fn kafka(settings: &Settings) -> impl Fn(KafkaError) -> Failure {
    |error| Failure::Kafka { brokers: settings.kafka.clone(), error }
}

async fn list(settings: &Settings, asked: &List) -> Result<bool, Failure> {
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let filter = asked.filter.clone();
    let take = move |(held, count): &mut (Vec<Letter>, usize), letter: Letter| {
        if matches(&filter, &letter) {
            held.push(letter.listed());
            *count += 1;
            if held.len() >= SLACK * limit {
                Letter::newest_first(held);
                held.truncate(limit);
            }
        }
    };
    let letters = letters(settings, asked.topic);
    let (mut held, count) = letters.each((Vec::new(), 0), take).await.map_err(kafka(settings))?;
    Letter::newest_first(&mut held);
    held.truncate(limit);

    if asked.json {
        held.iter().try_for_each(print::json)?;
    } else {
        print::table(&held)?;
    }
    if held.len() < count {
        print::say(&format!("{} of {count} dead letters; --limit shows more", held.len()));
    } else if held.is_empty() {
        print::say("no dead letters");
    }
    Ok(true)
}

async fn show(settings: &Settings, asked: &Show) -> Result<bool, Failure> {
    let place = asked.position;
    let letter = letters(settings, asked.topic).one(place.partition, place.offset).await;
    let no_letter = || Failure::NoLetter(format!("{}/{}", place.partition, place.offset));
    let letter = letter.map_err(kafka(settings))?.ok_or_else(no_letter)?;
    if asked.json {
        print::json(&letter)?;
    } else {
        print::whole(&letter)?;
    }
    Ok(true)
}

fn matches(filter: &Filter, letter: &Letter) -> bool {
    let written = letter.written_ms.unwrap_or_default();
    let reason = letter.failure().reason;
    (filter.reason.is_empty()
        || filter.reason.iter().any(|wanted| reason.as_deref() == Some(wanted.as_str())))
        && filter.since.is_none_or(|since| written >= since.timestamp_millis())
        && filter.until.is_none_or(|until| written < until.timestamp_millis())
}
