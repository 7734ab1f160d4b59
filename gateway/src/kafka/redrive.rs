//! A dead letter's record sent back: produced to `<topic>.redrive` (see [`schema::topics::redrive`]) with the source's key
//! and headers, as it was or with a corrected value.
//!
//! Besides it carries what was wrong the *first* time, and how often it was sent back: should it fail again, its next
//! letter tells both. The letter itself stays; what becomes of the record is told by the lane that reads it. A record that
//! is sent back twice is judged twice, by its version, and changes nothing the second time.

use std::time::Duration;

use rdkafka::message::{Header, OwnedHeaders};
use schema::headers::dead_letter as names;

use super::client::KafkaError;
use super::letter::Letter;
use super::producer::{Produced, Producer};

/// Longest wait for the acknowledgement of what is sent back.
const SEND: Duration = Duration::from_secs(10);

/// Why a letter was not sent back.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// It does not hold what would be needed.
    #[error("{0}")]
    Impossible(&'static str),
    /// Kafka did not do it.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
}

/// The way back; clones share it.
#[derive(Clone)]
pub struct Redrive {
    topic: String,
    producer: Producer,
}

impl Redrive {
    /// Records are sent back to `topic`.
    pub const fn new(producer: Producer, topic: String) -> Self {
        Self { topic, producer }
    }

    /// Sends the letter's record back, with `value` in place of its own if there is one; returns how often it was sent
    /// back now, this time included.
    ///
    /// # Errors
    /// It can't be sent back as it is, or Kafka is away.
    pub async fn send(&self, letter: &Letter, value: Option<&[u8]>) -> Result<u64, RedriveError> {
        let key = Self::check(letter, value.is_some())?;
        let redrives = letter.redrives + 1;
        let value = value.or(letter.record.value.as_deref());
        let headers = headers(letter, redrives);
        self.producer.send(Produced { topic: &self.topic, key, value, headers }, SEND).await?;
        tracing::info!(source = letter.failure().source, redrives, "a dead letter was sent back");
        Ok(redrives)
    }

    /// The key to send the letter's record back with, if it can be sent back at all.
    ///
    /// # Errors
    /// [`RedriveError::Impossible`].
    pub fn check(letter: &Letter, is_corrected: bool) -> Result<&str, RedriveError> {
        let key = letter.record.header(names::KEY).ok_or(RedriveError::Impossible("it had no key"))?;
        let key = std::str::from_utf8(key).map_err(|_| RedriveError::Impossible("its key is no text"))?;
        if !is_corrected && letter.cut.is_some() {
            return Err(RedriveError::Impossible("it was cut to fit: give the whole value"));
        }
        Ok(key)
    }
}

/// The source's headers, the first failure, and the count.
fn headers(letter: &Letter, redrives: u64) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new();
    let mut add = |key: &str, value: Option<&[u8]>| {
        headers = std::mem::take(&mut headers).insert(Header { key, value });
    };
    for (name, value) in letter.record.headers().filter(|(name, _)| names::travels(name)) {
        add(name, value);
    }
    if letter.first().is_none() {
        for name in names::FAILURE {
            if let Some(value) = letter.record.header(name) {
                add(&names::first(name), Some(value));
            }
        }
    }
    add(names::REDRIVES, Some(redrives.to_string().as_bytes()));
    headers
}
