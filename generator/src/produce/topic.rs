//! Waits for the broker, and makes the topic when it is missing.
//!
//! An existing topic is left as it is. Until the broker answers, and every partition has a leader, this waits with a
//! growing delay and says so; only a stop ends it early.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use schema::topics::TopicSpec;
use tokio::runtime::Handle;

use super::delivery::quiet_log;
use crate::stop::Stop;

/// How long the broker may take to answer one question.
const ANSWER: Duration = Duration::from_secs(3);
/// First delay between two tries.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// How long a person waits for a broker that is away.
const SHORT: Duration = Duration::from_secs(10);
/// Longest delay between two tries.
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// How the topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicState {
    /// It takes changes, on so many partitions.
    Ready {
        /// How many.
        partitions: i32,
    },
    /// A stop was asked for before that.
    Stopped,
}

/// How much to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// As long as it takes; a missing topic is made.
    Endless,
    /// A person waits: not long, and a missing topic is told.
    Short,
}

/// Why there is no topic.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// The settings do not make a client.
    #[error("the Kafka client cannot be made")]
    Client(#[from] KafkaError),
    /// It is missing, and was not to be made.
    #[error("there is no topic {0}")]
    Missing(String),
    /// Nobody answered for a while.
    #[error("kafka at {kafka} does not answer")]
    Away {
        /// Where.
        kafka: String,
        /// The last try.
        source: KafkaError,
    },
}

/// Waits until `topic` takes changes.
pub fn ready(
    runtime: &Handle,
    kafka: &str,
    topic: &TopicSpec,
    patience: Patience,
    stop: &Stop,
) -> Result<TopicState, TopicError> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka).set("client.id", "shelfwire-generator");
    config.set("reconnect.backoff.max.ms", "1000");
    let mut client: BaseConsumer<Quiet> = config.create_with_context(Quiet)?;
    let (start, mut delay) = (Instant::now(), FIRST_DELAY);
    loop {
        let found = look(&client, &topic.name);
        match found {
            Ok(Found::Partitions(partitions)) => return Ok(TopicState::Ready { partitions }),
            Ok(Found::Missing) if patience == Patience::Short => {
                return Err(TopicError::Missing(topic.name.clone()));
            }
            Ok(Found::Missing) => match runtime.block_on(make(&config, topic)) {
                Ok(()) => tracing::info!(topic = topic.name, partitions = topic.partitions, "topic made"),
                Err(error) => {
                    tracing::warn!(topic = topic.name, %error, "the topic cannot be made yet; trying again");
                }
            },
            Ok(Found::Electing) => {}
            Err(source) if patience == Patience::Short && start.elapsed() > SHORT => {
                return Err(TopicError::Away { kafka: kafka.to_owned(), source });
            }
            Err(error) => {
                tracing::warn!(kafka, %error, retry_in_ms = delay.as_millis(), "kafka is away; waiting for it");
                // one that has forgotten its brokers would never hear of them again
                client = config.create_with_context(Quiet)?;
            }
        }
        if wait(delay, stop) {
            return Ok(TopicState::Stopped);
        }
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

/// Sleeps, in slices, unless a stop is asked for; whether it was.
fn wait(delay: Duration, stop: &Stop) -> bool {
    let mut left = delay;
    while !stop.asked() && !left.is_zero() {
        let slice = left.min(super::SLICE);
        std::thread::sleep(slice);
        left -= slice;
    }
    stop.asked()
}

enum Found {
    Partitions(i32),
    Electing,
    Missing,
}

fn look(client: &BaseConsumer<Quiet>, topic: &str) -> Result<Found, KafkaError> {
    let metadata = client.fetch_metadata(Some(topic), ANSWER)?;
    let Some(topic) = metadata.topics().iter().find(|t| t.name() == topic) else { return Ok(Found::Missing) };
    match topic.error() {
        None => {}
        Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) => return Ok(Found::Missing),
        Some(error) => return Err(KafkaError::MetadataFetch(error.into())),
    }
    let partitions = topic.partitions();
    if partitions.is_empty() || partitions.iter().any(|p| p.error().is_some() || p.leader() < 0) {
        return Ok(Found::Electing);
    }
    Ok(Found::Partitions(i32::try_from(partitions.len()).unwrap_or(i32::MAX)))
}

async fn make(config: &ClientConfig, topic: &TopicSpec) -> Result<(), KafkaError> {
    let admin: AdminClient<_> = config.create_with_context(Quiet)?;
    // -1: as many copies as the broker makes by default
    let mut new = NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(-1));
    for (key, value) in topic.config {
        new = new.set(key, value);
    }
    let options = AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER));
    match admin.create_topics([&new], &options).await?.pop() {
        // somebody else was quicker
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists)) | Ok(_)) | None => Ok(()),
        Some(Err((_, code))) => Err(KafkaError::AdminOp(code)),
    }
}

/// A client that leaves it to us to say that the broker is away.
pub(crate) struct Quiet;

impl rdkafka::ClientContext for Quiet {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
        quiet_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client");
    }
}

impl rdkafka::consumer::ConsumerContext for Quiet {}
