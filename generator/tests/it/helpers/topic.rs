//! A topic of one test, read back record by record.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use schema::{ProductChanged, ProductId};
use uuid::Uuid;

use super::process::Ended;
use super::wait_until;

/// Where a test produces.
pub(crate) struct Topic {
    pub(crate) kafka: String,
    pub(crate) name: String,
}

/// A record as it stands on the topic.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) change: ProductChanged,
}

impl Topic {
    /// A new name on the servers that the run shares.
    pub(crate) fn new() -> Self {
        Self::on(&stack::shared().expect("no servers for the tests: run them by `make test`").kafka)
    }

    /// A new name on the broker at `kafka`.
    pub(crate) fn on(kafka: &str) -> Self {
        Self { kafka: kafka.to_owned(), name: format!("changes-{}", Uuid::new_v4()) }
    }

    /// Makes it as somebody else would, with so many partitions.
    pub(crate) fn make(&self, partitions: i32) {
        let new = NewTopic::new(&self.name, partitions, TopicReplication::Fixed(1));
        let made = block_on(self.admin().create_topics([&new], &AdminOptions::new()));
        made.unwrap().pop().unwrap().unwrap();
    }

    /// Gives it more partitions: so many in all.
    pub(crate) fn widen(&self, partitions: usize) {
        let new = NewPartitions::new(&self.name, partitions);
        let made = block_on(self.admin().create_partitions([&new], &AdminOptions::new()));
        made.unwrap().pop().unwrap().unwrap();
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", &self.kafka).create().unwrap()
    }

    /// Puts bytes on it as somebody else would; the topic must exist.
    pub(crate) fn put(&self, key: &str, value: &[u8]) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.kafka)
            .set("partitioner", "murmur2_random")
            .create()
            .unwrap();
        assert!(producer.send(BaseRecord::to(&self.name).key(key).payload(value)).is_ok());
        producer.flush(Duration::from_secs(10)).unwrap();
    }

    /// Every valid event, in the order of each partition.
    pub(crate) fn stored(&self) -> Vec<Stored> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.kafka)
            .set("group.id", "test")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()
            .unwrap();
        let metadata = consumer.fetch_metadata(Some(&self.name), Duration::from_secs(10)).unwrap();
        let partitions = metadata.topics()[0].partitions().len();
        let mut assignment = TopicPartitionList::new();
        for partition in 0..partitions {
            let partition = i32::try_from(partition).unwrap();
            assignment.add_partition_offset(&self.name, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&assignment).unwrap();
        let (mut stored, mut ends) = (Vec::new(), BTreeSet::new());
        wait_until("the end of the topic", || {
            while let Some(polled) = consumer.poll(Duration::from_millis(100)) {
                match polled {
                    Ok(message) => stored.extend(read(&message)),
                    Err(KafkaError::PartitionEOF(partition)) => _ = ends.insert(partition),
                    Err(error) => panic!("{error}"),
                }
                if ends.len() == partitions {
                    return true;
                }
            }
            false
        });
        stored
    }

    /// How many changes it has of a generator that ended: each once, but for those that a client sent again because
    /// another one was given up, as some are on a slow machine.
    pub(crate) fn changes_of(&self, ended: &Ended) -> usize {
        if ended.stderr.contains("trying with another client") {
            return versions_with_repeats(&self.stored()).values().sum();
        }
        usize::try_from(self.gapless_versions().values().sum::<i64>()).unwrap()
    }

    /// How many versions each product has; panics unless they are 1, 2, 3 … in this order, each once.
    pub(crate) fn gapless_versions(&self) -> BTreeMap<ProductId, i64> {
        let mut last = BTreeMap::new();
        for Stored { change, partition, offset, .. } in self.stored() {
            let last = last.entry(change.product_id).or_insert(0);
            let here = format!("{} at {partition}/{offset}", change.product_id);
            assert_eq!(change.version.get(), *last + 1, "{here} follows version {last}");
            *last += 1;
        }
        last
    }
}

/// How many versions each product has; panics unless each follows the one before or repeats an earlier one's event.
fn versions_with_repeats(stored: &[Stored]) -> BTreeMap<ProductId, usize> {
    let mut events: BTreeMap<ProductId, Vec<Uuid>> = BTreeMap::new();
    for Stored { change, partition, offset, .. } in stored {
        let seen = events.entry(change.product_id).or_default();
        let version = usize::try_from(change.version.get()).unwrap();
        let here = format!("version {version} of {} at {partition}/{offset}", change.product_id);
        assert!(version <= seen.len() + 1, "{here} follows version {}", seen.len());
        if version > seen.len() {
            seen.push(change.event_id);
        }
        assert_eq!(seen[version - 1], change.event_id, "{here} is another event");
    }
    events.into_iter().map(|(product, events)| (product, events.len())).collect()
}

fn block_on<T>(task: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(task)
}

fn read(message: &impl Message) -> Option<Stored> {
    let change = ProductChanged::decode(message.key(), message.payload(), None, None).ok()?;
    let headers = message.headers().map(|headers| {
        let text = |value: Option<&[u8]>| String::from_utf8(value.unwrap().to_vec()).unwrap();
        headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
    });
    Some(Stored {
        partition: message.partition(),
        offset: message.offset(),
        headers: headers.unwrap_or_default(),
        change,
    })
}
