//! The polling thread: one `BaseConsumer` on one OS thread.
//!
//! It hands records to the writers over bounded channels, by partition, and never waits long for any of them: when a
//! writer's channel stays full, its partitions are paused, the record in hand is held, and polling goes on, so that the
//! group hears from this process whatever the database does. It also makes every commit. Why a thread and not the
//! library's stream: rust-rdkafka's issues 638, 665 and 840 tell of wake-ups that streams and split queues lose.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, TopicPartitionList};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::channels::{CHANNEL_RECORDS, Progress, Sink, WriterChannels, writer_channels};
use super::client::{self, KafkaError};
use super::offsets::Owned;
use super::rebalance::Context;
use super::record::{Position, Record};
use super::status::LaneStatus;
use crate::audit::Audit;
use crate::health::Health;
use crate::metrics::IngestMetrics;

/// Longest wait for a record: how late a commit may be when nothing comes.
const POLL: Duration = Duration::from_millis(10);
/// How long a full channel is waited for before its partitions are paused. Pausing throws prefetched records away, so a
/// writer that is only busy must not cause it.
const FULL_WAIT: Duration = Duration::from_millis(100);
/// Bytes of records that may wait for all writers together; a record can be as large as the broker takes.
const CHANNEL_BYTES: usize = 64 * 1024 * 1024;
/// What the writers have finished, waiting to be committed; what finds it full is covered by the next.
const CHANNEL_FINISHED: usize = 1_024;
/// Shortest time between two commits while partitions stay: each is a record that the broker writes, and a crash between
/// two of them repeats no more work than one in the middle of a batch.
const COMMIT_EVERY: Duration = Duration::from_millis(50);
/// Longest time to give all partitions back and leave the group.
const LEAVE_WAIT: Duration = Duration::from_secs(5);
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
}

