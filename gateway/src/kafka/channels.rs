//! The bounded channels between the polling thread and one writer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::offsets::{Finished, Owned};
use super::rebalance::Event;
use super::record::Record;

/// Records that may wait for one writer.
pub(super) const CHANNEL_RECORDS: usize = 8_192;
/// Group events that may wait for one writer.
pub(super) const CHANNEL_EVENTS: usize = 64;

/// What one writer holds.
pub(super) struct WriterChannels {
    /// Records of this writer's partitions.
    pub records: Records,
    /// What happens to partitions, served also while a batch is retried.
    pub events: mpsc::Receiver<Event>,
    /// The way back.
    pub progress: Progress,
}

/// Records on their way to one writer.
pub(super) struct Records {
    receiver: mpsc::Receiver<Record>,
    queued_bytes: Arc<AtomicUsize>,
}

impl Records {
    /// Waits for a record and takes with it what else is there, up to `most`. Empty: the polling thread has ended.
    pub(super) async fn receive(&mut self, most: usize) -> Vec<Record> {
        let mut records = Vec::with_capacity(most);
        self.receiver.recv_many(&mut records, most).await;
        self.queued_bytes.fetch_sub(records.iter().map(Record::bytes).sum(), Ordering::Relaxed);
        records
    }
}

/// Tells the polling thread how far a writer is.
pub(super) struct Progress {
    owned: Arc<Mutex<Owned>>,
    finished: Sender<Finished>,
}

impl Progress {
    pub(super) fn new(owned: Arc<Mutex<Owned>>, finished: Sender<Finished>) -> Self {
        Self { owned, finished }
    }

    /// Whether the record's partition is still assigned as it was when the record was fetched, and here to stay.
    pub(super) fn is_current(&self, record: &Record) -> bool {
        let owned = self.owned.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        owned.number(&record.position) == Some(record.assignment)
    }

    /// These positions have their outcome: they may be committed.
    pub(super) fn finish(&self, finished: Finished) {
        // nobody listens any more: the process is on its way out, and what is not committed comes again
        let _ = self.finished.send(finished);
    }
}

/// The way to one writer.
pub(super) struct Sink {
    pub(super) records: mpsc::Sender<Record>,
    /// Records that the channel had no room for, in order.
    pub(super) held: VecDeque<Record>,
    pub(super) paused: bool,
}

/// The channels of one writer: the way to it, its events, and what it holds.
pub(super) fn writer_channels(
    queued_bytes: Arc<AtomicUsize>,
    progress: Progress,
) -> (Sink, mpsc::Sender<Event>, WriterChannels) {
    let (sender, receiver) = mpsc::channel(CHANNEL_RECORDS);
    let (event_sender, events) = mpsc::channel(CHANNEL_EVENTS);
    let sink = Sink { records: sender, held: VecDeque::new(), paused: false };
    (sink, event_sender, WriterChannels { records: Records { receiver, queued_bytes }, events, progress })
}
