//! The way to Kafka: every change is handed over once, and its acknowledgement awaited.
//!
//! One idempotent producer with `acks=all` and no delivery timeout: a change that was taken is retried until the broker
//! has it, in the order of its partition, so per product no version is skipped. Delivery reports are served on the
//! worker's own thread ([`Producer::serve`]), which therefore owns all the counts.
//!
//! - **The broker is away:** the buffer, bounded in messages and bytes, fills; then [`Producer::send`] waits, says so
//!   once, and goes on when there is room.
//! - **The client gets nowhere:** it may have forgotten its brokers (librdkafka does when a metadata answer names none: its
//!   issue 5301). After a while it is given up, and another one sends what it held, in order. What had arrived meanwhile
//!   arrives again, with the same event id.
//! - **A change is refused for good** (too large, the topic is gone, a fatal state of the producer): what follows it is
//!   not delivered either, and the generator ends with an error; a restart resumes from what the topic has.

mod delivery;
pub mod partition;
mod patience;
mod record;
mod settings;
pub mod topic;

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, PurgeConfig};
use schema::ProductChanged;

pub use delivery::{Delivered, Pending};

use crate::audit::AuditLog;
use crate::stop::Stop;
use delivery::{Deliveries, News};
use patience::{Patience, Word};

/// Longest time for which acknowledgements and signals are not looked at.
pub const SLICE: Duration = Duration::from_millis(20);
/// How long a flush may take once a stop was asked for.
pub const FLUSH: Duration = Duration::from_secs(10);
/// How long a client that is given up may give nothing back of what it held.
const PURGE: Duration = Duration::from_secs(2);

/// Whether single changes should leave at once, or many of them cheaply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// A change waits for no other.
    Paced,
    /// Changes wait some milliseconds to travel together.
    Bulk,
    /// There is one change only: nothing to keep in order, and a repeat of it is harmless.
    Single,
}

/// Why producing ended.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    /// The settings do not make a producer.
    #[error("the Kafka producer cannot be made")]
    Client(#[source] KafkaError),
    /// A change has no JSON form.
    #[error("a change cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// Kafka will not have a change.
    #[error("Kafka refused version {version} of product {product}; nothing after it was sent")]
    Refused {
        /// Which product.
        product: schema::ProductId,
        /// Which of its versions.
        version: schema::Version,
        /// Why.
        source: KafkaError,
    },
    /// The producer cannot go on without risking order or a gap.
    #[error("the Kafka producer is in a fatal state: {0}")]
    Fatal(String),
    /// The audit log cannot be written.
    #[error("the audit log cannot be written")]
    Audit(#[from] std::io::Error),
    /// A stop was asked for, and the broker did not acknowledge in time.
    #[error("stopped with {unacknowledged} of {sent} changes not acknowledged by Kafka")]
    Unacknowledged {
        /// Changes whose fate is not known.
        unacknowledged: u64,
        /// Changes handed over.
        sent: u64,
    },
}

/// Whether a change was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is in the buffer, and will be delivered.
    Yes,
    /// A stop was asked for while the buffer was full: it was not taken.
    Stopped,
}

/// The producer and its counts.
pub struct Producer {
    client: BaseProducer<Deliveries>,
    config: ClientConfig,
    topic: String,
    audit: Option<AuditLog>,
    sent: u64,
    acknowledged: u64,
    patience: Patience,
    /// The value of the change in hand; kept for its allocation.
    value: Vec<u8>,
}

impl Producer {
    /// A producer of changes for `topic`. Connects in the background.
    pub fn new(
        kafka: &str,
        topic: &str,
        traffic: Traffic,
        audit: Option<AuditLog>,
    ) -> Result<Self, ProduceError> {
        let config = settings::of(kafka, traffic);
        let client = config.create_with_context(Deliveries::default());
        Ok(Self {
            client: client.map_err(ProduceError::Client)?,
            config,
            topic: topic.to_owned(),
            audit,
            sent: 0,
            acknowledged: 0,
            patience: Patience::new(Instant::now()),
            value: Vec::with_capacity(1024),
        })
    }

    /// Connects now, so that the first change need not wait for it.
    pub fn connect(&self) {
        if let Err(error) = self.client.client().fetch_metadata(Some(&self.topic), Duration::from_secs(3)) {
            tracing::debug!(%error, "connecting goes on in the background");
        }
    }

    /// Hands one change over, waiting for room when the buffer is full.
    pub fn send(&mut self, change: &ProductChanged, stop: &Stop) -> Result<Taken, ProduceError> {
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        let taken = match serde_json::to_writer(&mut value, change) {
            Ok(()) => self.send_value(change, &value, stop),
            Err(error) => Err(ProduceError::Encode(error)),
        };
        self.value = value;
        taken
    }

