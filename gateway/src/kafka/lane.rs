//! A running lane: one consumer, and the writers that it feeds.
//!
//! What a lane does with its records is its [`Work`]; the handshake with the group, batching and commits are the same for
//! all. Stop: the group is left while writers finish what they have in hand; what they can't finish in time is dropped
//! uncommitted.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::KafkaError;
use super::consumer::{Consumer, ConsumerSettings};
use super::status::LaneStatus;
use super::writer::{Work, Writer};
use crate::audit::Audit;
use crate::health::Health;
use crate::metrics::IngestMetrics;

/// A running lane.
pub struct Lane {
    consumer: Consumer,
    writers: JoinSet<()>,
    abandon: CancellationToken,
}

impl Lane {
    /// Joins the group and starts the writers, each with a `work` of its own and batches of at most `batch_rows` records.
    ///
    /// # Errors
    /// The consumer can't be made.
    pub fn start<W: Work>(
        settings: &ConsumerSettings,
        batch_rows: usize,
        (health, metrics, audit): (&Health, &IngestMetrics, &Audit),
        mut work: impl FnMut() -> W,
    ) -> Result<Self, KafkaError> {
        let (consumer, channels) = Consumer::start(settings, health, metrics, audit)?;
        let mut writers = JoinSet::new();
        let abandon = CancellationToken::new();
        for channels in channels {
            let writer = Writer::new(channels, work(), batch_rows);
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
