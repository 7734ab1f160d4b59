//! A consumed record, taken out of the client library's memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};
use serde::Serialize;

use crate::audit::Audit;

/// A partition of a topic that the lane consumes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
}

/// One record, with the number of the assignment under which it was fetched.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it stands.
    pub position: Position,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since 1970, by producer or broker; absent in records of very old clients.
    pub timestamp_ms: Option<i64>,
    /// The key; `None` for null.
    pub key: Option<Box<[u8]>>,
    /// The value; `None` for null.
    pub value: Option<Box<[u8]>>,
    /// The headers, in order; one block, because nearly all records are read for two of them only.
    /// `None`: a header's name is not UTF-8, and the client library can't read any of them.
    headers: Option<Box<[u8]>>,
    /// Grows with each assignment of the partition to this process.
    pub assignment: u64,
}

impl Record {
    /// Copies `message`, which stands in `position`.
    pub(super) fn copy(message: &BorrowedMessage<'_>, position: Position, assignment: u64) -> Self {
        Self {
            position,
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis(),
            key: message.key().map(Into::into),
            value: message.payload().map(Into::into),
            // the library panics at a name that is not UTF-8, and Kafka takes any: one record must not end the process
            headers: catch_unwind(AssertUnwindSafe(|| pack(message))).ok(),
            assignment,
        }
    }

    /// Bytes that the record holds in memory, roughly.
    pub fn bytes(&self) -> usize {
        let length = |bytes: &Option<Box<[u8]>>| bytes.as_ref().map_or(0, |b| b.len());
        size_of::<Self>() + length(&self.key) + length(&self.value) + length(&self.headers)
    }

    /// Whether the headers could be read.
    pub const fn has_readable_headers(&self) -> bool {
        self.headers.is_some()
    }

    /// The value of the last header called `name`, as the newest one counts.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().filter(|(key, _)| *key == name).last().and_then(|(_, value)| value)
    }

    /// All headers in order; a value may be null.
    pub fn headers(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        let mut rest: &[u8] = self.headers.as_deref().unwrap_or_default();
        std::iter::from_fn(move || {
            let Part::Bytes(key) = take(&mut rest)? else { return None };
            let value = match take(&mut rest)? {
                Part::Bytes(value) => Some(value),
                Part::Null => None,
            };
            Some((std::str::from_utf8(key).unwrap_or_default(), value))
        })
    }
}

/// One line of the audit log about a record, whatever is in it.
#[derive(Serialize)]
struct AuditLine<'a> {
    event: &'a str,
    topic: &'a str,
    partition: i32,
    offset: i64,
}

/// Audits that the same happened to all records of a batch.
pub fn audit_all(audit: &Audit, replica: &str, event: &str, batch: &[Record]) {
    if !audit.is_on() {
        return;
    }
    let lines = batch.iter().map(|Record { position: Position { topic, partition }, offset, .. }| {
        AuditLine { event, topic, partition: *partition, offset: *offset }
    });
    audit.write(replica, &lines.collect::<Vec<_>>());
}

/// Headers as `length, bytes` by turns, key and value; the length of a null is −1.
fn pack(message: &BorrowedMessage<'_>) -> Box<[u8]> {
    let Some(headers) = message.headers() else { return Box::default() };
    let mut packed =
        Vec::with_capacity(headers.iter().map(|h| 8 + h.key.len() + h.value.map_or(0, <[u8]>::len)).sum());
    for header in headers.iter() {
        put(&mut packed, Some(header.key.as_bytes()));
        put(&mut packed, header.value);
    }
    packed.into()
}

fn put(packed: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let length = bytes.map_or(-1, |b| i32::try_from(b.len()).unwrap_or(i32::MAX));
    packed.extend_from_slice(&length.to_le_bytes());
    packed.extend_from_slice(bytes.unwrap_or_default());
}

/// One part of the block.
enum Part<'a> {
    Null,
    Bytes(&'a [u8]),
}

fn take<'a>(packed: &mut &'a [u8]) -> Option<Part<'a>> {
    let (length, rest) = packed.split_first_chunk::<4>()?;
    let Ok(length) = usize::try_from(i32::from_le_bytes(*length)) else {
        *packed = rest;
        return Some(Part::Null);
    };
    let (bytes, rest) = rest.split_at_checked(length)?;
    *packed = rest;
    Some(Part::Bytes(bytes))
}

#[cfg(test)]
impl Record {
    /// One with nothing in it.
    pub(super) fn bare() -> Self {
        Self {
            position: Position { topic: "t".into(), partition: 0 },
            offset: 0,
            timestamp_ms: None,
            key: None,
            value: None,
            headers: None,
            assignment: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_headers_come_out_as_they_went_in() {
        let mut packed = Vec::new();
        for part in [Some(b"a".as_slice()), Some(b"1"), Some(b"b"), None, Some(b"a"), Some(b"")] {
            put(&mut packed, part);
        }
        let record = Record { headers: Some(packed.into()), ..Record::bare() };
        let headers: Vec<_> = record.headers().collect();
        assert_eq!(headers, [("a", Some(b"1".as_slice())), ("b", None), ("a", Some(b"".as_slice()))]);
        assert_eq!(record.header("a"), Some(b"".as_slice()));
        assert_eq!(record.header("c"), None);
    }
}
