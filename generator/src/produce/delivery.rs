//! What Kafka says about the changes handed to it, collected from librdkafka's callbacks as messages.
//!
//! The callbacks run inside [`super::Producer::serve`], on the worker's thread; the lock is never contended and only
//! makes the context shareable, as the client library demands.

use std::sync::{Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message, OwnedMessage};
use rdkafka::producer::ProducerContext;
use schema::{ProductChanged, ProductId, Version};
use uuid::Uuid;

use super::ProduceError;

/// A change that was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Which product.
    pub product_id: ProductId,
    /// Which of its versions.
    pub version: Version,
    /// The event's id.
    pub event_id: Uuid,
}

impl Pending {
    pub(super) fn of(change: &ProductChanged) -> Self {
        Self { product_id: change.product_id, version: change.version, event_id: change.event_id }
    }

    pub(super) fn refused(&self, source: KafkaError) -> ProduceError {
        ProduceError::Refused { product: self.product_id, version: self.version, source }
    }
}

/// A change that Kafka has, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The change.
    pub change: Pending,
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
}

/// What was said since the last look.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) arrived: Vec<Delivered>,
    /// The first change that Kafka refused, and why.
    pub(super) refused: Option<(Pending, KafkaError)>,
    /// What a client gave back when it was given up.
    pub(super) returned: Vec<(Box<Pending>, OwnedMessage)>,
}

/// Collects delivery reports.
#[derive(Debug, Default)]
pub(super) struct Deliveries(Mutex<News>);

impl Deliveries {
    pub(super) fn take(&self) -> News {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many changes there is news of.
    pub(super) fn len(&self) -> usize {
        let news = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        news.arrived.len() + news.returned.len()
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Pending>;

    fn delivery(&self, result: &DeliveryResult<'_>, change: Self::DeliveryOpaque) {
        let mut news = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(message) => news.arrived.push(Delivered {
                change: *change,
                partition: message.partition(),
                offset: message.offset(),
            }),
            Err((
                KafkaError::MessageProduction(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight),
                message,
            )) => {
                news.returned.push((change, message.detach()));
            }
            Err((error, _)) => {
                news.refused.get_or_insert_with(|| (*change, error.clone()));
            }
        }
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        quiet_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client");
    }
}

/// The client library reports every failed connection attempt; the generator says itself, once, that the broker is
/// away, so these lines are for those who ask for them (`RUST_LOG=debug`).
pub(crate) fn quiet_log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        // a fatal error is told with its consequence, by the producer
        _ if facility == "FATAL" => tracing::debug!(facility, message, "kafka client"),
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, message, "kafka client");
        }
        _ => tracing::debug!(facility, message, "kafka client"),
    }
}
