//! One dead letter, taken apart: what its record was, where it came from, and what was wrong with it. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schema::headers::dead_letter as names;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::record::Record;

/// Most bytes of a value that a list keeps of one letter; the letter alone has all of it.
const LISTED_BYTES: usize = 4 * 1024;

/// One dead letter. As JSON it shows texts: what is none has its unreadable bytes replaced.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Where it lies.
    pub partition: i32,
    /// Where it lies.
    pub offset: i64,
    /// When it was written, milliseconds since 1970.
    pub written_ms: Option<i64>,
    /// How often its record was sent back before.
    pub redrives: u64,
    /// Length of the source's value when it was cut to fit.
    pub cut: Option<u64>,
    /// Length of the letter's value; `None` for null.
    pub value_bytes: Option<usize>,
    /// The letter as it lies in Kafka; of its value, perhaps only the beginning.
    pub(super) record: Record,
}

/// What was wrong with a record, and where. As JSON it is a part of its letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Position of the record, `topic/partition/offset`.
    pub source: String,
    /// The class of the defect.
    pub reason: Option<String>,
    /// The rule that does not hold.
    pub error: Option<String>,
    /// When the letter was written, RFC 3339.
    pub at: Option<String>,
    /// Who wrote it.
    pub replica: Option<String>,
}

impl Letter {
    /// Sorts by when they were written, newest first; those of the same millisecond by their place, the later first, so that
    /// two questions get the same answer.
    pub fn newest_first(letters: &mut [Self]) {
        letters.sort_by_key(|letter| Reverse((letter.written_ms, letter.partition, letter.offset)));
    }

    /// Takes `record` apart.
    pub(super) fn of(record: Record) -> Self {
        let number = |name| text(record.header(name)).and_then(|digits| digits.parse().ok());
        Self {
            partition: record.position.partition,
            offset: record.offset,
            written_ms: record.timestamp_ms,
            redrives: number(names::REDRIVES).unwrap_or(0),
            cut: number(names::CUT),
            value_bytes: record.value.as_ref().map(|value| value.len()),
            record,
        }
    }

    /// The same, to be listed among others: with the beginning of its value.
    #[must_use]
    pub fn listed(mut self) -> Self {
        if let Some(begins) = self.record.value.as_deref().and_then(|value| value.get(..LISTED_BYTES)) {
            self.record.value = Some(begins.into());
        }
        self
    }

    /// What was wrong.
    pub fn failure(&self) -> Failure {
        self.told(str::to_owned)
    }

    /// What was wrong with the record before it was sent back for the first time.
    pub fn first(&self) -> Option<Failure> {
        self.record.header(&names::first(names::REASON)).map(|_| self.told(names::first))
    }

    /// Where the record stood when it failed first. Letters of one record have it in common, however often that was sent
    /// back.
    pub fn origin(&self) -> String {
        self.first().unwrap_or_else(|| self.failure()).source
    }

    /// The source record's key.
    pub fn key(&self) -> Option<String> {
        self.header(names::KEY)
    }

    /// The source record's own headers.
    pub fn headers(&self) -> BTreeMap<&str, Option<String>> {
        let own = self.record.headers().filter(|(name, _)| !name.starts_with("dlq-"));
        own.map(|(name, value)| (name, text(value))).collect()
    }

    /// The value, as far as it is here.
    pub fn value(&self) -> Option<String> {
        text(self.record.value.as_deref())
    }

    /// When the source record was produced, milliseconds since 1970.
    pub fn recorded_ms(&self) -> Option<i64> {
        self.header(names::TIMESTAMP).and_then(|ms| ms.parse().ok())
    }

    fn told(&self, name: impl Fn(&'static str) -> String) -> Failure {
        let header = |plain| self.header(&name(plain));
        let source = [names::TOPIC, names::PARTITION, names::OFFSET];
        Failure {
            source: source.map(|name| header(name).unwrap_or_default()).join("/"),
            reason: header(names::REASON),
            error: header(names::ERROR),
            at: header(names::AT),
            replica: header(names::REPLICA),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        text(self.record.header(name))
    }
}

impl Serialize for Letter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let failure = self.failure();
        let mut letter = serializer.serialize_struct("Letter", 15)?;
        letter.serialize_field("partition", &self.partition)?;
        letter.serialize_field("offset", &self.offset)?;
        letter.serialize_field("source", &failure.source)?;
        letter.serialize_field("reason", &failure.reason)?;
        letter.serialize_field("error", &failure.error)?;
        letter.serialize_field("at", &failure.at)?;
        letter.serialize_field("replica", &failure.replica)?;
        letter.serialize_field("recorded_ms", &self.recorded_ms())?;
        letter.serialize_field("redrives", &self.redrives)?;
        letter.serialize_field("first", &self.first())?;
        letter.serialize_field("cut", &self.cut)?;
        letter.serialize_field("key", &self.key())?;
        letter.serialize_field("headers", &self.headers())?;
        letter.serialize_field("value_bytes", &self.value_bytes)?;
        letter.serialize_field("value", &self.value())?;
        letter.end()
    }
}

fn text(bytes: Option<&[u8]>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_letter_has_the_members_that_are_described() {
        let document: Value = serde_json::from_str(schema::documents::OPENAPI).unwrap();
        let described = |name: &str| document["components"]["schemas"][name]["properties"].clone();
        let letter = Letter::of(Record::bare());
        let failure = serde_json::to_value(letter.failure()).unwrap();
        for (name, told) in [("DeadLetter", serde_json::to_value(letter).unwrap()), ("Failure", failure)] {
            let members = |value: &Value| {
                let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
                names.sort();
                names
            };
            assert_eq!(
                members(&told),
                members(&described(name)),
                "left: the code; right: schema/openapi.json"
            );
        }
    }

    #[test]
    fn letters_of_one_millisecond_have_one_order_however_they_came() {
        let at = |written_ms, partition, offset| Letter {
            partition,
            offset,
            written_ms,
            ..Letter::of(Record::bare())
        };
        let sorted =
            [at(Some(2), 0, 0), at(Some(1), 1, 0), at(Some(1), 0, 1), at(Some(1), 0, 0), at(None, 1, 9)];
        let places = |letters: &[Letter]| -> Vec<_> {
            letters.iter().map(|letter| (letter.written_ms, letter.partition, letter.offset)).collect()
        };
        for first in 0..sorted.len() {
            let mut came = sorted.clone();
            came.rotate_left(first);
            Letter::newest_first(&mut came);
            assert_eq!(places(&came), places(&sorted));
        }
    }
}
