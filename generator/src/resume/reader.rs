//! Reads the topic of changes: to its end at start, and on from there.
//!
//! It is assigned its partitions by hand and commits nothing: no group, no rebalance. A broker that goes away in the
//! middle is waited for. A client that hears nothing though there is something to hear is replaced: it may have forgotten
//! its brokers, as a producer may ([`crate::produce`]).

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use schema::{Poison, ProductChanged, ProductId};

use super::clients::{asking, reading};
use super::decode::decode;
use super::ends::{Ends, Next};
use crate::produce::topic::Quiet;
use crate::produce::{Delivered, SLICE};
use crate::stop::Stop;

/// How long the broker may take to say its end offsets.
const ANSWER: Duration = Duration::from_secs(3);
/// How long to wait after an answer that did not come.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// How often to say how far the reading is.
const SAY: Duration = Duration::from_secs(3);
/// How long nothing may come, while something is there to be read, before another client is tried.
const DEAF: Duration = Duration::from_secs(10);

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
    kafka: String,
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
    /// The offset behind what Kafka acknowledged, by partition.
    expected: Vec<i64>,
    /// When something came last, or nothing was to come.
    well: Instant,
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
        let partitions: Vec<i32> = partitions.into_iter().collect();
        let most = partitions.iter().max().map_or(0, |p| place(*p) + 1);
        Ok(Self {
            kafka: kafka.to_owned(),
            client: reading(kafka)?,
            asker: asking(kafka)?,
            topic: topic.to_owned(),
            partitions,
            assigned: false,
            next: vec![0; most],
            expected: vec![0; most],
            well: Instant::now(),
        })
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
                        // the same client would answer from what it heard, for a quarter of an hour
                        self.asker = asking(&self.kafka)?;
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
                Step::Nothing => self.listen(ends.left() > 0)?,
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
                Step::Change { .. } => {}
                // where no record stands, none is missing
                Step::Drained(partition) => {
                    if let (Some(expected), Some(next)) =
                        (self.expected.get_mut(place(partition)), self.next.get(place(partition)))
                    {
                        *expected = *next;
                    }
                }
                Step::Nothing => return self.listen(self.is_behind()),
            }
        }
        Ok(())
    }

    /// Hears what Kafka acknowledged: so far [`Self::catch_up`] must come.
    pub fn expect(&mut self, delivered: &[Delivered]) {
        if !self.is_behind() {
            self.well = Instant::now();
        }
        for Delivered { partition, offset, .. } in delivered {
            if let Some(expected) = self.expected.get_mut(place(*partition)) {
                *expected = (*expected).max(offset + 1);
            }
        }
    }

    fn is_behind(&self) -> bool {
        self.next.iter().zip(&self.expected).any(|(next, expected)| next < expected)
    }

    /// Nothing came; replaces a client that has heard nothing for long, though it is `behind`.
    fn listen(&mut self, behind: bool) -> Result<(), ResumeError> {
        if !behind {
            self.well = Instant::now();
        } else if self.well.elapsed() > DEAF {
            tracing::warn!("nothing comes from kafka: reading with another client");
            let deaf = std::mem::replace(&mut self.client, reading(&self.kafka)?);
            // its end waits for the library's threads
            std::thread::spawn(move || drop(deaf));
            self.assign_next()?;
        }
        Ok(())
    }

    /// Tells the client where to begin: by number, because it would ask for "the beginning" only half a second later.
    fn assign(&mut self, offsets: &[(i64, i64)]) -> Result<(), ResumeError> {
        if self.assigned {
            return Ok(());
        }
        for (next, (first, _)) in self.next.iter_mut().zip(offsets) {
            *next = (*next).max(*first);
        }
        self.assigned = true;
        self.assign_next()
    }

    fn assign_next(&mut self) -> Result<(), ResumeError> {
        self.well = Instant::now();
        let mut assignment = TopicPartitionList::new();
        for partition in &self.partitions {
            let next = self.next.get(place(*partition)).copied().unwrap_or_default();
            assignment.add_partition_offset(&self.topic, *partition, Offset::Offset(next))?;
        }
        Ok(self.client.assign(&assignment)?)
    }

    fn step(&mut self, wait: Duration) -> Result<Step, ResumeError> {
        match self.client.poll(wait) {
            None => Ok(Step::Nothing),
            Some(Ok(message)) => {
                self.well = Instant::now();
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
            let found = self.asker.fetch_watermarks(&self.topic, *partition, ANSWER)?;
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
