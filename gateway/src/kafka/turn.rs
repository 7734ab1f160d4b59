//! One commit at a time.
//!
//! The client library sends a commit again that the coordinator did not take, and by then it may have sent a later one
//! that was taken: where the coordinator moves, the group's offsets would go back. So the next commit is made when the
//! last one is answered, on a thread of its own, because the polling thread must not wait.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::rebalance::{AuditLine, Context};
use super::record::Position;

/// Longest wait for an answer: the library gives a commit up sooner.
const ANSWER: Duration = Duration::from_secs(30);
/// Longest wait for it when partitions are given back.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// Whose turn it is; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Turn(Arc<(Mutex<Option<Instant>>, Condvar)>);

impl Turn {
    /// Takes the turn, unless a commit has not been answered.
    pub(super) fn take(&self) -> bool {
        let mut since = self.since();
        let is_free = since.is_none_or(|since| since.elapsed() > ANSWER);
        if is_free {
            *since = Some(Instant::now());
        }
        is_free
    }

    /// The same, waiting for at most `limit`.
    pub(super) fn take_within(&self, limit: Duration) -> bool {
        let free = self.0.1.wait_timeout_while(self.since(), limit, |since| since.is_some());
        drop(free.unwrap_or_else(PoisonError::into_inner));
        self.take()
    }

    /// The commit was answered, or none was made.
    pub(super) fn give_back(&self) {
        *self.since() = None;
        self.0.1.notify_all();
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that makes commits of one client.
pub(super) struct Committer(SyncSender<(Arc<BaseConsumer<Context>>, TopicPartitionList)>);

impl Committer {
    /// Starts it; it ends when this is dropped.
    ///
    /// # Errors
    /// The thread can't be started.
    pub(super) fn start() -> std::io::Result<Self> {
        let (sender, commits) = sync_channel(1);
        std::thread::Builder::new().name("commit".to_owned()).spawn(move || make(&commits))?;
        Ok(Self(sender))
    }

    /// Commits what is finished, unless the last commit has not been answered: then it is for the next call.
    pub(super) fn commit(&self, consumer: &Arc<BaseConsumer<Context>>) {
        let turn = consumer.context().turn();
        if !turn.take() {
            return;
        }
        match consumer.context().to_commit(consumer) {
            // the thread has room, or waits for an answer that never came: then the group has not got it, and it is made again
            Some(list) => drop(self.0.try_send((Arc::clone(consumer), list))),
            None => turn.give_back(),
        }
    }
}

fn make(commits: &Receiver<(Arc<BaseConsumer<Context>>, TopicPartitionList)>) {
    while let Ok((consumer, list)) = commits.recv() {
        let (done, turn) = (consumer.commit(&list, CommitMode::Sync), consumer.context().turn().clone());
        // whoever waits for the turn may close the client next
        drop(consumer);
        turn.give_back();
        if let Err(error) = done {
            tracing::debug!(%error, "commit refused: it is made again, or the records come again");
        }
    }
}

impl Context {
    /// Whatever was told as finished since the last look, and what the group did not take.
    fn to_commit(&self, consumer: &BaseConsumer<Self>) -> Option<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        let mut lines = Vec::new();
        {
            let finished = self.shared.finished.lock().unwrap_or_else(PoisonError::into_inner);
            let (mut owned, now) = (self.owned(), Instant::now());
            let again = owned.take_again();
            lines.extend(owned.committable(&again, now));
            while let Ok(finished) = finished.try_recv() {
                lines.extend(owned.committable(&finished, now));
            }
        }
        // several batches of one partition: the last one is the farthest
        for (position, next) in &lines {
            let offset = Offset::Offset(*next);
            let known = list.find_partition(&position.topic, position.partition).is_some();
            let set = if known {
                list.set_partition_offset(&position.topic, position.partition, offset)
            } else {
                list.add_partition_offset(&position.topic, position.partition, offset)
            };
            if let Err(error) = set {
                tracing::error!(%error, "an offset can't be put into a commit");
            }
        }
        if list.count() == 0 || consumer.assignment_lost() {
            return None;
        }
        self.audit_commit(&lines);
        Some(list)
    }

    /// The last commit of what is given back; it waits for the answer, and for that of the commit before.
    pub(super) fn commit_last(&self, consumer: &BaseConsumer<Self>) {
        if !self.turn().take_within(LAST_ANSWER) {
            tracing::warn!("the last commit is not answered, and none follows it: records will come again");
            return;
        }
        let done = self.to_commit(consumer).map_or(Ok(()), |list| consumer.commit(&list, CommitMode::Sync));
        self.turn().give_back();
        if let Err(error) = done {
            tracing::warn!(%error, "commit refused: it is made again, or the records come again");
        }
    }

    /// Written when a commit is asked for: the library has no word for us when it was made (rust-rdkafka 0.39 listens to
    /// an event that librdkafka 2.12 does not send for such commits), and a line that comes before is the stricter one.
    fn audit_commit(&self, lines: &[(Position, i64)]) {
        if self.shared.audit.is_on() {
            let lines: Vec<_> = lines
                .iter()
                .map(|(position, next)| AuditLine {
                    event: "committed",
                    topic: &position.topic,
                    partition: position.partition,
                    next_offset: Some(*next),
                })
                .collect();
            self.shared.audit.write(&self.shared.replica, &lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_one_at_a_time() {
        let turn = Turn::default();
        assert!(turn.take());
        assert!(!turn.take() && !turn.take_within(Duration::from_millis(1)));
        let other = turn.clone();
        let waiter = std::thread::spawn(move || other.take_within(Duration::from_secs(60)));
        turn.give_back();
        assert!(waiter.join().unwrap() && !turn.take());
    }
}