    fn send_value(
        &mut self,
        change: &ProductChanged,
        value: &[u8],
        stop: &Stop,
    ) -> Result<Taken, ProduceError> {
        let (topic, key) = (self.topic.clone(), change.product_id.key());
        let mut record = BaseRecord::with_opaque_to(&topic, Box::new(Pending::of(change)))
            .key(&key)
            .payload(value)
            .headers(record::headers(change));
        loop {
            match self.client.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => record = back,
                Err((source, back)) => return Err(back.delivery_opaque.refused(source)),
            }
            if stop.asked() {
                return Ok(Taken::Stopped);
            }
            self.patience.full();
            self.serve(SLICE)?;
        }
        self.sent += 1;
        Ok(Taken::Yes)
    }

    /// Waits, and takes in what was acknowledged meanwhile.
    pub fn serve(&mut self, wait: Duration) -> Result<Vec<Delivered>, ProduceError> {
        // not in `poll`, which spins through the last millisecond of any wait (rust-rdkafka 0.39 counts whole ones)
        std::thread::sleep(wait);
        loop {
            let told = self.client.context().len();
            // takes in one report at most, of many changes or one
            self.client.poll(Duration::ZERO);
            if self.client.context().len() == told {
                break;
            }
        }
        let news = self.client.context().take();
        self.count(&news)?;
        let mut arrived = news.arrived;
        if let Some((_, reason)) = self.client.client().fatal_error() {
            return Err(ProduceError::Fatal(reason));
        }
        match self.patience.look(self.in_flight(), arrived.len(), Instant::now()) {
            Some(Word::Away) => tracing::warn!(
                in_flight = self.in_flight(),
                "kafka does not acknowledge; holding what was sent, and waiting"
            ),
            Some(Word::Full) => {
                tracing::warn!(
                    in_flight = self.in_flight(),
                    "the buffer is full; making no changes until there is room"
                );
            }
            Some(Word::Back { away_s }) => tracing::info!(away_s, "kafka acknowledges again; going on"),
            None => {}
        }
        if self.in_flight() > 0 && self.patience.gives_up(Instant::now()) {
            arrived.extend(self.try_another_client()?);
        }
        Ok(arrived)
    }

    /// Counts and audits what arrived, and fails on what was refused.
    fn count(&mut self, news: &News) -> Result<(), ProduceError> {
        self.acknowledged += news.arrived.len() as u64;
        if let Some(audit) = &mut self.audit {
            audit.produced(&news.arrived)?;
        }
        match &news.refused {
            Some((pending, source)) => Err(pending.refused(source.clone())),
            None => Ok(()),
        }
    }

    /// Gives the client up, and hands what it held to another one; what arrived at the last moment is returned.
    fn try_another_client(&mut self) -> Result<Vec<Delivered>, ProduceError> {
        tracing::warn!(in_flight = self.in_flight(), "nothing goes to kafka: trying with another client");
        let next = self.config.create_with_context(Deliveries::default()).map_err(ProduceError::Client)?;
        let old = std::mem::replace(&mut self.client, next);
        old.purge(PurgeConfig::default().queue().inflight());
        let (mut held, mut deadline) = (old.in_flight_count(), Instant::now() + PURGE);
        while held > 0 && Instant::now() < deadline {
            old.poll(SLICE);
            let holds = old.in_flight_count();
            if holds < held {
                (held, deadline) = (holds, Instant::now() + PURGE);
            }
        }
        let news = old.context().take();
        self.count(&news)?;
        let News { arrived, mut returned, .. } = news;
        if self.in_flight() > returned.len() as u64 {
            return Err(ProduceError::Fatal("a client did not give back what it held".to_owned()));
        }
        // what lay on the way and what was queued come back apart; order matters per product only
        returned.sort_unstable_by_key(|(pending, _)| (pending.product_id, pending.version));
        for (pending, message) in returned {
            let mut record = BaseRecord::with_opaque_to(&self.topic, pending);
            (record.key, record.payload) = (message.key(), message.payload());
            record.headers = message.headers().cloned();
            self.client.send(record).map_err(|(source, record)| record.delivery_opaque.refused(source))?;
        }
        // its end waits for the library's threads
        std::thread::spawn(move || drop(old));
        Ok(arrived)
    }

    /// Waits until everything sent is acknowledged; once a stop is asked for, at most [`FLUSH`] long.
    pub fn flush(&mut self, stop: &Stop) -> Result<(), ProduceError> {
        let mut stopping_since = None;
        while self.in_flight() > 0 {
            if stop.asked() {
                let since = *stopping_since.get_or_insert_with(|| {
                    self.patience.hurry();
                    Instant::now()
                });
                if stop.hurried() || since.elapsed() > FLUSH {
                    return Err(ProduceError::Unacknowledged {
                        unacknowledged: self.in_flight(),
                        sent: self.sent,
                    });
                }
            }
            self.serve(SLICE)?;
        }
        Ok(())
    }

    /// Changes handed over.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Changes that Kafka has.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Changes whose acknowledgement has not come.
    pub fn in_flight(&self) -> u64 {
        self.sent - self.acknowledged
    }
}
