//! The ratings lane: HTTP ▶ Kafka ▶ totals ▶ relay.
//!
//! *Accept* puts a rating into Kafka and says so once all in-sync replicas have it. The *fold*, on whichever replica owns
//! the partition, counts a batch into the totals in one transaction with the topic's progress, and relays what became of
//! them. A rating is a delta, so unlike a change it must count once: progress makes a second delivery harmless, and a
//! client's idempotency key a second sending.
//!
//! Failure: Kafka away: ratings are refused at the door, none is kept here. Postgres away: they wait in Kafka. A topic
//! that is not the one that was folded is refused, see `same_topic`.

mod accept;
mod decode;
mod fold;
mod keys;
mod pace;
mod same_topic;

pub use accept::{Accept, NotAccepted};
pub use keys::forget_old_keys;

use crate::audit::Audit;
use crate::db::Db;
use crate::health::Health;
use crate::kafka::{ConsumerSettings, DeadLetters, KafkaError, Lane};
use crate::metrics::IngestMetrics;
use crate::metrics::ratings::RatingMetrics;
use crate::relay::Relay;

/// What the lane works with; each writer has a clone.
#[derive(Clone)]
pub struct Parts {
    /// Brokers to ask for a topic's end.
    pub brokers: String,
    /// The topic that is folded.
    pub topic: String,
    /// Where totals are.
    pub db: Db,
    /// Where they are relayed.
    pub relay: Relay,
    /// Where records go that are no ratings.
    pub dead_letters: DeadLetters,
    /// What is away.
    pub health: Health,
    /// Counts of the consumer.
    pub consumer_metrics: IngestMetrics,
    /// Counts of ratings.
    pub metrics: RatingMetrics,
    /// What was decided, for a checker.
    pub audit: Audit,
    /// This replica's name.
    pub replica: String,
    /// Most records of one batch.
    pub batch_rows: usize,
    /// How many of the newest ratings an average looks back on.
    pub window: u32,
}

/// Joins the group and starts to fold.
///
/// # Errors
/// The consumer can't be made.
pub fn start(settings: &ConsumerSettings, parts: &Parts) -> Result<Lane, KafkaError> {
    let watched = (&parts.health, &parts.consumer_metrics, &parts.audit);
    Lane::start(settings, parts.batch_rows, watched, || fold::Fold::new(parts))
}
