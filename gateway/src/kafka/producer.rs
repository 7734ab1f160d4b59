//! A producer whose word counts: what it says is delivered, all in-sync replicas have.
//!
//! It waits for a broker that is away, and never doubles a record by itself. A client that has got no answer for long is
//! given up for a new one, for the same reason as a consumer's (see [`super::pulse`]). What the old one held is purged
//! then: whether it had arrived is not known, and its senders are told so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

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
    current: Arc<Mutex<Current>>,
}

struct Current {
    client: FutureProducer,
    /// The time of the first hand-over after the last answer.
    waiting_since: Option<Instant>,
}

impl Producer {
    /// A producer that calls itself `name`; nothing is connected yet.
    ///
    /// # Errors
    /// The client can't be made.
    pub fn new(brokers: &str, name: &str) -> Result<Self, KafkaError> {
        let config = client::producer(brokers, name);
        let client = config.create()?;
        Ok(Self { config, current: Arc::new(Mutex::new(Current { client, waiting_since: None })) })
    }

    /// Hands `record` over and waits for the answer, at most `wait`.
    ///
    /// # Errors
    /// [`KafkaError::Unanswered`]: it may arrive or not. [`KafkaError::Delivery`]: the broker or the client refused it.
    pub async fn send(&self, record: Produced<'_>, wait: Duration) -> Result<(), KafkaError> {
        let client = self.client()?;
        let Produced { topic, key, value, headers } = record;
        let mut record = FutureRecord::<str, [u8]>::to(topic).key(key).headers(headers);
        record.payload = value;
        // room in the queue is waited for as well: a full one means that the broker is away
        let Ok(answer) = tokio::time::timeout(wait, client.send(record, wait)).await else {
            return Err(KafkaError::Unanswered(wait));
        };
        self.current().waiting_since = None;
        answer.map(drop).map_err(|(error, _)| KafkaError::Delivery(error.to_string()))
    }

    /// The client to use; a new one when the present one is of no use any more.
    fn client(&self) -> Result<FutureProducer, KafkaError> {
        let now = Instant::now();
        let mut current = self.current();
        if current.client.in_flight_count() == 0 {
            // who waited has gone, and what it waited for is settled
            current.waiting_since = None;
        }
        let waiting_since = *current.waiting_since.get_or_insert(now);
        let silence = now.saturating_duration_since(waiting_since);
        let fatal = current.client.client().fatal_error();
        if silence >= PATIENCE || fatal.is_some() {
            let reason = fatal.map(|(_, reason)| reason);
            tracing::warn!(
                silent_s = silence.as_secs(),
                reason,
                "Kafka takes no records: a new client takes over"
            );
            let next = self.config.create()?;
            let dead = std::mem::replace(&mut current.client, next);
            current.waiting_since = Some(now);
            // purging waits for the library's threads
            std::thread::Builder::new().name("retired".to_owned()).spawn(move || drop(dead))?;
        }
        Ok(current.client.clone())
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
