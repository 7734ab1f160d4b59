//! Any record into a topic, and looks into Kafka: whole topics, committed offsets, the group's state.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::metadata::MetadataPartition;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

use super::wait::LONG;
use super::{Change, World, until};

/// Longest wait for one answer of the broker.
const ANSWER: Duration = Duration::from_secs(10);

/// A producer of anything.
pub(crate) struct Producer {
    client: FutureProducer,
    topic: String,
}

/// A record that stands in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Stored {
    /// The one header called `name`, as text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        let (_, value) = found.next()?;
        assert!(found.next().is_none(), "header {name} stands twice in {self:?}");
        Some(String::from_utf8(value.clone()).unwrap())
    }
}

impl World {
    /// A producer for this world's topic.
    pub(crate) fn producer(&self) -> Producer {
        self.producer_to(&self.topic)
    }

    /// A producer for any topic.
    pub(crate) fn producer_to(&self, topic: &str) -> Producer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.kafka).set("enable.idempotence", "true");
        config.set("partitioner", "murmur2_random").set("linger.ms", "0");
        Producer { client: config.create().unwrap(), topic: topic.to_owned() }
    }

    fn consumer(&self) -> BaseConsumer {
        self.consumer_of(&self.group)
    }

    fn consumer_of(&self, group: &str) -> BaseConsumer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.kafka).set("group.id", group);
        config.set("enable.auto.commit", "false").set("auto.offset.reset", "earliest");
        config.create().unwrap()
    }

    /// Where each partition of `topic` ends.
    pub(crate) fn ends(&self, topic: &str) -> BTreeMap<i32, i64> {
        ends(&self.consumer(), topic)
    }

    /// What the group has committed of `topic`; 0 where it has nothing.
    pub(crate) fn committed(&self, topic: &str) -> BTreeMap<i32, i64> {
        committed(&self.consumer(), topic)
    }

    /// What another group has committed of `topic`.
    pub(crate) fn committed_by(&self, group: &str, topic: &str) -> BTreeMap<i32, i64> {
        committed(&self.consumer_of(group), topic)
    }

    /// Waits until everything in this world's topic is committed.
    pub(crate) async fn until_all_committed(&self) {
        let (consumer, topic) = (self.consumer(), &self.topic);
        let what = format!("everything in {topic} is committed");
        until(&what, async || (committed(&consumer, topic) == ends(&consumer, topic)).then_some(())).await;
    }

    /// Every record of `topic`, by partition and offset.
    pub(crate) fn records(&self, topic: &str) -> Vec<Stored> {
        let consumer = self.consumer();
        let ends = ends(&consumer, topic);
        let mut list = TopicPartitionList::new();
        for partition in ends.keys() {
            list.add_partition_offset(topic, *partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        let (mut found, started) = (Vec::new(), Instant::now());
        let wanted: i64 = ends.values().sum();
        while (found.len() as i64) < wanted {
            assert!(started.elapsed() < LONG, "{} of {wanted} records of {topic} could be read", found.len());
            let Some(message) = consumer.poll(Duration::from_millis(200)) else { continue };
            let message = message.unwrap();
            let header = |h: Header<'_, &[u8]>| (h.key.to_owned(), h.value.unwrap_or_default().to_vec());
            found.push(Stored {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers: message.headers().map(|all| all.iter().map(header).collect()).unwrap_or_default(),
            });
        }
        found.sort_by_key(|record| (record.partition, record.offset));
        found
    }

    /// From now on the broker takes no record of more than `bytes` into `topic`. (It takes the setting first, and applies it
    /// a moment later.)
    pub(crate) async fn limit_records(&self, topic: &str, bytes: u32) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.kafka);
        let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
        let bytes = bytes.to_string();
        let limit = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("max.message.bytes", &bytes);
        let options = AdminOptions::new().operation_timeout(Some(ANSWER));
        let answers = admin.alter_configs([&limit], &options).await.unwrap();
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        until(&format!("{topic} takes records of {bytes} bytes at most"), async || {
            let answers = admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options).await.ok()?;
            let limit = answers.first()?.as_ref().ok()?.get("max.message.bytes")?.value.as_ref();
            (limit == Some(&bytes)).then_some(())
        })
        .await;
    }

    /// All dead letters of this world.
    pub(crate) fn letters(&self) -> Vec<Stored> {
        self.records(&self.dead_letters())
    }

    /// How many members the group of the changes has.
    pub(crate) fn group_members(&self) -> usize {
        let groups = self.consumer().fetch_group_list(Some(&self.group), ANSWER).unwrap();
        let group = groups.groups().iter().find(|group| group.name() == self.group);
        group.map_or(0, |group| group.members().len())
    }

    /// How many members the groups of all lanes have together.
    pub(crate) fn members(&self) -> usize {
        let groups = self.consumer().fetch_group_list(None, ANSWER).unwrap();
        let ours = groups.groups().iter().filter(|group| group.name().starts_with(&self.group));
        ours.map(|group| group.members().len()).sum()
    }
}

