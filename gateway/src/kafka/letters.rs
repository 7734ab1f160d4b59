//! Dead letters read again, for a person.
//!
//! Each question has a consumer of its own that is assigned to what is asked for: it joins no group, commits nothing and
//! ends with the answer. That costs some hundred milliseconds, which a person does not notice and which the lanes never
//! pay; few questions are answered at the same time.
//!
//! A replica answers in time, with what was read by then; a single letter is whole, or an error. Whoever must have every
//! letter asks [`Letters::thorough`]ly: then an answer takes as long as letters come, and what is missing is an error.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::metadata::MetadataTopic;
use rdkafka::{Message, Offset, TopicPartitionList};
use tokio::sync::Semaphore;

use super::client::{self, KafkaError};
use super::letter::Letter;
use super::record::{Position, Record};

/// Questions that are answered at the same time; the others wait.
const AT_ONCE: usize = 2;
/// Longest time for an answer; of a thorough one, longest time in which nothing comes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait for a broker's word on where a partition begins and ends.
const WATERMARKS: Duration = Duration::from_secs(3);

/// The dead letters of one topic; clones share it.
#[derive(Clone)]
pub struct Letters {
    brokers: String,
    replica: String,
    /// Where they lie.
    topic: String,
    thorough: bool,
    turns: Arc<Semaphore>,
}

