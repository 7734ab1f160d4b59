//! Reads the topic of changes: to its end at start, and on from there.
//!
//! It is assigned its partitions by hand and commits nothing: no group, no rebalance. A broker that goes away in the
//! middle is waited for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use schema::{Poison, PoisonReason, ProductChanged, ProductId, headers};

use super::ends::{Ends, Next};
use crate::produce::SLICE;
use crate::produce::topic::Quiet;
use crate::stop::Stop;

/// How long the broker may take to say its end offsets.
const ANSWER: Duration = Duration::from_secs(3);
/// How long to wait after an answer that did not come.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// How often to say how far the reading is.
const SAY: Duration = Duration::from_secs(3);
/// Most bytes that are fetched ahead, KiB.
const AHEAD_KIB: u32 = 16 * 1024;

/// Why the topic cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the topic of changes cannot be read")]
pub struct ResumeError(#[from] KafkaError);

/// How the reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At the topic's end.
    Reached,
    /// A stop was asked for before that.
    Stopped,
}

/// When the end of the topic is taken for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// When nothing of ours came for a second: catches what a generator that just stopped still had on its way.
    Still,
    /// Where it is now.
    Now,
}

impl Settle {
    const fn pause(self) -> Duration {
        match self {
            Self::Still => Duration::from_secs(1),
            Self::Now => Duration::ZERO,
        }
    }
}

/// A reader of the topic, or of some of its partitions.
pub struct Reader {
    client: BaseConsumer<Quiet>,
    /// Asks for end offsets, on a connection of its own: on the reader's one a question waits behind the fetch that
    /// waits for new records, half a second each.
    asker: BaseConsumer<Quiet>,
    topic: String,
    partitions: Vec<i32>,
    /// Whether the client was told where to begin.
    assigned: bool,
    /// The offset that comes next, by partition.
    next: Vec<i64>,
}

/// One thing that the client gave.
enum Step {
    Change { partition: i32, offset: i64, change: Result<ProductChanged, Poison> },
    Drained(i32),
    Nothing,
}

