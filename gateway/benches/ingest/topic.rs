//! The topic's changes in memory, in the order in which a consumer gets them.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use schema::ProductChanged;
use schema::topics::PARTITIONS;

/// How long Kafka may take for one answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Most changes of one write, as the gateway has it.
pub(crate) const BATCH: usize = 1_000;

/// All changes of the topic, with their partitions.
pub(crate) struct Topic {
    changes: Vec<(i32, ProductChanged)>,
}

impl Topic {
    /// Reads the topic to its present end.
    pub(crate) fn read(kafka: &str, name: &str) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", kafka)
            .set("group.id", "none")
            .set("enable.auto.commit", "false")
            // as the gateway fetches: it decides how partitions alternate
            .set("fetch.message.max.bytes", "262144")
            .create()?;
        let mut all = TopicPartitionList::new();
        let mut end = 0;
        for partition in 0..PARTITIONS {
            all.add_partition_offset(name, partition, Offset::Beginning)?;
            end += consumer.fetch_watermarks(name, partition, ANSWER)?.1;
        }
        consumer.assign(&all)?;
        let mut changes = Vec::new();
        let deadline = Instant::now() + 6 * ANSWER;
        while changes.len() < usize::try_from(end)? {
            ensure!(Instant::now() < deadline, "the topic's end does not come");
            let Some(message) = consumer.poll(ANSWER) else { continue };
            let message = message?;
            let change = ProductChanged::decode(message.key(), message.payload(), None, None)
                .map_err(|poison| anyhow!("{poison}"))
                .context("the generator's change")?;
            changes.push((message.partition(), change));
        }
        Ok(Self { changes })
    }

    /// How many changes there are.
    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    /// The batches of each of `writers`, which share the partitions as the gateway's do: sorted for the write.
    pub(crate) fn batches(&self, writers: usize) -> Vec<Vec<Vec<&ProductChanged>>> {
        let of_writer = |writer: usize| {
            let mine: Vec<&ProductChanged> = self
                .changes
                .iter()
                .filter(|(partition, _)| usize::try_from(*partition).unwrap_or(0) % writers == writer)
                .map(|(_, change)| change)
                .collect();
            mine.chunks(BATCH).map(sorted).collect()
        };
        (0..writers).map(of_writer).collect()
    }

    /// Single changes in order: the last ones, which are no first versions.
    pub(crate) fn last(&self, count: usize) -> impl Iterator<Item = &ProductChanged> {
        self.changes.iter().skip(self.changes.len().saturating_sub(count)).map(|(_, change)| change)
    }
}

fn sorted<'a>(batch: &[&'a ProductChanged]) -> Vec<&'a ProductChanged> {
    let mut batch = batch.to_vec();
    batch.sort_by_key(|change| (change.product_id, change.version));
    batch
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let batches = self.batches(2).concat();
        let products: usize = batches
            .iter()
            .map(|batch| batch.iter().map(|c| c.product_id).collect::<HashSet<_>>().len())
            .sum();
        let (changes, each) = (self.changes.len(), products / batches.len().max(1));
        write!(f, "{changes} changes in {PARTITIONS} partitions; a batch of {BATCH} has {each} products")
    }
}
