//! Whole topics, and the commits that the broker took.
//!
//! Kafka keeps commits in a topic of its own, `__consumer_offsets`, in the order in which they were made: what a replica
//! that was stopped and continued asked for and was refused is not there. Its keys and values are binary and have a
//! version in front; only keys of versions 0 and 1 (commits) count, and of the values the offset, which all versions have
//! in the same place.

use std::collections::BTreeMap;

use super::Record;
use crate::drill::world::{CHANGES, LETTERS, RATING_LETTERS, RATINGS, REDRIVE, kafka};

/// A commit that the broker took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) group: String,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) next: i64,
    /// When the broker wrote it, milliseconds since 1970.
    pub(crate) at_ms: i64,
}

/// Every record of every topic of ours.
pub(crate) fn all(brokers: &str) -> anyhow::Result<BTreeMap<String, Vec<Record>>> {
    let topics = [CHANGES, REDRIVE, LETTERS, RATINGS, RATING_LETTERS];
    topics.into_iter().map(|topic| Ok((topic.to_owned(), kafka::dump(brokers, topic)?))).collect()
}

/// Every commit, in the broker's order for each group.
pub(crate) fn commits(brokers: &str) -> anyhow::Result<Vec<Commit>> {
    Ok(kafka::dump(brokers, kafka::OFFSETS)?.iter().filter_map(parse).collect())
}

fn parse(record: &Record) -> Option<Commit> {
    let mut key = Bytes(record.key.as_deref()?);
    if key.number::<2>()? > 1 {
        return None;
    }
    let (group, topic, partition) = (key.text()?, key.text()?, key.number::<4>()?);
    // without a value the commit was removed
    let mut value = Bytes(record.value.as_deref()?);
    value.number::<2>()?;
    let next = value.number::<8>()?;
    Some(Commit { group, topic, partition: i32::try_from(partition).ok()?, next, at_ms: record.at_ms })
}

/// What is left to read, numbers with the high byte first.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn number<const N: usize>(&mut self) -> Option<i64> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte)))
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number::<2>()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_read_and_other_records_are_not() {
        let key = b"\0\x01\0\x07gateway\0\x01t\0\0\0\x05".to_vec();
        let value = b"\0\x03\0\0\0\0\0\0\x01\x02rest".to_vec();
        let record = Record { key: Some(key), value: Some(value), at_ms: 9, ..Record::default() };
        let commit = Commit { group: "gateway".into(), topic: "t".into(), partition: 5, next: 258, at_ms: 9 };
        assert_eq!(parse(&record), Some(commit));
        assert_eq!(parse(&Record { value: None, ..record.clone() }), None);
        assert_eq!(parse(&Record { key: Some(b"\0\x02\0\x07gateway".to_vec()), ..record }), None);
    }
}