/// A running consumer.
pub(super) struct Consumer {
    stop: Arc<AtomicBool>,
    ended: oneshot::Receiver<Result<(), rdkafka::error::KafkaError>>,
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
        let (finished, finished_receiver) = sync_channel(CHANNEL_FINISHED);
        let (mut sinks, mut events, mut channels) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..settings.writers {
            let progress = Progress::new(Arc::clone(&owned), finished.clone());
            let (sink, event_sender, writer) = writer_channels(Arc::clone(&queued_bytes), progress);
            sinks.push(sink);
            events.push(event_sender);
            channels.push(writer);
        }
        let context = Context {
            owned,
            finished: Mutex::new(finished_receiver),
            events,
            status: status.clone(),
            reporter: health.reporter(),
            metrics: metrics.clone(),
            audit: audit.clone(),
            replica: settings.replica.clone(),
            topic: settings.topic.clone(),
        };
        let consumer: BaseConsumer<Context> =
            client::consumer(&settings.brokers, &settings.replica, &settings.group)
                .create_with_context(context)?;
        consumer.subscribe(&[&settings.topic])?;
        let stop = Arc::new(AtomicBool::new(false));
        let poller = Poller {
            consumer,
            sinks,
            topic: settings.topic.as_str().into(),
            queued_bytes,
            stop: Arc::clone(&stop),
            runtime: Handle::current(),
        };
        let name = format!("poll-{}", settings.group);
        let (end, ended) = oneshot::channel();
        // not joined: should the library hang, the process must still be able to end
        std::thread::Builder::new().name(name).spawn(move || {
            // nobody listens any more when the process is on its way out
            let _ = end.send(poller.run());
        })?;
        Ok((Self { stop, ended, status }, channels))
    }

    /// Waits until the thread ends by itself, which only a fatal error makes it do, and says why.
    pub(super) async fn failed(&mut self) -> KafkaError {
        match (&mut self.ended).await {
            Ok(Err(error)) => error.into(),
            Ok(Ok(())) | Err(_) => KafkaError::Panicked,
        }
    }

    /// Gives all partitions back (writers finish what they have in hand) and leaves the group; bounded in time.
    pub(super) async fn stop(self) {
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

struct Poller {
    consumer: BaseConsumer<Context>,
    sinks: Vec<Sink>,
    topic: Arc<str>,
    queued_bytes: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    runtime: Handle,
}

impl Poller {
    /// Polls until it is told to stop.
    ///
    /// # Errors
    /// The client library can't go on.
    fn run(mut self) -> Result<(), rdkafka::error::KafkaError> {
        let mut committed = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            let record = match self.consumer.poll(POLL) {
                Some(Ok(message)) => self.record(&message),
                Some(Err(error @ rdkafka::error::KafkaError::MessageConsumptionFatal(_))) => {
                    return Err(error);
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, "poll");
                    None
                }
                None => None,
            };
            if let Some(record) = record {
                self.hand_over(record);
            }
            self.hand_over_held();
            if committed.elapsed() >= COMMIT_EVERY {
                committed = Instant::now();
                self.consumer.context().commit(&self.consumer, CommitMode::Async);
            }
        }
        self.leave();
        Ok(())
    }

    /// Takes the message out of the library's memory; `None` when its partition has gone meanwhile.
    fn record(&self, message: &BorrowedMessage<'_>) -> Option<Record> {
        let position = Position { topic: Arc::clone(&self.topic), partition: message.partition() };
        let number = self.consumer.context().owned().number(&position)?;
        Some(Record::copy(message, position, number))
    }

    fn sink_of(&self, partition: i32) -> usize {
        usize::try_from(partition).unwrap_or(0) % self.sinks.len().max(1)
    }

    fn hand_over(&mut self, record: Record) {
        let at = self.sink_of(record.position.partition);
        let over_budget = self.queued_bytes.load(Ordering::Relaxed) > CHANNEL_BYTES;
        let Some(sink) = self.sinks.get_mut(at) else { return };
        if sink.paused || !sink.held.is_empty() || over_budget {
            sink.held.push_back(record);
        } else {
            self.queued_bytes.fetch_add(record.bytes(), Ordering::Relaxed);
            match sink.records.try_send(record) {
                Err(mpsc::error::TrySendError::Full(record)) => {
                    self.queued_bytes.fetch_sub(record.bytes(), Ordering::Relaxed);
                    sink.held.push_back(record);
                    // made inside: a timer needs the runtime that it is made on
                    let wait = async { tokio::time::timeout(FULL_WAIT, sink.records.reserve()).await };
                    if self.runtime.block_on(wait).is_ok() {
                        return;
                    }
                }
                // handed over; or the writer is gone, and the process on its way out
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
        self.pause(at);
    }

    fn hand_over_held(&mut self) {
        for at in 0..self.sinks.len() {
            let over_budget = self.queued_bytes.load(Ordering::Relaxed) > CHANNEL_BYTES / 2;
            let Some(sink) = self.sinks.get_mut(at) else { continue };
            // with a margin, so that pausing and resuming do not alternate with every record
            if sink.held.is_empty() && !sink.paused || over_budget {
                continue;
            }
            if sink.paused && sink.records.capacity() < CHANNEL_RECORDS / 2 {
                continue;
            }
            while let Some(record) = sink.held.pop_front() {
                let bytes = record.bytes();
                self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
                if let Err(mpsc::error::TrySendError::Full(record)) = sink.records.try_send(record) {
                    self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
                    sink.held.push_front(record);
                    break;
                }
            }
            if sink.held.is_empty() && sink.paused {
                sink.paused = false;
                self.switch(at, "resume", BaseConsumer::resume);
            }
        }
    }

    fn pause(&mut self, at: usize) {
        if let Some(sink) = self.sinks.get_mut(at) {
            sink.paused = true;
        }
        // again for every record that still comes: a partition may have been assigned since
        self.switch(at, "pause", BaseConsumer::pause);
    }

    fn switch(
        &self,
        at: usize,
        what: &'static str,
        act: impl FnOnce(&BaseConsumer<Context>, &TopicPartitionList) -> rdkafka::error::KafkaResult<()>,
    ) {
        let mut list = TopicPartitionList::new();
        for position in self.consumer.context().owned().positions() {
            if self.sink_of(position.partition) == at {
                list.add_partition(&position.topic, position.partition);
            }
        }
        tracing::debug!(writer = at, partitions = list.count(), what, "backpressure");
        if let Err(error) = act(&self.consumer, &list) {
            tracing::warn!(%error, what, "can't switch partitions");
        }
    }

    fn leave(&self) {
        self.consumer.unsubscribe();
        let deadline = Instant::now() + LEAVE_WAIT;
        while self.consumer.context().owned().positions().next().is_some() && Instant::now() < deadline {
            // records that still come are dropped: their offsets are not committed
            drop(self.consumer.poll(POLL));
        }
    }
}