impl Letters {
    /// The dead letters in `topic`; nothing is connected yet.
    pub fn new(brokers: &str, topic: String, replica: &str) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { brokers: brokers.to_owned(), replica: replica.to_owned(), topic, thorough: false, turns }
    }

    /// The same, for whoever must have all that was asked for.
    #[must_use]
    pub fn thorough(self) -> Self {
        Self { thorough: true, ..self }
    }

    /// The newest `count` letters, newest first.
    ///
    /// # Errors
    /// Kafka is away.
    pub async fn newest(&self, count: usize) -> Result<Vec<Letter>, KafkaError> {
        let own = self.clone();
        let read = move || {
            let reader = own.reader()?;
            let mut ends = own.ends(&reader)?;
            let back = i64::try_from(count).unwrap_or(i64::MAX);
            for end in &mut ends {
                end.from = end.from.max(end.to.saturating_sub(back));
            }
            let mut letters = Vec::new();
            own.read(&reader, &ends, |letter| letters.push(letter.listed()))?;
            Ok(letters)
        };
        let mut letters = self.in_turn(read).await?;
        Letter::newest_first(&mut letters);
        letters.truncate(count);
        Ok(letters)
    }

    /// Gives every letter to `take`, with `taken` to put it in; each partition in its order.
    ///
    /// # Errors
    /// Kafka is away.
    pub async fn each<T: Send + 'static>(
        &self,
        mut taken: T,
        mut take: impl FnMut(&mut T, Letter) + Send + 'static,
    ) -> Result<T, KafkaError> {
        let own = self.clone();
        let read = move || {
            let reader = own.reader()?;
            own.read(&reader, &own.ends(&reader)?, |letter| take(&mut taken, letter))?;
            Ok(taken)
        };
        self.in_turn(read).await
    }

    /// The letters at `places` (partition and offset), in no order; those that are not there are left out.
    ///
    /// # Errors
    /// Kafka is away.
    pub async fn at(&self, places: Vec<(i32, i64)>) -> Result<Vec<Letter>, KafkaError> {
        let own = self.clone();
        let read = move || {
            let reader = own.reader()?;
            let mut ends = own.ends(&reader)?;
            for end in &mut ends {
                let offsets = places.iter().filter(|(partition, _)| *partition == end.partition);
                let offsets: Vec<i64> = offsets.map(|(_, offset)| *offset).collect();
                // nothing of this partition: nothing is read of it
                end.from = end.from.max(offsets.iter().min().copied().unwrap_or(i64::MAX));
                end.to = end.to.min(offsets.iter().max().map_or(0, |last| last.saturating_add(1)));
            }
            ends.retain(|end| end.from < end.to);
            let (wanted, mut letters): (HashSet<_>, _) = (places.into_iter().collect(), Vec::new());
            own.read(&reader, &ends, |letter| {
                if wanted.contains(&(letter.partition, letter.offset)) {
                    letters.push(letter);
                }
            })?;
            Ok(letters)
        };
        self.in_turn(read).await
    }

    /// The letter at one place; `None`: there is none, or it is older than Kafka keeps them.
    ///
    /// # Errors
    /// Kafka is away, or too slow: what did not come in time may be there.
    pub async fn one(&self, partition: i32, offset: i64) -> Result<Option<Letter>, KafkaError> {
        match self.clone().thorough().at(vec![(partition, offset)]).await {
            Err(KafkaError::NoTopic(_)) if !self.thorough => Ok(None),
            letters => Ok(letters?.pop()),
        }
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, KafkaError> {
        // the semaphore is never closed
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let reading = tokio::task::spawn_blocking(move || {
            // the thread goes on when nobody waits for it any more, and so does its turn
            let _turn = turn;
            read()
        });
        reading.await.unwrap_or(Err(KafkaError::Panicked))
    }

    fn reader(&self) -> Result<BaseConsumer, KafkaError> {
        let mut config = client::base(&self.brokers, &format!("{}-letters", self.replica));
        // the library wants a group's name for an assignment; nobody joins it
        config.set("group.id", "dead-letter-readers").set("enable.auto.commit", "false");
        // a partition's end is told: records before it may have gone by their age
        config.set("enable.partition.eof", "true").set("auto.offset.reset", "earliest");
        Ok(config.create()?)
    }

    /// Where each partition begins and ends.
    fn ends(&self, reader: &BaseConsumer) -> Result<Vec<Range>, KafkaError> {
        let metadata = reader.fetch_metadata(Some(&self.topic), WATERMARKS)?;
        let partitions = metadata.topics().first().map(MetadataTopic::partitions).unwrap_or_default();
        if partitions.is_empty() && self.thorough {
            return Err(KafkaError::NoTopic(self.topic.clone()));
        }
        let mut ends = Vec::new();
        for partition in partitions {
            let (from, to) = reader.fetch_watermarks(&self.topic, partition.id(), WATERMARKS)?;
            if from < to {
                ends.push(Range { partition: partition.id(), from, to });
            }
        }
        Ok(ends)
    }

    /// Gives what lies in `ranges` to `take`.
    fn read(
        &self,
        reader: &BaseConsumer,
        ranges: &[Range],
        mut take: impl FnMut(Letter),
    ) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        for range in ranges {
            list.add_partition_offset(&self.topic, range.partition, Offset::Offset(range.from))?;
        }
        reader.assign(&list)?;
        let (mut deadline, topic): (_, Arc<str>) = (Instant::now() + PATIENCE, self.topic.as_str().into());
        let mut open = ranges.to_vec();
        while !open.is_empty() && Instant::now() < deadline {
            match reader.poll(Duration::from_millis(50)) {
                Some(Ok(message)) => {
                    if self.thorough {
                        deadline = Instant::now() + PATIENCE;
                    }
                    let Some(range) = open.iter().find(|range| range.partition == message.partition()) else {
                        continue;
                    };
                    let (offset, end) = (message.offset(), range.to);
                    if offset < end {
                        let position = Position { topic: Arc::clone(&topic), partition: message.partition() };
                        take(Letter::of(Record::copy(&message, position, 0)));
                    }
                    if offset + 1 >= end {
                        open.retain(|range| range.partition != message.partition());
                    }
                }
                Some(Err(rdkafka::error::KafkaError::PartitionEOF(partition))) => {
                    open.retain(|range| range.partition != partition);
                }
                Some(Err(error)) => tracing::debug!(%error, "dead letters"),
                None => {}
            }
        }
        if self.thorough && !open.is_empty() { Err(KafkaError::Silent(PATIENCE)) } else { Ok(()) }
    }
}

/// Offsets of one partition.
#[derive(Debug, Clone, Copy)]
struct Range {
    partition: i32,
    /// The first.
    from: i64,
    /// The one behind the last.
    to: i64,
}
