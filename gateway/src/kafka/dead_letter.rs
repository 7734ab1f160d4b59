//! Dead letters: records that can't be applied, kept for a person to look at, with the reason.
//!
//! The letter's key is the source position, so a repeat after a crash is told from a new one. It counts as written once
//! all in-sync replicas have it; until then the source offset must not move.

use std::time::Duration;

use rdkafka::message::{Header, OwnedHeaders};
use schema::PoisonReason;
use schema::headers::dead_letter as names;
use serde::Serialize;

use super::client::KafkaError;
use super::producer::{PATIENCE, Produced, Producer};
use super::record::Record;
use crate::audit::Audit;
use crate::backoff::Backoff;
use crate::drill::{self, Step};
use crate::health::{Dependency, Health};
use crate::metrics::{IngestMetrics, Reason, Stage};

/// Most bytes of the source record that a letter carries. Brokers and clients take a little less than 1 MiB a record, and
/// the letter's own headers need room.
const CARRIED_BYTES: usize = 900 * 1024;
/// Of these, most bytes of the source record's key, and of its headers; what is left is the value's.
const KEY_BYTES: usize = 64 * 1024;
const HEADER_BYTES: usize = 256 * 1024;
/// First and longest delay between two tries.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Longest error text, bytes: it may quote what the record says.
const ERROR_BYTES: usize = 2 * 1024;

/// One record that can't be applied.
#[derive(Debug)]
pub struct DeadLetter<'a> {
    /// The record as it was.
    pub record: &'a Record,
    /// The class of the defect.
    pub reason: PoisonReason,
    /// The rule that does not hold, for a person.
    pub error: String,
}

/// Writes dead letters; clones share the producer.
#[derive(Clone)]
pub struct DeadLetters {
    producer: Producer,
    topic: String,
    replica: String,
    health: Health,
    metrics: IngestMetrics,
    audit: Audit,
}

/// One line of the audit log.
#[derive(Serialize)]
struct AuditLine<'a> {
    event: &'static str,
    topic: &'a str,
    partition: i32,
    offset: i64,
    reason: PoisonReason,
}

impl DeadLetters {
    /// Letters go to `topic`, in the name of `replica`.
    pub fn new(
        producer: Producer,
        topic: &str,
        replica: &str,
        (health, metrics, audit): (&Health, &IngestMetrics, &Audit),
    ) -> Self {
        let (topic, replica) = (topic.to_owned(), replica.to_owned());
        let (health, metrics, audit) = (health.clone(), metrics.clone(), audit.clone());
        Self { producer, topic, replica, health, metrics, audit }
    }

    /// Writes all `letters`, however long it takes; returns once the broker has them.
    pub async fn write_all(&self, letters: &[DeadLetter<'_>]) {
        if letters.is_empty() {
            return;
        }
        let (mut backoff, reporter) = (Backoff::new(RETRY.0, RETRY.1), self.health.reporter());
        // one was refused or not answered, and others may be written: writing all again repeats keys, and is right
        while let Err(error) = self.write(letters).await {
            reporter.away(Dependency::Kafka, &error);
            self.metrics.retries.get_or_create(&Stage { stage: "dead_letters" }).inc();
            backoff.wait().await;
        }
        let mut lines = Vec::with_capacity(letters.len());
        for DeadLetter { record, reason, .. } in letters {
            self.metrics.dead_letters.get_or_create(&Reason { reason: reason.as_str() }).inc();
            let (topic, partition) = (&*record.position.topic, record.position.partition);
            let (offset, reason) = (record.offset, *reason);
            lines.push(AuditLine { event: "dead_lettered", topic, partition, offset, reason });
        }
        tracing::warn!(count = letters.len(), topic = self.topic, "records went to the dead letters");
        self.audit.write(&self.replica, &lines);
    }

    async fn write(&self, letters: &[DeadLetter<'_>]) -> Result<(), KafkaError> {
        let deliveries = letters.iter().map(|letter| self.write_one(letter));
        futures_util::future::try_join_all(deliveries).await?;
        Ok(())
    }

    async fn write_one(&self, letter: &DeadLetter<'_>) -> Result<(), KafkaError> {
        let record = letter.record;
        let key = format!("{}/{}/{}", record.position.topic, record.position.partition, record.offset);
        let kept = Kept::of(record);
        let headers = self.headers(letter, &kept);
        let letter = Produced { topic: &self.topic, key: &key, value: kept.value, headers };
        self.producer.send(letter, PATIENCE).await?;
        drill::passes(Step::DeadLetter);
        Ok(())
    }

    fn headers(&self, letter: &DeadLetter<'_>, kept: &Kept<'_>) -> OwnedHeaders {
        let record = letter.record;
        let mut headers = OwnedHeaders::new();
        for (key, value) in &kept.headers {
            headers = headers.insert(Header { key, value: *value });
        }
        let mut add = |key: &str, value: &[u8]| {
            headers = std::mem::take(&mut headers).insert(Header { key, value: Some(value) });
        };
        if let Some(key) = kept.key {
            add(names::KEY, key);
        }
        add(names::REASON, letter.reason.as_str().as_bytes());
        add(names::ERROR, letter.error.as_bytes().get(..ERROR_BYTES).unwrap_or(letter.error.as_bytes()));
        add(names::TOPIC, record.position.topic.as_bytes());
        add(names::PARTITION, record.position.partition.to_string().as_bytes());
        add(names::OFFSET, record.offset.to_string().as_bytes());
        if let Some(timestamp) = record.timestamp_ms {
            add(names::TIMESTAMP, timestamp.to_string().as_bytes());
        }
        add(names::AT, chrono::Utc::now().to_rfc3339().as_bytes());
        add(names::REPLICA, self.replica.as_bytes());
        // a number of ours; anything else is not carried on
        let redrives =
            record.header(names::REDRIVES).filter(|n| n.len() <= 10 && n.iter().all(u8::is_ascii_digit));
        add(names::REDRIVES, redrives.unwrap_or(b"0"));
        if kept.is_cut {
            add(names::CUT, record.value.as_ref().map_or(0, |value| value.len()).to_string().as_bytes());
        }
        headers
    }
}

/// What of a record fits a letter.
struct Kept<'a> {
    key: Option<&'a [u8]>,
    headers: Vec<(&'a str, Option<&'a [u8]>)>,
    value: Option<&'a [u8]>,
    is_cut: bool,
}

impl<'a> Kept<'a> {
    fn of(record: &'a Record) -> Self {
        let key = record.key.as_deref().map(|key| key.get(..KEY_BYTES).unwrap_or(key));
        let (mut headers, mut header_bytes, mut all_headers) = (Vec::new(), 0, record.has_readable_headers());
        for (name, value) in record.headers().filter(|(name, _)| names::travels(name)) {
            let bytes = name.len() + value.map_or(0, <[u8]>::len) + 16;
            if header_bytes + bytes > HEADER_BYTES {
                all_headers = false;
                continue;
            }
            header_bytes += bytes;
            headers.push((name, value));
        }
        let room = CARRIED_BYTES - header_bytes - key.map_or(0, <[u8]>::len);
        let value = record.value.as_deref().map(|value| value.get(..room).unwrap_or(value));
        let length = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        let whole =
            length(key) == length(record.key.as_deref()) && length(value) == length(record.value.as_deref());
        Self { key, headers, value, is_cut: !(whole && all_headers) }
    }
}
