//! Dead letters read again, for a person, and sent back.
//!
//! Each question has a consumer of its own that is assigned to what is asked for: it joins no group, commits nothing and
//! ends with the answer. That costs some hundred milliseconds, which a person does not notice and which the lanes never
//! pay; few questions are answered at the same time.
//!
//! Sent back means produced to `<topic>.redrive` (see [`schema::topics::redrive`]) with the source's key and headers, as
//! it was or with a corrected value. The letter itself stays: what becomes of the record is told by the lane that reads it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::metadata::MetadataTopic;
use rdkafka::{Message, Offset, TopicPartitionList};
use schema::headers::dead_letter as names;
use tokio::sync::Semaphore;

use super::client::{self, KafkaError};
use super::letter::Letter;
use super::producer::{Produced, Producer};
use super::record::{Position, Record};

/// Questions that are answered at the same time; the others wait.
const AT_ONCE: usize = 2;
/// Longest time for an answer; what was read by then is told.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait for a broker's word on where a partition begins and ends.
const WATERMARKS: Duration = Duration::from_secs(3);
/// Longest wait for the acknowledgement of what is sent back.
const SEND: Duration = Duration::from_secs(10);

/// Why a letter was not sent back.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    /// No such letter, or it is older than Kafka keeps them.
    #[error("there is no such dead letter")]
    Unknown,
    /// It does not hold what would be needed.
    #[error("{0}")]
    Impossible(&'static str),
    /// Kafka did not do it.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
}

/// The dead letters of one topic; clones share it.
#[derive(Clone)]
pub struct Letters {
    brokers: String,
    replica: String,
    /// Where they lie.
    topic: String,
    /// Where they are sent back to.
    redrive: String,
    producer: Producer,
    turns: Arc<Semaphore>,
}

impl Letters {
    /// The dead letters in `topic`, which are sent back to `redrive`; nothing is connected yet.
    ///
    /// # Errors
    /// The client can't be made.
    pub fn new(brokers: &str, topic: String, redrive: String, replica: &str) -> Result<Self, KafkaError> {
        let producer = Producer::new(brokers, &format!("{replica}-redrive"))?;
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let (brokers, replica) = (brokers.to_owned(), replica.to_owned());
        Ok(Self { brokers, replica, topic, redrive, producer, turns })
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
            own.read(&reader, &ends)
        };
        let mut letters = self.in_turn(read).await?;
        letters.sort_by_key(|letter| std::cmp::Reverse((letter.written_ms, letter.offset)));
        letters.truncate(count);
        Ok(letters)
    }

    /// The letter at one place; `None`: there is none.
    ///
    /// # Errors
    /// Kafka is away.
    pub async fn one(&self, partition: i32, offset: i64) -> Result<Option<Letter>, KafkaError> {
        let own = self.clone();
        let read = move || {
            let reader = own.reader()?;
            let held = own.ends(&reader)?.into_iter().find(|end| end.partition == partition);
            match held.filter(|end| (end.from..end.to).contains(&offset)) {
                Some(end) => own.read(&reader, &[Range { from: offset, to: offset + 1, ..end }]),
                None => Ok(Vec::new()),
            }
        };
        Ok(self.in_turn(read).await?.pop())
    }

    /// Sends one letter's record back, with `value` in place of its own if there is one; returns how often it was sent
    /// back now, this time included.
    ///
    /// # Errors
    /// It is not there, it can't be sent back as it is, or Kafka is away.
    pub async fn redrive(
        &self,
        partition: i32,
        offset: i64,
        value: Option<&[u8]>,
    ) -> Result<u64, RedriveError> {
        let letter = self.one(partition, offset).await?.ok_or(RedriveError::Unknown)?;
        let record = &letter.record;
        let key = record.header(names::KEY).ok_or(RedriveError::Impossible("it had no key"))?;
        let key = std::str::from_utf8(key).map_err(|_| RedriveError::Impossible("its key is no text"))?;
        if value.is_none() && letter.cut.is_some() {
            return Err(RedriveError::Impossible("it was cut to fit: give the whole value"));
        }
        let redrives = letter.redrives + 1;
        let own = record.headers().filter(|(name, _)| !name.starts_with("dlq-"));
        let headers =
            own.fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value }));
        let count = redrives.to_string();
        let headers = headers.insert(Header { key: names::REDRIVES, value: Some(&count) });
        let value = value.or(record.value.as_deref());
        self.producer.send(Produced { topic: &self.redrive, key, value, headers }, SEND).await?;
        tracing::info!(source = letter.source(), redrives, "a dead letter was sent back");
        Ok(redrives)
    }

    async fn in_turn(
        &self,
        read: impl FnOnce() -> Result<Vec<Letter>, KafkaError> + Send + 'static,
    ) -> Result<Vec<Letter>, KafkaError> {
        // the semaphore is never closed
        let _turn = self.turns.acquire().await;
        let reading = tokio::task::spawn_blocking(read).await;
        reading.unwrap_or(Err(KafkaError::Panicked))
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
        let topic = metadata.topics().first();
        let mut ends = Vec::new();
        for partition in topic.map(MetadataTopic::partitions).unwrap_or_default() {
            let (from, to) = reader.fetch_watermarks(&self.topic, partition.id(), WATERMARKS)?;
            if from < to {
                ends.push(Range { partition: partition.id(), from, to });
            }
        }
        Ok(ends)
    }

    /// Reads what lies in `ranges`.
    fn read(&self, reader: &BaseConsumer, ranges: &[Range]) -> Result<Vec<Letter>, KafkaError> {
        let mut list = TopicPartitionList::new();
        for range in ranges {
            list.add_partition_offset(&self.topic, range.partition, Offset::Offset(range.from))?;
        }
        reader.assign(&list)?;
        let (deadline, topic): (_, Arc<str>) = (Instant::now() + PATIENCE, self.topic.as_str().into());
        let (mut letters, mut open) = (Vec::new(), ranges.to_vec());
        while !open.is_empty() && Instant::now() < deadline {
            match reader.poll(Duration::from_millis(50)) {
                Some(Ok(message)) => {
                    let Some(range) = open.iter().find(|range| range.partition == message.partition()) else {
                        continue;
                    };
                    let (offset, end) = (message.offset(), range.to);
                    if offset < end {
                        let position = Position { topic: Arc::clone(&topic), partition: message.partition() };
                        letters.push(Letter::of(Record::copy(&message, position, 0)));
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
        Ok(letters)
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
