//! Lane 1, a change's way in: consume ▶ decode ▶ apply ▶ relay ▶ commit.
//!
//! A [`kafka::Lane`](Lane) feeds a few writers; each owns its share of the partitions and works on one batch at a time, while
//! the next one gathers. A batch is finished when every record of it has its outcome (written, skipped, or acknowledged by
//! the dead-letter topic) **and** the relay has the products' new state, or the relay's epoch was changed in its stead.
//! Only then is its offset committed, so a crash at any point repeats work and loses none.
//!
//! Failure: whatever may pass is retried, with the batch held and its partitions paused by the full channel behind it;
//! the group hears from the polling thread all the while. `batch` is the loop's body, `outcome` decides, `apply` talks to
//! Postgres, and [`crate::relay`] to Redis.

mod apply;
mod batch;
mod decode;
mod outcome;

use crate::audit::Audit;
use crate::db::Db;
use crate::health::Health;
use crate::kafka::{ConsumerSettings, DeadLetters, KafkaError, Lane};
use crate::metrics::IngestMetrics;
use crate::relay::Relay;

/// What the lane works with; each writer has a clone.
#[derive(Clone)]
pub struct Parts {
    /// Where changes are written.
    pub db: Db,
    /// Where they are relayed.
    pub relay: Relay,
    /// Where records go that can't be applied.
    pub dead_letters: DeadLetters,
    /// What is away.
    pub health: Health,
    /// Counts.
    pub metrics: IngestMetrics,
    /// What was decided, for a checker.
    pub audit: Audit,
    /// This replica's name.
    pub replica: String,
    /// Most records of one batch.
    pub batch_rows: usize,
}

/// Joins the group and starts the writers.
///
/// # Errors
/// The consumer can't be made.
pub fn start(settings: &ConsumerSettings, parts: &Parts) -> Result<Lane, KafkaError> {
    let watched = (&parts.health, &parts.metrics, &parts.audit);
    Lane::start(settings, parts.batch_rows, watched, || batch::Ingest::new(parts))
}
