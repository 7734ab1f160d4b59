//! Dead letters: one for each record that could not be taken, with all that a person needs to mend it.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Case, Findings, decode};
use crate::drill::evidence::Record;
use crate::drill::evidence::audit::Event;
use crate::drill::fleet::spoiler::EXPECT;
use crate::drill::world::{CHANGES, LETTERS, RATING_LETTERS, RATINGS, REDRIVE};

/// The smallest key and value of which a part may be left out: that of a key.
const MAY_BE_CUT: usize = 64 * 1024;

/// A record's place: topic, partition, offset.
type Place = (String, i32, i64);

/// Each poison, conflicting or rejected record has a letter; no letter is of another one, and repeats have one key.
pub(super) fn one_each(case: &Case<'_>, findings: &mut Findings) {
    let place = |topic: &str, record: &Record| (topic.to_owned(), record.partition, record.offset);
    let mut poison: HashSet<Place> = case
        .changes
        .iter()
        .filter(|(_, _, change)| change.is_none())
        .map(|(topic, record, _)| place(topic, record))
        .collect();
    let ratings = case.evidence.topic(RATINGS).iter().filter(|record| decode::rating(record).is_none());
    poison.extend(ratings.map(|record| place(RATINGS, record)));

    // a conflict whose letter was cut off by a crash may come again when a newer version is stored: then it is stale
    let (mut refused, mut settled) = (HashSet::new(), HashSet::new());
    for line in &case.evidence.audit {
        let place = || (line.topic.to_string(), line.partition, line.offset);
        match line.event {
            Event::Conflict | Event::Rejected => drop(refused.insert(place())),
            Event::New | Event::Stale | Event::Replay => drop(settled.insert(place())),
            _ => {}
        }
    }
    let letters: HashMap<Place, &Record> = letters(case).map(|letter| (source(letter), letter)).collect();
    let in_conflict = in_conflict(case);
    for place in &poison {
        findings.check(letters.contains_key(place), || format!("poison without a letter: {place:?}"));
    }
    for place in refused.iter().filter(|place| !settled.contains(*place)) {
        findings.check(letters.contains_key(place), || format!("refused without a letter: {place:?}"));
    }
    for (place, letter) in &letters {
        let reason = letter.text("dlq-reason");
        let right = match reason {
            "conflict" => refused.contains(place) && in_conflict.contains(place),
            "rejected" => refused.contains(place),
            _ => poison.contains(place),
        };
        findings.check(right, || format!("a letter of what is good, reason {reason}: {place:?}"));
    }
}

/// The places of records of whose product and version another record has another event.
fn in_conflict(case: &Case<'_>) -> HashSet<Place> {
    let mut events: HashMap<_, HashSet<Uuid>> = HashMap::new();
    for (_, _, change) in case.good() {
        events.entry((change.product, change.version)).or_default().insert(change.event);
    }
    let several = case.good().filter(|(_, _, change)| {
        events.get(&(change.product, change.version)).is_some_and(|events| events.len() > 1)
    });
    several.map(|(topic, record, _)| (topic.to_owned(), record.partition, record.offset)).collect()
}

/// Each letter's headers name its source, and key, value and headers are those of the source.
pub(super) fn carry(case: &Case<'_>, findings: &mut Findings) {
    let mut sources: HashMap<Place, &Record> = HashMap::new();
    for topic in [CHANGES, REDRIVE, RATINGS] {
        let records = case.evidence.topic(topic).iter();
        sources.extend(records.map(|record| ((topic.to_owned(), record.partition, record.offset), record)));
    }
    for letter in letters(case) {
        let place = source(letter);
        let key = format!("{}/{}/{}", place.0, place.1, place.2);
        let Some(source) = sources.get(&place) else {
            findings.check(false, || format!("a letter of no record: {letter:?}"));
            continue;
        };
        let bytes = |part: &Option<Vec<u8>>| part.as_ref().map_or(0, Vec::len);
        let cut =
            letter.header("dlq-cut").is_some() && bytes(&source.key) + bytes(&source.value) > MAY_BE_CUT;
        let expected = source.header(EXPECT).is_none_or(|reason| letter.header("dlq-reason") == Some(reason));
        let told = ["dlq-reason", "dlq-error", "dlq-at", "dlq-replica", "dlq-redrives"];
        let right = letter.key.as_deref() == Some(key.as_bytes())
            && letter.header("dlq-key") == source.key.as_deref()
            && (cut || (letter.value == source.value && own(letter) == own(source)))
            && letter.text("dlq-timestamp") == source.at_ms.to_string()
            && told.iter().all(|name| !letter.text(name).is_empty())
            && (place.0 != REDRIVE || first_failure(letter) == first_failure(source))
            && expected;
        findings.check(right, || format!("{letter:?} of {source:?}"));
    }
}

/// What was sent back and taken stands in its topic, as it was or corrected, with its first failure and its count.
pub(super) fn sent_back(case: &Case<'_>, findings: &mut Findings) {
    let letters: HashMap<(i32, i64), &Record> = case
        .evidence
        .topic(LETTERS)
        .iter()
        .map(|letter| ((letter.partition, letter.offset), letter))
        .collect();
    for sent in &case.evidence.sent_back {
        let letter = letters.get(&(sent.partition, sent.offset));
        let is_it = |letter: &Record, record: &Record| {
            let value = sent.corrected.as_ref().map(String::as_bytes).or(letter.value.as_deref());
            record.value.as_deref() == value
                && record.key.as_deref() == letter.header("dlq-key")
                && own(record) == own(letter)
                && first_failure(record) == first_failure_of(letter)
                && number(record, "dlq-redrives") == number(letter, "dlq-redrives").map(|count| count + 1)
        };
        let there = letter
            .is_some_and(|letter| case.evidence.topic(REDRIVE).iter().any(|record| is_it(letter, record)));
        findings.check(there, || format!("{sent:?} did not arrive as it should; its letter: {letter:?}"));
    }
    for record in case.evidence.topic(REDRIVE) {
        let count = number(record, "dlq-redrives");
        findings
            .check(count.is_some_and(|count| count > 0), || format!("sent back without a count: {record:?}"));
    }
}

/// What tells of a failure.
const FAILURE: [&str; 8] = ["reason", "error", "topic", "partition", "offset", "timestamp", "at", "replica"];

/// What a record that was sent back says of its first failure.
fn first_failure(record: &Record) -> [&[u8]; 8] {
    FAILURE.map(|name| record.header(&format!("dlq-first-{name}")).unwrap_or_default())
}

/// What it should say: the letter's own failure, or the first one that the letter tells of.
fn first_failure_of(letter: &Record) -> [&[u8]; 8] {
    if letter.header("dlq-first-reason").is_some() {
        return first_failure(letter);
    }
    FAILURE.map(|name| letter.header(&format!("dlq-{name}")).unwrap_or_default())
}

/// The headers that are the source's own.
fn own(record: &Record) -> Vec<(String, Vec<u8>)> {
    record.headers.iter().filter(|(name, _)| !name.starts_with("dlq-")).cloned().collect()
}

fn number(record: &Record, name: &str) -> Option<i64> {
    record.text(name).parse().ok()
}

fn letters<'e>(case: &Case<'e>) -> impl Iterator<Item = &'e Record> {
    let evidence = case.evidence;
    [LETTERS, RATING_LETTERS].into_iter().flat_map(|topic| evidence.topic(topic))
}

fn source(letter: &Record) -> Place {
    let partition = letter.text("dlq-partition").parse().unwrap_or(-1);
    (letter.text("dlq-topic").to_owned(), partition, number(letter, "dlq-offset").unwrap_or(-1))
}
