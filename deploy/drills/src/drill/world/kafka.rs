//! The drill's own clients of Kafka: producing anything, reading whole topics, asking how far groups are.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message as _, Offset, Timestamp, TopicPartitionList};

use crate::drill::evidence::Record;

/// Where Kafka keeps commits.
pub(crate) const OFFSETS: &str = "__consumer_offsets";
/// Longest wait for one answer of the broker.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest time in which nothing more of a topic comes.
const QUIET: Duration = Duration::from_secs(30);

/// A client that belongs to `group`, or speaks for it.
pub(crate) fn consumer(brokers: &str, group: &str) -> anyhow::Result<BaseConsumer> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", group).set("client.id", "drill");
    config.set("enable.auto.commit", "false").set("auto.offset.reset", "earliest");
    config.set("reconnect.backoff.ms", "50").set("reconnect.backoff.max.ms", "500");
    Ok(config.create()?)
}

/// The partitions that a topic has now.
pub(crate) fn partitions(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<Vec<i32>> {
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER)?;
    let topic = metadata.topics().first().context("no such topic")?;
    if topic.partitions().is_empty() {
        bail!("{} has no partitions", topic.name());
    }
    Ok(topic.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect())
}

/// The broker that leads a partition.
pub(crate) fn leader(consumer: &BaseConsumer, topic: &str, partition: usize) -> anyhow::Result<i32> {
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER)?;
    let found = metadata.topics().first().and_then(|topic| topic.partitions().get(partition));
    Ok(found.context("no such partition")?.leader())
}

/// The broker that coordinates a group: it leads the partition of Kafka's own topic that the group's name falls on.
pub(crate) fn coordinator(consumer: &BaseConsumer, group: &str) -> anyhow::Result<i32> {
    let hash = group.bytes().fold(0_i32, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte)));
    let count = partitions(consumer, OFFSETS)?.len();
    leader(consumer, OFFSETS, usize::try_from(hash & i32::MAX)? % count)
}

/// Gives a topic more partitions.
pub(crate) async fn widen(brokers: &str, topic: &str, partitions: usize) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create()?;
    let wanted = [NewPartitions::new(topic, partitions)];
    for result in admin.create_partitions(&wanted, &AdminOptions::new()).await? {
        result.map_err(|(topic, code)| anyhow::anyhow!("{topic}: {code}"))?;
    }
    Ok(())
}

/// Where each partition ends.
pub(crate) fn ends(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<Vec<(i32, i64)>> {
    let of_one = |partition| Ok((partition, consumer.fetch_watermarks(topic, partition, ANSWER)?.1));
    partitions(consumer, topic)?.into_iter().map(of_one).collect()
}

/// How many records of `topic` the consumer's group has not committed.
pub(crate) fn lag(consumer: &BaseConsumer, topic: &str) -> anyhow::Result<i64> {
    let ends = ends(consumer, topic)?;
    let mut list = TopicPartitionList::new();
    for (partition, _) in &ends {
        list.add_partition(topic, *partition);
    }
    let committed = consumer.committed_offsets(list, ANSWER)?;
    let next = |partition| {
        let found = committed.find_partition(topic, partition);
        found.and_then(|element| element.offset().to_raw()).map_or(0, |next| next.max(0))
    };
    Ok(ends.into_iter().map(|(partition, end)| end - next(partition)).sum())
}

/// Sets a group without members back to the start of `topic`.
pub(crate) fn rewind(brokers: &str, group: &str, topic: &str) -> anyhow::Result<()> {
    let consumer = consumer(brokers, group)?;
    let mut list = TopicPartitionList::new();
    for partition in partitions(&consumer, topic)? {
        list.add_partition_offset(topic, partition, Offset::Offset(0))?;
    }
    Ok(consumer.commit(&list, CommitMode::Sync)?)
}

/// Every record of `topic`, by partition and offset.
pub(crate) fn dump(brokers: &str, topic: &str) -> anyhow::Result<Vec<Record>> {
    let consumer = consumer(brokers, "drill-reader")?;
    let ends = ends(&consumer, topic)?;
    let mut wanted: i64 = 0;
    let mut list = TopicPartitionList::new();
    for (partition, end) in ends.iter().filter(|(_, end)| *end > 0) {
        wanted += end;
        list.add_partition_offset(topic, *partition, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let (mut records, mut heard) = (Vec::new(), Instant::now());
    while i64::try_from(records.len())? < wanted {
        if heard.elapsed() > QUIET {
            bail!("{} of {wanted} records of {topic} could be read", records.len());
        }
        let Some(message) = consumer.poll(Duration::from_millis(200)) else { continue };
        let message = message?;
        heard = Instant::now();
        let of_header = |h: Header<'_, &[u8]>| (h.key.to_owned(), h.value.unwrap_or_default().to_vec());
        records.push(Record {
            partition: message.partition(),
            offset: message.offset(),
            at_ms: stamp(topic, message.timestamp())?,
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: message.headers().map(|all| all.iter().map(of_header).collect()).unwrap_or_default(),
        });
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    Ok(records)
}

/// When a record was appended. The group coordinator stamps its own.
fn stamp(topic: &str, stamp: Timestamp) -> anyhow::Result<i64> {
    match stamp {
        Timestamp::LogAppendTime(ms) => Ok(ms),
        Timestamp::CreateTime(ms) if topic == OFFSETS => Ok(ms),
        other => bail!("a record of {topic} was not stamped by the broker: {other:?}"),
    }
}

/// A producer of anything to one topic; waits for its broker without an end.
#[derive(Clone)]
pub(crate) struct Producer {
    client: FutureProducer,
    topic: String,
}

impl Producer {
    pub(crate) fn new(brokers: &str, topic: &str) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers).set("enable.idempotence", "true").set("client.id", "drill");
        config.set("partitioner", "murmur2_random").set("linger.ms", "5").set("message.timeout.ms", "0");
        config.set("reconnect.backoff.max.ms", "500").set("topic.metadata.refresh.interval.ms", "5000");
        Ok(Self { client: config.create()?, topic: topic.to_owned() })
    }

    /// Sends one record, and waits until the broker has it.
    pub(crate) async fn send(&self, key: &str, value: &[u8], headers: &[(&str, &str)]) -> anyhow::Result<()> {
        let headers = headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(*value) }));
        let record = FutureRecord::to(&self.topic).key(key).payload(value).headers(headers);
        let sent = self.client.send(record, rdkafka::util::Timeout::Never).await;
        sent.map(drop).map_err(|(error, _)| error.into())
    }
}
