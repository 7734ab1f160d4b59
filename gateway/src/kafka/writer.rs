//! One writer: gathers batches, works on them, and answers the group meanwhile.
//!
//! While a batch is worked on (perhaps for minutes, with the database away) the group may take partitions back. Then the
//! writer has a short time to finish; what is not finished by then is dropped uncommitted and will come again, to whoever
//! owns the partition next. Records of partitions that stay are kept and worked on again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::channels::{Progress, Records, WriterChannels};
use super::offsets::Finished;
use super::rebalance::Event;
use super::record::{Position, Record};
use crate::drill::{self, Bug};

/// Most bytes of one batch: a few of the largest records, or all of the usual ones.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// What a lane does with its records.
pub trait Work: Send + 'static {
    /// Brings every record of `batch` to its outcome, however long it takes; returns what may be committed now. It may be
    /// dropped at any point and run again with fewer records, here or on another replica: each step must be safe to
    /// repeat.
    fn process(&mut self, batch: &[Record]) -> impl Future<Output = Finished> + Send;
}

/// A revocation that waits for this writer.
struct Pending {
    partitions: Arc<[Position]>,
    ack: SyncSender<()>,
    deadline: Instant,
}

/// One writer of a lane.
pub(super) struct Writer<W> {
    records: Records,
    events: mpsc::Receiver<Event>,
    progress: Progress,
    work: W,
    batch_rows: usize,
    /// Records that were received and did not fit the batch.
    carried: VecDeque<Record>,
}

impl<W: Work> Writer<W> {
    pub(super) fn new(channels: WriterChannels, work: W, batch_rows: usize) -> Self {
        let WriterChannels { records, events, progress } = channels;
        Self { records, events, progress, work, batch_rows, carried: VecDeque::new() }
    }

    /// Runs until the polling thread has ended.
    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    // nothing is in hand: what waits in the channel is dropped when it is taken
                    Some(Event::Revoked { ack, .. }) => acknowledge(&ack),
                    None => return,
                },
                batch = gather(&mut self.records, &mut self.carried, self.batch_rows) => {
                    if batch.is_empty() || !self.finish(batch).await {
                        return;
                    }
                }
            }
        }
    }

    /// Brings `batch` to its outcomes, or as much of it as still belongs to this replica. False: the polling thread has
    /// ended.
    async fn finish(&mut self, mut batch: Vec<Record>) -> bool {
        batch.retain(|record| self.progress.is_current(record));
        let mut pending: Vec<Pending> = Vec::new();
        if drill::planted(Bug::CommitBeforeWrite) {
            self.progress.finish(Finished::of(&batch));
        }
        while !batch.is_empty() {
            match drive(&mut self.work, &mut self.events, &batch, &mut pending).await {
                Drive::Finished(finished) => {
                    self.progress.finish(finished);
                    batch.clear();
                }
                Drive::TimeIsUp => {
                    let goes =
                        |record: &Record| pending.iter().any(|p| p.partitions.contains(&record.position));
                    batch.retain(|record| !goes(record));
                }
                Drive::Ended => return false,
            }
            pending.drain(..).for_each(|pending| acknowledge(&pending.ack));
        }
        true
    }
}

/// How the work on a batch ended.
enum Drive {
    /// Every record has its outcome; these may be committed.
    Finished(Finished),
    /// The time of a revocation ran out, and the work was dropped.
    TimeIsUp,
    /// The polling thread has ended.
    Ended,
}

/// Works on `batch` and serves the group meanwhile.
async fn drive<W: Work>(
    work: &mut W,
    events: &mut mpsc::Receiver<Event>,
    batch: &[Record],
    pending: &mut Vec<Pending>,
) -> Drive {
    let work = work.process(batch);
    tokio::pin!(work);
    loop {
        let deadline = pending.iter().map(|p| p.deadline).min();
        let time_is_up = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            event = events.recv() => match event {
                Some(Event::Revoked { partitions, ack }) => {
                    if batch.iter().any(|record| partitions.contains(&record.position)) {
                        let deadline = Instant::now() + Event::REVOKE_WORK;
                        pending.push(Pending { partitions, ack, deadline });
                    } else {
                        acknowledge(&ack);
                    }
                }
                None => return Drive::Ended,
            },
            finished = &mut work => return Drive::Finished(finished),
            () = time_is_up => return Drive::TimeIsUp,
        }
    }
}

/// The next batch: whatever has gathered, up to the limits; empty once the polling thread has ended.
async fn gather(records: &mut Records, carried: &mut VecDeque<Record>, batch_rows: usize) -> Vec<Record> {
    if carried.is_empty() {
        carried.extend(records.receive(batch_rows).await);
    }
    if drill::planted(Bug::CommitHighestFinished) {
        carried.rotate_left(carried.len() / 2);
        return carried.drain(..carried.len().div_ceil(2)).collect();
    }
    let mut bytes = 0;
    let fits = |record: &Record| {
        let first = bytes == 0;
        bytes += record.bytes();
        first || bytes <= BATCH_BYTES
    };
    let count = carried.iter().map(fits).take_while(|fits| *fits).count();
    carried.drain(..count).collect()
}

/// Tells the polling thread; nobody listening any more is fine, it has given up waiting.
fn acknowledge(ack: &SyncSender<()>) {
    let _ = ack.try_send(());
}