impl Reader {
    /// A reader from the beginning of `partitions`.
    pub fn new(
        kafka: &str,
        topic: &str,
        partitions: impl IntoIterator<Item = i32>,
    ) -> Result<Self, ResumeError> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", kafka)
            .set("client.id", "shelfwire-generator")
            .set("reconnect.backoff.max.ms", "1000");
        let asker = config.create_with_context(Quiet)?;
        let client: BaseConsumer<Quiet> = config
            // the client library wants a name to read at all; nothing joins or commits under it
            .set("group.id", "shelfwire-generator-resume")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set("queued.max.messages.kbytes", AHEAD_KIB.to_string())
            .create_with_context(Quiet)?;
        let partitions: Vec<i32> = partitions.into_iter().collect();
        let most = partitions.iter().max().map_or(0, |p| place(*p) + 1);
        Ok(Self { client, asker, topic: topic.to_owned(), partitions, assigned: false, next: vec![0; most] })
    }

    /// Reads to the end, as `settle` understands it, giving each valid event of the products that are `ours` to `take`.
    pub fn read_to_end(
        &mut self,
        ours: impl Fn(ProductId) -> bool,
        mut take: impl FnMut(&ProductChanged),
        settle: Settle,
        stop: &Stop,
    ) -> Result<End, ResumeError> {
        let start = Instant::now();
        let (mut said, mut read, mut unreadable) = (start, 0_u64, 0_u64);
        let most = self.next.len();
        let mut ends = Ends::new(self.next.clone(), settle.pause(), start);
        let mut ask_from = start;
        loop {
            if stop.asked() {
                return Ok(End::Stopped);
            }
            let now = Instant::now();
            match ends.next(now) {
                Next::Done => break,
                Next::Read => {}
                Next::Ask if now < ask_from => {}
                Next::Ask => match self.offsets(most) {
                    Ok(offsets) => {
                        ends.told(&offsets, now);
                        self.assign(&offsets)?;
                    }
                    // a topic that was made just now has no leaders for a moment
                    Err(error) => {
                        ask_from = Instant::now() + ASK_AGAIN;
                        if start.elapsed() > SAY {
                            tracing::warn!(%error, "kafka does not say where the topic ends; asking again");
                        }
                    }
                },
            }
            match self.step(SLICE)? {
                Step::Change { partition, offset, change } => {
                    let mine = change.as_ref().is_ok_and(|change| ours(change.product_id));
                    ends.read(place(partition), offset, mine, now);
                    match &change {
                        Ok(change) if mine => take(change),
                        Ok(_) => {}
                        Err(_) => unreadable += 1,
                    }
                    read += 1;
                }
                Step::Drained(partition) => ends.drained(place(partition)),
                Step::Nothing => {}
            }
            if said.elapsed() > SAY {
                said = Instant::now();
                tracing::info!(read, left = ends.left(), "reading what the topic already has");
            }
        }
        tracing::info!(read, unreadable, took_ms = start.elapsed().as_millis(), "topic read to its end");
        Ok(End::Reached)
    }

    /// Gives what came since, without waiting, to `take`; at most `most` records.
    pub fn catch_up(
        &mut self,
        most: usize,
        mut take: impl FnMut(&ProductChanged),
    ) -> Result<(), ResumeError> {
        for _ in 0..most {
            match self.step(Duration::ZERO)? {
                Step::Change { change: Ok(change), .. } => take(&change),
                Step::Change { .. } | Step::Drained(_) => {}
                Step::Nothing => break,
            }
        }
        Ok(())
    }

    /// Tells the client where to begin: by number, because it would ask for "the beginning" only half a second later.
    fn assign(&mut self, offsets: &[(i64, i64)]) -> Result<(), ResumeError> {
        if self.assigned {
            return Ok(());
        }
        let mut assignment = TopicPartitionList::new();
        for partition in &self.partitions {
            let first = offsets.get(place(*partition)).map_or(0, |(first, _)| *first);
            assignment.add_partition_offset(&self.topic, *partition, Offset::Offset(first))?;
        }
        self.client.assign(&assignment)?;
        self.assigned = true;
        Ok(())
    }

    fn step(&mut self, wait: Duration) -> Result<Step, ResumeError> {
        match self.client.poll(wait) {
            None => Ok(Step::Nothing),
            Some(Ok(message)) => {
                let (partition, offset) = (message.partition(), message.offset());
                if let Some(next) = self.next.get_mut(place(partition)) {
                    *next = offset + 1;
                }
                Ok(Step::Change { partition, offset, change: decode(&message) })
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => Ok(Step::Drained(partition)),
            Some(Err(error)) if is_fatal(&error) => Err(error.into()),
            Some(Err(error)) => {
                tracing::debug!(%error, "reading goes on when kafka is back");
                Ok(Step::Nothing)
            }
        }
    }

    /// (first, end) of the partitions 0 … `most` − 1; (0, 0) for those that are not read.
    fn offsets(&self, most: usize) -> Result<Vec<(i64, i64)>, KafkaError> {
        let mut offsets = vec![(0, 0); most];
        for partition in &self.partitions {
            let found = self.asker.fetch_watermarks(&self.topic, *partition, ANSWER).inspect_err(|_| {
                // it answers the next question from what it knew of the topic, for a quarter of an hour: a partition
                // without a leader would stay without one
                let _still_away = self.asker.fetch_metadata(Some(&self.topic), ANSWER);
            })?;
            if let Some(slot) = offsets.get_mut(place(*partition)) {
                *slot = found;
            }
        }
        Ok(offsets)
    }
}

fn place(partition: i32) -> usize {
    usize::try_from(partition).unwrap_or(0)
}

fn is_fatal(error: &KafkaError) -> bool {
    // not an unknown topic: a broker may hear of a new one a little later than the one that made it
    use rdkafka::error::RDKafkaErrorCode::{Fatal, TopicAuthorizationFailed};
    matches!(error.rdkafka_error_code(), Some(Fatal | TopicAuthorizationFailed))
}

/// As the gateway does, so that both hold the same records for changes.
fn decode(message: &BorrowedMessage<'_>) -> Result<ProductChanged, Poison> {
    // the newest header of a name counts
    let header = |name: &str| {
        let found = message.headers()?.iter().filter(|header| header.key == name).last()?;
        found.value
    };
    // the library panics at a name that is not UTF-8, and Kafka takes any: one record must not end every start
    let named =
        catch_unwind(AssertUnwindSafe(|| (header(headers::CE_TYPE), header(headers::CE_SPECVERSION))));
    let Ok((event_type, spec)) = named else {
        return Err(Poison::record(PoisonReason::NotUtf8, "a header's name is not UTF-8"));
    };
    ProductChanged::decode(message.key(), message.payload(), event_type, spec)
}
