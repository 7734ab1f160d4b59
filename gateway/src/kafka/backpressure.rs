//! How records get from the polling thread to the writers, and what happens when those can't take more.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaResult;
use tokio::sync::mpsc;

use super::channels::CHANNEL_RECORDS;
use super::poll::Poller;
use super::rebalance::Context;
use super::record::Record;

/// How long a full channel is waited for before its partitions are paused. Pausing throws prefetched records away, so a
/// writer that is only busy must not cause it.
const FULL_WAIT: Duration = Duration::from_millis(100);
/// Bytes of records that may wait for all writers together; a record can be as large as the broker takes.
const CHANNEL_BYTES: usize = 64 * 1024 * 1024;

impl Poller {
    fn sink_of(&self, partition: i32) -> usize {
        usize::try_from(partition).unwrap_or(0) % self.sinks.len().max(1)
    }

    pub(super) fn hand_over(&mut self, record: Record) {
        let at = self.sink_of(record.position.partition);
        let over_budget = self.queued_bytes.load(Ordering::Relaxed) > CHANNEL_BYTES;
        let Some(sink) = self.sinks.get_mut(at) else { return };
        if sink.paused || !sink.held.is_empty() || over_budget {
            sink.held.push_back(record);
        } else {
            self.queued_bytes.fetch_add(record.bytes(), Ordering::Relaxed);
            match sink.records.try_send(record) {
                Err(mpsc::error::TrySendError::Full(record)) => {
                    self.queued_bytes.fetch_sub(record.bytes(), Ordering::Relaxed);
                    sink.held.push_back(record);
                    // made inside: a timer needs the runtime that it is made on
                    let wait = async { tokio::time::timeout(FULL_WAIT, sink.records.reserve()).await };
                    if self.runtime.block_on(wait).is_ok() {
                        return;
                    }
                }
                // handed over; or the writer is gone, and the process on its way out
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
        self.pause(at);
    }

    pub(super) fn hand_over_held(&mut self) {
        for at in 0..self.sinks.len() {
            let over_budget = self.queued_bytes.load(Ordering::Relaxed) > CHANNEL_BYTES / 2;
            let Some(sink) = self.sinks.get_mut(at) else { continue };
            // with a margin, so that pausing and resuming do not alternate with every record
            if sink.held.is_empty() && !sink.paused || over_budget {
                continue;
            }
            if sink.paused && sink.records.capacity() < CHANNEL_RECORDS / 2 {
                continue;
            }
            while let Some(record) = sink.held.pop_front() {
                let bytes = record.bytes();
                self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
                if let Err(mpsc::error::TrySendError::Full(record)) = sink.records.try_send(record) {
                    self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
                    sink.held.push_front(record);
                    break;
                }
            }
            if sink.held.is_empty() && sink.paused {
                sink.paused = false;
                self.switch(at, "resume", BaseConsumer::resume);
                self.waker.wake(&self.consumer);
            }
        }
    }

    fn pause(&mut self, at: usize) {
        if let Some(sink) = self.sinks.get_mut(at) {
            sink.paused = true;
        }
        // again for every record that still comes: a partition may have been assigned since
        self.switch(at, "pause", BaseConsumer::pause);
    }

    fn switch(
        &self,
        at: usize,
        what: &'static str,
        act: impl FnOnce(&BaseConsumer<Context>, &TopicPartitionList) -> KafkaResult<()>,
    ) {
        // nothing is asked for on purpose: the silence means nothing
        self.consumer.context().pulse().paused = self.sinks.iter().any(|sink| sink.paused);
        let mut list = TopicPartitionList::new();
        for position in self.consumer.context().owned().positions() {
            if self.sink_of(position.partition) == at {
                list.add_partition(&position.topic, position.partition);
            }
        }
        tracing::debug!(writer = at, partitions = list.count(), what, "backpressure");
        if let Err(error) = act(&self.consumer, &list) {
            tracing::warn!(%error, what, "can't switch partitions");
        }
    }
}
