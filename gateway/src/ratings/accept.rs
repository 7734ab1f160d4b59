//! The door: puts a rating into Kafka, and says so once all in-sync replicas have it.
//!
//! Nothing is kept here for later. When Kafka does not answer within [`ANSWER_WITHIN`] the sender is told to come again;
//! whether that rating had arrived is then not always known, so who wants it counted exactly once names an idempotency
//! key, and sends the same again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use schema::headers::{CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TIME, CE_TYPE, CONTENT_TYPE, IDEMPOTENCY_KEY};
use schema::topics::GATEWAY_SOURCE;
use schema::{KeyHash, ProductRated, Rate, Subject};
use uuid::Uuid;

use crate::kafka::{KafkaError, Produced, Producer};
use crate::metrics::ratings::RatingMetrics;

/// Longest wait for Kafka's word; below the two seconds within which every sender has an answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_600);
/// How long the client tries to deliver; it looks for what is late once a second.
const DELIVER_WITHIN: Duration = Duration::from_secs(1);
/// Most ratings that may be on their way to Kafka; about 10 MB.
const MOST_ON_THE_WAY: usize = 10_000;

/// Why a rating was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// Kafka did not say in time that it has it.
    #[error("Kafka did not answer in time")]
    Away,
    /// Too many are on their way.
    #[error("too many ratings are on their way")]
    Busy,
}

/// The door.
pub struct Accept {
    producer: Producer,
    topic: String,
    metrics: RatingMetrics,
}

impl Accept {
    /// Ratings go to `topic`; nothing is connected yet.
    ///
    /// # Errors
    /// The client can't be made.
    pub fn new(
        brokers: &str,
        topic: &str,
        replica: &str,
        metrics: RatingMetrics,
    ) -> Result<Self, KafkaError> {
        let producer =
            Producer::impatient(brokers, &format!("{replica}-ratings"), DELIVER_WITHIN, MOST_ON_THE_WAY)?;
        Ok(Self { producer, topic: topic.to_owned(), metrics })
    }

    /// Takes a rating; returns once all in-sync replicas of Kafka have it.
    ///
    /// # Errors
    /// It was not taken, or ([`NotAccepted::Away`]) that is not known.
    pub async fn accept(
        &self,
        subject: Subject,
        rate: Rate,
        key: Option<KeyHash>,
    ) -> Result<ProductRated, NotAccepted> {
        let now = Utc::now();
        let rated_at = DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now);
        let rated = ProductRated { event_id: Uuid::now_v7(), subject, rate, rated_at };
        let sent = self.send(&rated, key).await;
        self.metrics.answered(match sent {
            Ok(()) => "accepted",
            Err(NotAccepted::Away) => "away",
            Err(NotAccepted::Busy) => "busy",
        });
        sent.map(|()| rated)
    }

    async fn send(&self, rated: &ProductRated, key: Option<KeyHash>) -> Result<(), NotAccepted> {
        let value = serde_json::to_vec(rated).unwrap_or_default();
        let (id, time) = (rated.event_id.to_string(), rated.rated_at.to_rfc3339());
        let (kind, hash) = (ProductRated::TYPE.to_string(), key.map(|key| key.to_string()));
        let mut headers = vec![
            (CE_ID, id.as_str()),
            (CE_SOURCE, GATEWAY_SOURCE),
            (CE_SPECVERSION, "1.0"),
            (CE_TIME, &time),
            (CE_TYPE, &kind),
            (CONTENT_TYPE, "application/json"),
        ];
        headers.extend(hash.as_deref().map(|hash| (IDEMPOTENCY_KEY, hash)));
        let subject = rated.subject.to_string();
        let record = Produced::new(&self.topic, &subject, &value, &headers);
        match self.producer.send(record, ANSWER_WITHIN).await {
            Ok(()) => Ok(()),
            Err(KafkaError::Full) => Err(NotAccepted::Busy),
            Err(error) => {
                // whether Kafka is away is told by the consumers, who notice also when it is back
                tracing::debug!(%error, "a rating was not taken");
                Err(NotAccepted::Away)
            }
        }
    }
}
