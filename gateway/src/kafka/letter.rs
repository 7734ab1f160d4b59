//! One dead letter, taken apart: what its record was, where it came from, and what was wrong with it. Pure.

use std::collections::BTreeMap;

use schema::headers::dead_letter as names;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::record::Record;

/// Most bytes of a value that a list shows of one letter; the letter alone shows all of it.
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
    /// Most bytes of the value to show.
    pub shown: usize,
    /// The letter as it lies in Kafka.
    pub(super) record: Record,
}

impl Letter {
    /// Takes `record` apart.
    pub(super) fn of(record: Record) -> Self {
        let number = |name| text(record.header(name)).and_then(|digits| digits.parse().ok());
        Self {
            partition: record.position.partition,
            offset: record.offset,
            written_ms: record.timestamp_ms,
            redrives: number(names::REDRIVES).unwrap_or(0),
            cut: number(names::CUT),
            shown: usize::MAX,
            record,
        }
    }

    /// The same, to be listed among others.
    #[must_use]
    pub fn listed(self) -> Self {
        Self { shown: LISTED_BYTES, ..self }
    }

    /// Position of the source record, `topic/partition/offset`.
    pub fn source(&self) -> String {
        [names::TOPIC, names::PARTITION, names::OFFSET]
            .map(|name| text(self.record.header(name)).unwrap_or_default())
            .join("/")
    }
}

impl Serialize for Letter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let header = |name| text(self.record.header(name));
        let value = self.record.value.as_deref();
        let own = self.record.headers().filter(|(name, _)| !name.starts_with("dlq-"));
        let own: BTreeMap<&str, Option<String>> = own.map(|(name, value)| (name, text(value))).collect();
        let mut letter = serializer.serialize_struct("Letter", 14)?;
        letter.serialize_field("partition", &self.partition)?;
        letter.serialize_field("offset", &self.offset)?;
        letter.serialize_field("source", &self.source())?;
        letter.serialize_field("reason", &header(names::REASON))?;
        letter.serialize_field("error", &header(names::ERROR))?;
        letter.serialize_field("at", &header(names::AT))?;
        letter.serialize_field("replica", &header(names::REPLICA))?;
        letter.serialize_field(
            "recorded_ms",
            &header(names::TIMESTAMP).and_then(|ms| ms.parse::<i64>().ok()),
        )?;
        letter.serialize_field("redrives", &self.redrives)?;
        letter.serialize_field("cut", &self.cut)?;
        letter.serialize_field("key", &header(names::KEY))?;
        letter.serialize_field("headers", &own)?;
        letter.serialize_field("value_bytes", &value.map(<[u8]>::len))?;
        letter
            .serialize_field("value", &text(value.map(|value| value.get(..self.shown).unwrap_or(value))))?;
        letter.end()
    }
}

fn text(bytes: Option<&[u8]>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}