impl Producer {
    /// Sends one record and waits until the broker has it; returns its offset.
    pub(crate) async fn raw(
        &self,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &str)],
    ) -> i64 {
        let headers = headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(*value) }));
        let mut record = FutureRecord::<[u8], [u8]>::to(&self.topic).headers(headers);
        (record.partition, record.key, record.payload) = (partition, key, value);
        self.client.send(record, ANSWER).await.map_err(|(error, _)| error).unwrap().offset
    }

    /// Sends one change to where its key belongs.
    pub(crate) async fn change(&self, change: &Change) -> i64 {
        self.raw(None, Some(change.key().as_bytes()), Some(&change.value()), &[]).await
    }

    /// Sends changes to one partition, in order; returns when the broker has all of them.
    pub(crate) async fn changes_to(&self, partition: i32, changes: &[Change]) -> Vec<i64> {
        let parts: Vec<_> = changes.iter().map(|change| (change.key(), change.value())).collect();
        // sending begins when the future is made, so the order is that of the loop
        let sending: Vec<_> = parts
            .iter()
            .map(|(key, value)| {
                let record = FutureRecord::to(&self.topic).partition(partition).key(key).payload(value);
                self.client.send_result(record).map_err(|(error, _)| error).unwrap()
            })
            .collect();
        let mut offsets = Vec::with_capacity(sending.len());
        for delivery in sending {
            offsets.push(delivery.await.unwrap().map_err(|(error, _)| error).unwrap().offset);
        }
        offsets
    }
}

fn ends(consumer: &BaseConsumer, topic: &str) -> BTreeMap<i32, i64> {
    // the client answers from what it knew of a topic when it last asked: so it asks before it is asked again
    let anew = |_: &KafkaError| drop(consumer.fetch_metadata(Some(topic), ANSWER));
    let ask = |partition| consumer.fetch_watermarks(topic, partition, ANSWER).inspect_err(anew);
    let end = |partition: i32| answer(|| ask(partition)).1;
    partitions(consumer, topic).into_iter().map(|partition| (partition, end(partition))).collect()
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Vec<i32> {
    let metadata = answer(|| {
        let metadata = consumer.fetch_metadata(Some(topic), ANSWER)?;
        let known = metadata.topics().first().is_some_and(|topic| !topic.partitions().is_empty());
        if known {
            Ok(metadata)
        } else {
            Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition))
        }
    });
    metadata.topics()[0].partitions().iter().map(MetadataPartition::id).collect()
}

fn committed(consumer: &BaseConsumer, topic: &str) -> BTreeMap<i32, i64> {
    let mut list = TopicPartitionList::new();
    for partition in partitions(consumer, topic) {
        list.add_partition(topic, partition);
    }
    let committed = answer(|| consumer.committed_offsets(list.clone(), ANSWER));
    let next = |offset: Offset| offset.to_raw().filter(|next| *next >= 0).unwrap_or(0);
    committed.elements().iter().map(|e| (e.partition(), next(e.offset()))).collect()
}

/// Asks again while the broker says no: one that has just started, or made a topic, does so for a moment.
fn answer<T>(mut ask: impl FnMut() -> KafkaResult<T>) -> T {
    let started = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(error) => assert!(started.elapsed() < LONG, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
