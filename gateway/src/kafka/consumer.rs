//! A lane's consumer, as the lane sees it: started with its settings, watched, and stopped in time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

use super::channels::{Progress, WriterChannels, writer_channels};
use super::client::KafkaError;
use super::offsets::Owned;
use super::poll::Poller;
use super::rebalance::Shared;
use super::status::LaneStatus;
use crate::aside::Aside;
use crate::audit::Audit;
use crate::health::Health;
use crate::metrics::IngestMetrics;

/// Longest time for the whole stop: a broker that is away must not hold the process.
const STOP_WAIT: Duration = Duration::from_secs(7);

/// What a lane's consumer needs to know.
#[derive(Clone)]
pub struct ConsumerSettings {
    /// Brokers to begin with.
    pub brokers: String,
    /// The group that shares the partitions.
    pub group: String,
    /// The topic to consume.
    pub topic: String,
    /// This replica's name.
    pub replica: String,
    /// How many writers take records; a partition always goes to the same one.
    pub writers: usize,
    /// Whether the group is to be left for a while.
    pub aside: Aside,
}

/// A running consumer.
pub(super) struct Consumer {
    stop: Arc<AtomicBool>,
    ended: oneshot::Receiver<Result<(), rdkafka::error::KafkaError>>,
    /// Whether that was told.
    is_over: bool,
    /// What it is doing.
    pub status: LaneStatus,
}

impl Consumer {
    /// Starts the thread; returns what each writer holds.
    ///
    /// # Errors
    /// The client can't be made, or the thread not started.
    pub(super) fn start(
        settings: &ConsumerSettings,
        health: &Health,
        metrics: &IngestMetrics,
        audit: &Audit,
    ) -> Result<(Self, Vec<WriterChannels>), KafkaError> {
        let status = LaneStatus::default();
        let owned = Arc::new(Mutex::new(Owned::default()));
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        // no bound of its own: it can't hold more than the records that were handed out, and none of it may be dropped,
        // for the next one of a quiet partition may never come
        let (finished, finished_receiver) = channel();
        let (mut sinks, mut events, mut channels) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..settings.writers {
            let progress = Progress::new(Arc::clone(&owned), finished.clone());
            let (sink, event_sender, writer) = writer_channels(Arc::clone(&queued_bytes), progress);
            sinks.push(sink);
            events.push(event_sender);
            channels.push(writer);
        }
        let shared = Shared {
            owned,
            finished: Mutex::new(finished_receiver),
            events,
            status: status.clone(),
            reporter: health.reporter(),
            metrics: metrics.clone(),
            audit: audit.clone(),
            replica: settings.replica.clone(),
            group: settings.group.clone(),
            topic: settings.topic.clone(),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let poller = Poller::new(settings, Arc::new(shared), sinks, queued_bytes, Arc::clone(&stop))?;
        let name = format!("poll-{}", settings.group);
        let (end, ended) = oneshot::channel();
        // not joined: should the library hang, the process must still be able to end
        std::thread::Builder::new().name(name).spawn(move || {
            // nobody listens any more when the process is on its way out
            let _ = end.send(poller.run());
        })?;
        Ok((Self { stop, ended, is_over: false, status }, channels))
    }

    /// Waits until the thread ends by itself, which only a fatal error makes it do, and says why.
    pub(super) async fn failed(&mut self) -> KafkaError {
        let ended = (&mut self.ended).await;
        self.is_over = true;
        match ended {
            Ok(Err(error)) => error.into(),
            Ok(Ok(())) | Err(_) => KafkaError::Panicked,
        }
    }

    /// Gives all partitions back (writers finish what they have in hand) and leaves the group; bounded in time.
    pub(super) async fn stop(self) {
        if self.is_over {
            return;
        }
        self.stop.store(true, Ordering::Relaxed);
        match tokio::time::timeout(STOP_WAIT, self.ended).await {
            Ok(Ok(Ok(()))) => {}
            Ok(_) => tracing::error!("the polling thread ended badly"),
            Err(_) => {
                tracing::warn!("the group could not be left in time: it will notice by its session time-out");
            }
        }
    }
}
