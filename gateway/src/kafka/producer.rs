//! A producer whose word counts: what it says is delivered, all in-sync replicas have.
//!
//! It waits for a broker that is away, or (an impatient one) gives a record up in time, and never doubles one by itself. A
//! client that has got no answer for long is given up for a new one, for the same reason as a consumer's (see
//! [`super::pulse`]). What the old one held is purged then: whether it had arrived is not known, and its senders are told
//! so.
//!
//! Who can share a producer should: rust-rdkafka 0.39 polls each without a wait in the last of every 100 ms, about 1 % of
//! a core where nothing is sent. Making one with the first record instead would hold that record up: the client looks for
//! a broker to get its producer id from every 500 ms.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError as Error, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::{ClientConfig, ClientContext};

use super::client::{self, KafkaError};

/// How long nothing may be answered before a new client takes over.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A record to be produced.
#[derive(Debug, Clone)]
pub struct Produced<'a> {
    /// Where to; the partition follows from the key.
    pub topic: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Its value; `None` for null.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: OwnedHeaders,
}

/// A producer; clones share it.
#[derive(Clone)]
pub struct Producer {
    config: ClientConfig,
    /// Whether records are given up when the broker is away.
    impatient: bool,
    current: Arc<Mutex<Current>>,
}

struct Current {
    client: FutureProducer<Quiet>,
    /// The time of the first hand-over after the last answer; of an impatient one, of the first record given up since.
    waiting_since: Option<Instant>,
}

/// Keeps the client's own complaints out of the log: whoever sends is told, and says what is away.
#[derive(Clone)]
struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, error: Error, reason: &str) {
        tracing::debug!(%error, reason, "kafka producer");
    }
}

impl<'a> Produced<'a> {
    /// A record with a value, and headers of text.
    pub fn new(topic: &'a str, key: &'a str, value: &'a [u8], headers: &[(&str, &str)]) -> Self {
        let all = OwnedHeaders::new_with_capacity(headers.len());
        let headers =
            headers.iter().fold(all, |all, (key, value)| all.insert(Header { key, value: Some(*value) }));
        Self { topic, key, value: Some(value), headers }
    }
}

impl Producer {
    /// A producer that calls itself `name`; nothing is connected yet.
    ///
    /// # Errors
    /// The client can't be made.
    pub fn new(brokers: &str, name: &str) -> Result<Self, KafkaError> {
        Self::with(client::producer(brokers, name), false)
    }

    /// A producer that gives a record up after `within`, and has at most `most` on their way. A record goes at once: there
    /// is nothing to wait for that would make it faster.
    ///
    /// # Errors
    /// The client can't be made.
    pub fn impatient(brokers: &str, name: &str, within: Duration, most: usize) -> Result<Self, KafkaError> {
        let mut config = client::producer(brokers, name);
        let within = within.as_millis().to_string();
        config.set("message.timeout.ms", &within).set("request.timeout.ms", &within);
        config.set("queue.buffering.max.messages", most.to_string()).set("linger.ms", "0");
        Self::with(config, true)
    }

    fn with(config: ClientConfig, impatient: bool) -> Result<Self, KafkaError> {
        let client = config.create_with_context(Quiet)?;
        let current = Arc::new(Mutex::new(Current { client, waiting_since: None }));
        Ok(Self { config, impatient, current })
    }

    /// Hands `record` over and waits for the answer, at most `wait`.
    ///
    /// # Errors
    /// [`KafkaError::Unanswered`]: it may arrive or not. [`KafkaError::Full`]: too many are on their way, this one is not.
    /// [`KafkaError::Delivery`]: the broker or the client refused it.
    pub async fn send(&self, record: Produced<'_>, wait: Duration) -> Result<(), KafkaError> {
        let client = self.client()?;
        let Produced { topic, key, value, headers } = record;
        let mut record = FutureRecord::<str, [u8]>::to(topic).key(key).headers(headers);
        record.payload = value;
        // who is patient waits for room in the queue as well: a full one means that the broker is away
        let for_room = if self.impatient { Duration::ZERO } else { wait };
        let answer = tokio::time::timeout(wait, client.send(record, for_room)).await;
        match answer.map(|answer| answer.map_err(|(error, _)| error)) {
            Ok(Ok(_)) => {
                self.current().waiting_since = None;
                Ok(())
            }
            Err(_) | Ok(Err(Error::MessageProduction(RDKafkaErrorCode::MessageTimedOut))) => {
                if self.impatient {
                    self.current().waiting_since.get_or_insert_with(Instant::now);
                }
                Err(KafkaError::Unanswered(wait))
            }
            Ok(Err(Error::MessageProduction(RDKafkaErrorCode::QueueFull))) => Err(KafkaError::Full),
            Ok(Err(error)) => {
                self.current().waiting_since = None;
                Err(KafkaError::Delivery(error.to_string()))
            }
        }
    }

    /// The client to use; a new one when the present one is of no use any more.
    fn client(&self) -> Result<FutureProducer<Quiet>, KafkaError> {
        let now = Instant::now();
        let mut current = self.current();
        if !self.impatient {
            if current.client.in_flight_count() == 0 {
                // who waited has gone, and what it waited for is settled
                current.waiting_since = None;
            }
            current.waiting_since.get_or_insert(now);
        }
        let silence =
            current.waiting_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let fatal = current.client.client().fatal_error();
        if silence >= PATIENCE || fatal.is_some() {
            let reason = fatal.map(|(_, reason)| reason);
            tracing::warn!(
                silent_s = silence.as_secs(),
                reason,
                "Kafka takes no records: a new client takes over"
            );
            let next = self.config.create_with_context(Quiet)?;
            let dead = std::mem::replace(&mut current.client, next);
            current.waiting_since = (!self.impatient).then_some(now);
            // purging waits for the library's threads
            std::thread::Builder::new().name("retired".to_owned()).spawn(move || drop(dead))?;
        }
        Ok(current.client.clone())
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
