//! How clients are configured, and topics made.

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use schema::topics::TopicSpec;

/// Why Kafka did not do it.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// The client library refused.
    #[error("Kafka: {0}")]
    Client(#[from] rdkafka::error::KafkaError),
    /// A topic can't be made.
    #[error("topic {topic} can't be made: {code}")]
    Topic {
        /// Its name.
        topic: String,
        /// What the broker says.
        code: RDKafkaErrorCode,
    },
    /// A topic is not there.
    #[error("there is no topic {0}")]
    NoTopic(String),
    /// Records that are there do not come.
    #[error("nothing came for {0:?}, and there is more to read")]
    Silent(std::time::Duration),
    /// The thread that polls can't be started.
    #[error("the polling thread can't be started: {0}")]
    Thread(#[from] std::io::Error),
    /// The thread that polls panicked.
    #[error("the polling thread panicked")]
    Panicked,
    /// A task that writes ended by itself.
    #[error("a writer ended by itself: {0}")]
    Writer(String),
    /// No answer came in time: the record may have arrived or not.
    #[error("Kafka did not answer within {0:?}: the record may have arrived or not")]
    Unanswered(std::time::Duration),
    /// Too many records are on their way: this one is not.
    #[error("too many records are on their way to Kafka")]
    Full,
    /// A record could not be handed to the broker.
    #[error("the record was not delivered: {0}")]
    Delivery(String),
}

/// Settings of every client.
pub(super) fn base(brokers: &str, name: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("client.id", name);
    // a broker that comes back is found within a second, not ten
    config.set("reconnect.backoff.ms", "50").set("reconnect.backoff.max.ms", "1000");
    // a broker that stopped answering is given up after this, not after a minute
    config.set("socket.timeout.ms", "10000");
    // raised partition counts are seen in seconds
    config.set("topic.metadata.refresh.interval.ms", "5000");
    config
}

/// Settings of a consumer in `group`.
pub(super) fn consumer(brokers: &str, name: &str, group: &str) -> ClientConfig {
    let mut config = base(brokers, name);
    config
        .set("group.id", group)
        // the lane commits, after the write
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // a new group begins with everything that is there
        .set("auto.offset.reset", "earliest")
        // partitions that stay keep flowing while others move
        .set("partition.assignment.strategy", "cooperative-sticky")
        // how long a killed replica's partitions stand still
        .set("session.timeout.ms", "6000")
        // how late a member hears that partitions are free for it, while nobody reads them
        .set("heartbeat.interval.ms", "500")
        // a batch that comes from few partitions has few products: one fetch of a partition fills some of them
        .set("fetch.message.max.bytes", "1048576")
        .set("queued.max.messages.kbytes", "16384")
        // how soon fetching goes on after the queue was full
        .set("fetch.queue.backoff.ms", "20")
        .set("fetch.wait.max.ms", "100")
        // where lag and "all brokers down" are read from
        .set("statistics.interval.ms", "1000");
    config
}

/// Settings of a producer whose word counts.
pub(super) fn producer(brokers: &str, name: &str) -> ClientConfig {
    let mut config = base(brokers, name);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // the partition that Java clients choose
        .set("partitioner", "murmur2_random")
        // it never gives up by itself: the lane decides
        .set("message.timeout.ms", "0")
        .set("linger.ms", "1")
        // bytes that may wait for the broker
        .set("queue.buffering.max.kbytes", "65536");
    config
}

/// Makes the topics that do not exist; replication is the broker's default. An existing topic is left as it is.
///
/// # Errors
/// The broker is away or refuses.
pub async fn ensure_topics(brokers: &str, topics: &[TopicSpec]) -> Result<(), KafkaError> {
    let admin: AdminClient<DefaultClientContext> = base(brokers, "gateway-topics").create()?;
    let wanted: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|topic| {
            let mut wanted = NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(-1));
            for (name, value) in topic.config {
                wanted = wanted.set(name, value);
            }
            wanted
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(std::time::Duration::from_secs(5)));
    for result in admin.create_topics(&wanted, &options).await? {
        match result {
            Ok(topic) => tracing::info!(%topic, "topic made"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(KafkaError::Topic { topic, code }),
        }
    }
    Ok(())
}
