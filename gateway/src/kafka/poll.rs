//! The polling thread: one `BaseConsumer` on one OS thread.
//!
//! It hands records to the writers over bounded channels, by partition, and never waits long for any of them: when a
//! writer's channel stays full, its partitions are paused, the record in hand is held, and polling goes on, so that the
//! group hears from this process whatever the database does. It also asks for every commit, and makes a new client when
//! the present one gets nothing any more. Why a thread and not the library's stream: rust-rdkafka's issues 638, 665 and 840
//! tell of wake-ups that streams and split queues lose.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use tokio::runtime::Handle;

use super::channels::Sink;
use super::client;
use super::consumer::ConsumerSettings;
use super::pulse::Pulse;
use super::rebalance::{Context, Shared};
use super::record::{Position, Record};
use super::turn::Committer;
use super::wake::Waker;

/// Longest wait for a record: how late a commit may be when nothing comes.
const POLL: Duration = Duration::from_millis(10);
/// Shortest time between two commits while partitions stay: each is a record that the broker writes, and a crash between
/// two of them repeats no more work than one in the middle of a batch.
const COMMIT_EVERY: Duration = Duration::from_millis(50);
/// Longest time to give all partitions back and leave the group.
const LEAVE_WAIT: Duration = Duration::from_secs(5);

/// What the thread holds.
pub(super) struct Poller {
    pub(super) consumer: Arc<BaseConsumer<Context>>,
    pub(super) sinks: Vec<Sink>,
    pub(super) queued_bytes: Arc<AtomicUsize>,
    pub(super) runtime: Handle,
    settings: ConsumerSettings,
    topic: Arc<str>,
    stop: Arc<AtomicBool>,
    committer: Committer,
    pub(super) waker: Waker,
    is_aside: bool,
}

impl Poller {
    /// Makes the client and subscribes; nothing is polled yet.
    ///
    /// # Errors
    /// The client can't be made.
    pub(super) fn new(
        settings: &ConsumerSettings,
        shared: Arc<Shared>,
        sinks: Vec<Sink>,
        queued_bytes: Arc<AtomicUsize>,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, KafkaError> {
        let context = Context::new(shared, Pulse::new(Instant::now()));
        Ok(Self {
            consumer: Arc::new(subscribed(settings, context)?),
            sinks,
            queued_bytes,
            runtime: Handle::current(),
            settings: settings.clone(),
            topic: settings.topic.as_str().into(),
            stop,
            committer: started(Committer::start())?,
            waker: started(Waker::start())?,
            is_aside: false,
        })
    }

    /// Polls until it is told to stop.
    ///
    /// # Errors
    /// The client library can't go on.
    pub(super) fn run(mut self) -> Result<(), KafkaError> {
        let mut committed = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            let record = match self.consumer.poll(POLL) {
                Some(Ok(message)) => self.record(&message),
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => return Err(error),
                Some(Err(error)) => {
                    tracing::debug!(%error, "poll");
                    None
                }
                None => None,
            };
            if self.consumer.context().took_rebalance() {
                self.waker.wake(&self.consumer);
            }
            if let Some(record) = record {
                self.hand_over(record);
            }
            self.hand_over_held();
            if committed.elapsed() >= COMMIT_EVERY {
                committed = Instant::now();
                self.committer.commit(&self.consumer);
                self.stand_aside_or_return()?;
                self.replace_if_dead()?;
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

    /// Leaves the group, or joins it again.
    fn stand_aside_or_return(&mut self) -> Result<(), KafkaError> {
        let now = Instant::now();
        let aside = self.settings.aside.is_on(now);
        if std::mem::replace(&mut self.is_aside, aside) != aside {
            let group = &self.settings.group;
            tracing::info!(
                group,
                "{}",
                if aside { "leaving the group for a while" } else { "joining the group again" }
            );
            if aside {
                self.consumer.unsubscribe();
            } else {
                self.consumer.subscribe(&[&self.settings.topic])?;
            }
        }
        if aside {
            // nothing is to be heard
            *self.consumer.context().pulse() = Pulse::new(now);
        }
        Ok(())
    }

    /// Makes a new client when the present one has got nothing for too long. Its partitions are lost: what writers have
    /// in hand of them is not committed, and comes again to whoever owns them next.
    fn replace_if_dead(&mut self) -> Result<(), KafkaError> {
        let now = Instant::now();
        let (shared, pulse, silence) = {
            let (context, pulse) = (self.consumer.context(), self.consumer.context().pulse());
            let Some(silence) = pulse.dead_for(now) else { return Ok(()) };
            (Arc::clone(&context.shared), pulse.successor(now), silence)
        };
        tracing::warn!(
            group = shared.group,
            silent_s = silence.as_secs(),
            "nothing comes from Kafka: a new client takes over"
        );
        self.consumer.context().retire();
        for sink in &mut self.sinks {
            sink.held.clear();
            sink.paused = false;
        }
        let next = subscribed(&self.settings, Context::new(shared, pulse))?;
        let dead = std::mem::replace(&mut self.consumer, Arc::new(next));
        // the others may wait for an answer to the dead client
        self.committer = started(Committer::start())?;
        self.waker = started(Waker::start())?;
        // it leaves the group, if it can: that may take long, and nothing waits for it
        std::thread::Builder::new()
            .name("retired".to_owned())
            .spawn(move || drop(dead))
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        Ok(())
    }

    /// Leaves the group, so that the others need not wait for the end of a session. Only then may the client be closed:
    /// one that is closed while its partitions are on their way out does not tell the coordinator (librdkafka 2.12,
    /// `rd_kafka_cgrp_incr_unassign_done`).
    fn leave(self) {
        self.consumer.unsubscribe();
        let context = self.consumer.context();
        // what was heard before says nothing of the way out
        context.pulse().outside = false;
        let deadline = Instant::now() + LEAVE_WAIT;
        while !context.has_left() && Instant::now() < deadline {
            // records that still come are dropped: their offsets are not committed
            drop(self.consumer.poll(POLL));
        }
        self.waker.end();
    }
}

fn started<T>(thread: std::io::Result<T>) -> Result<T, KafkaError> {
    thread.map_err(|error| KafkaError::ClientCreation(error.to_string()))
}

fn subscribed(settings: &ConsumerSettings, context: Context) -> Result<BaseConsumer<Context>, KafkaError> {
    let config = client::consumer(&settings.brokers, &settings.replica, &settings.group);
    let consumer: BaseConsumer<Context> = config.create_with_context(context)?;
    consumer.subscribe(&[&settings.topic])?;
    Ok(consumer)
}
