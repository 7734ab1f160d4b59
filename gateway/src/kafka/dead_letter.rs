//! Dead letters: records that can't be applied, kept for a person to look at, with the reason.
//!
//! The letter's key is the source position, so a repeat after a crash is told from a new one. It counts as written once
//! all in-sync replicas have it; until then the source offset must not move.

use std::time::Duration;

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use schema::PoisonReason;
use schema::headers::dead_letter as names;

use super::client::{self, KafkaError};
use super::record::Record;

/// Longest value of a letter; longer ones are cut. The broker's default limit for a record is 1 MiB, headers included.
const MAX_LETTER_BYTES: usize = 900 * 1024;

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
    producer: FutureProducer,
    topic: String,
    replica: String,
}

impl DeadLetters {
    /// Letters go to `topic`; nothing is connected yet.
    ///
    /// # Errors
    /// The client can't be made.
    pub fn new(brokers: &str, topic: &str, replica: &str) -> Result<Self, KafkaError> {
        let producer = client::producer(brokers, &format!("{replica}-dlq")).create()?;
        Ok(Self { producer, topic: topic.to_owned(), replica: replica.to_owned() })
    }

    /// Writes all `letters`; returns once the broker has them. Waits as long as the broker is away.
    ///
    /// # Errors
    /// One was refused; others may be written. Writing all of them again repeats keys, and is right.
    pub async fn write(&self, letters: &[DeadLetter<'_>]) -> Result<(), KafkaError> {
        let deliveries = letters.iter().map(|letter| self.write_one(letter));
        futures_util::future::try_join_all(deliveries).await?;
        Ok(())
    }

    async fn write_one(&self, letter: &DeadLetter<'_>) -> Result<(), KafkaError> {
        let record = letter.record;
        let key = format!("{}/{}/{}", record.position.topic, record.position.partition, record.offset);
        let value = record.value.as_deref();
        let kept = value.map(|value| value.get(..MAX_LETTER_BYTES).unwrap_or(value));
        let headers = self.headers(letter, value.map_or(0, <[u8]>::len) > MAX_LETTER_BYTES);
        let mut letter = FutureRecord::<str, [u8]>::to(&self.topic).key(&key).headers(headers);
        letter.payload = kept;
        // Never: a full queue means that the broker is away, and then waiting is right
        self.producer
            .send(letter, Timeout::After(Duration::from_secs(60 * 60)))
            .await
            .map(|_| ())
            .map_err(|(error, _)| KafkaError::Delivery(error.to_string()))
    }

    fn headers(&self, letter: &DeadLetter<'_>, cut: bool) -> OwnedHeaders {
        let record = letter.record;
        let mut headers = OwnedHeaders::new();
        for (key, value) in record.headers().filter(|(key, _)| !key.starts_with("dlq-")) {
            headers = headers.insert(Header { key, value });
        }
        let mut add = |key: &str, value: &[u8]| {
            headers = std::mem::take(&mut headers).insert(Header { key, value: Some(value) });
        };
        if let Some(key) = &record.key {
            add(names::KEY, key);
        }
        add(names::REASON, letter.reason.as_str().as_bytes());
        add(names::ERROR, letter.error.as_bytes());
        add(names::TOPIC, record.position.topic.as_bytes());
        add(names::PARTITION, record.position.partition.to_string().as_bytes());
        add(names::OFFSET, record.offset.to_string().as_bytes());
        if let Some(timestamp) = record.timestamp_ms {
            add(names::TIMESTAMP, timestamp.to_string().as_bytes());
        }
        add(names::AT, chrono::Utc::now().to_rfc3339().as_bytes());
        add(names::REPLICA, self.replica.as_bytes());
        let redrives = record.header(names::REDRIVES).unwrap_or(b"0");
        add(names::REDRIVES, redrives);
        if cut {
            let length = record.value.as_ref().map_or(0, |value| value.len());
            add(names::CUT, length.to_string().as_bytes());
        }
        headers
    }
}
