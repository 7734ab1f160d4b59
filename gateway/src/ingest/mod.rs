//! Lane 1, a change's way in: consume ▶ decode ▶ apply ▶ relay ▶ commit.
//!
//! One consumer feeds a few writers; each owns its share of the partitions and works on one batch at a time, while the
//! next one gathers. A batch is finished when every record of it has its outcome (written, skipped, or acknowledged by
//! the dead-letter topic) **and** the relay has the products' new state, or the relay's epoch was changed in its stead.
//! Only then is its offset committed, so a crash at any point repeats work and loses none.
//!
//! Failure: whatever may pass is retried, with the batch held and its partitions paused by the full channel behind it;
//! the group hears from the polling thread all the while. `writer` holds the handshake with the group, `batch` is the
//! loop's body, `outcome` decides, `apply` talks to Postgres, and [`crate::relay`] to Redis.

mod apply;
mod batch;
mod decode;
mod outcome;
mod writer;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::audit::Audit;
use crate::db::Db;
use crate::health::Health;
use crate::kafka::{Consumer, ConsumerSettings, DeadLetters, KafkaError, LaneStatus};
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

/// The running lane.
pub struct Ingest {
    consumer: Consumer,
    writers: JoinSet<()>,
    abandon: CancellationToken,
}

impl Ingest {
    /// Joins the group and starts the writers.
    ///
    /// # Errors
    /// The consumer can't be made.
    pub fn start(settings: &ConsumerSettings, parts: &Parts) -> Result<Self, KafkaError> {
        let (consumer, channels) = Consumer::start(settings, &parts.health, &parts.metrics, &parts.audit)?;
        let mut writers = JoinSet::new();
        let abandon = CancellationToken::new();
        for channels in channels {
            let writer = writer::Writer::new(channels, parts.clone());
            let abandon = abandon.clone();
            writers.spawn(async move {
                tokio::select! {
                    () = writer.run() => {}
                    () = abandon.cancelled() => {}
                }
            });
        }
        Ok(Self { consumer, writers, abandon })
    }

    /// What the consumer is doing.
    pub fn status(&self) -> LaneStatus {
        self.consumer.status.clone()
    }

    /// Waits until the lane ends by itself, and says why.
    pub async fn failed(&mut self) -> KafkaError {
        tokio::select! {
            error = self.consumer.failed() => error,
            Some(ended) = self.writers.join_next() => {
                KafkaError::Writer(ended.err().map_or_else(|| "it was told to".to_owned(), |error| error.to_string()))
            }
        }
    }

    /// Finishes what is in hand, gives the partitions back, leaves the group. What can't be finished in time is dropped
    /// uncommitted.
    pub async fn stop(mut self) {
        self.consumer.stop().await;
        // all partitions have gone: whatever a writer still retries belongs to somebody else now
        self.abandon.cancel();
        while self.writers.join_next().await.is_some() {}
    }
}
