//! What the group does to this process, as messages; and the handshake with which a partition is given back.
//!
//! The client library calls back on the polling thread. A partition that is revoked is marked, every writer is told, and
//! the callback waits until each has said that nothing of it is in hand any more (written, relayed, and told as
//! finished) or that it was dropped. Only then is the last commit made and the partition let go, so that the next owner
//! starts where this one stopped. What is *lost* (the group went on without us) is never committed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use serde::Serialize;
use tokio::sync::mpsc;

use super::offsets::{Finished, Owned};
use super::pulse::Pulse;
use super::record::Position;
use super::status::LaneStatus;
use super::turn::Turn;
use crate::audit::Audit;
use crate::drill::{self, Bug, Step};
use crate::health::Reporter;
use crate::metrics::{IngestMetrics, Topic};

/// Longest wait for writers to finish what they have of a revoked partition. Well below the session timeout of 6 s.
pub(super) const REVOKE_WAIT: Duration = Duration::from_secs(3);
/// How long the callback sleeps between two looks at what was finished.
const ACK_POLL: Duration = Duration::from_millis(5);

/// What a writer is told of its partitions. A new assignment needs no word: its records carry another number.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// Partitions are about to go: finish what is in hand within [`Event::REVOKE_WORK`], tell it as finished, then
    /// acknowledge; or drop it and acknowledge.
    Revoked {
        /// Which ones.
        partitions: Arc<[Position]>,
        /// Takes one unit from each writer.
        ack: SyncSender<()>,
    },
}

impl Event {
    /// Time for a writer to finish what it has in hand of a revoked partition; the callback waits a little longer.
    pub(super) const REVOKE_WORK: Duration = Duration::from_millis(2_700);
}

/// One line of the audit log about partitions or offsets.
#[derive(Serialize)]
pub(super) struct AuditLine<'a> {
    pub(super) event: &'static str,
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_offset: Option<i64>,
}

/// What outlives a client: the lane's side of the polling thread.
pub(super) struct Shared {
    pub(super) owned: Arc<Mutex<Owned>>,
    pub(super) finished: Mutex<Receiver<Finished>>,
    pub(super) events: Vec<mpsc::Sender<Event>>,
    pub(super) status: LaneStatus,
    pub(super) reporter: Reporter,
    pub(super) metrics: IngestMetrics,
    pub(super) audit: Audit,
    pub(super) replica: String,
    pub(super) group: String,
    pub(super) topic: String,
}

/// The callbacks' side of one client.
pub(super) struct Context {
    pub(super) shared: Arc<Shared>,
    pulse: Mutex<Pulse>,
    turn: Turn,
    /// Another client has taken over: what the group says to this one means nothing any more.
    retired: AtomicBool,
    /// Partitions were handed to the library, or taken from it, since somebody asked.
    rebalanced: AtomicBool,
}

impl Context {
    pub(super) fn new(shared: Arc<Shared>, pulse: Pulse) -> Self {
        Self {
            shared,
            pulse: Mutex::new(pulse),
            turn: Turn::default(),
            retired: AtomicBool::new(false),
            rebalanced: AtomicBool::new(false),
        }
    }

    pub(super) fn pulse(&self) -> MutexGuard<'_, Pulse> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who may commit.
    pub(super) const fn turn(&self) -> &Turn {
        &self.turn
    }

    pub(super) fn owned(&self) -> MutexGuard<'_, Owned> {
        self.shared.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another client takes over: all partitions are lost, and nothing that this one is told counts.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
        let positions: Vec<_> = self.owned().positions().cloned().collect();
        self.gone(&positions, true);
        self.ownership_changed();
    }

    /// Whether another client has taken over.
    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }

    /// Whether partitions came or went since the last time that it was asked.
    pub(super) fn took_rebalance(&self) -> bool {
        self.rebalanced.swap(false, Ordering::Relaxed)
    }

    /// Whether the group was left: nothing is here any more, and the coordinator was told.
    pub(super) fn has_left(&self) -> bool {
        // one lock after the other: statistics take them the other way round
        self.pulse().outside && self.owned().positions().next().is_none()
    }

    /// `positions` are here no more.
    fn gone(&self, positions: &[Position], lost: bool) {
        if lost {
            self.shared.metrics.lost.inc_by(positions.len() as u64);
        }
        {
            let mut owned = self.owned();
            for position in positions {
                owned.remove(position);
            }
        }
        self.audit(if lost { "lost" } else { "revoked" }, positions);
        tracing::info!(
            group = self.shared.group,
            count = positions.len(),
            lost,
            partitions = ?numbers(positions),
            "partitions gone"
        );
    }

    fn tell(&self, event: &Event) -> usize {
        // a full channel has no room for 64 rebalances: its writer is dead, and the wait below has an end
        self.shared.events.iter().filter(|events| events.try_send(event.clone()).is_ok()).count()
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, partitions: &Arc<[Position]>) {
        tracing::info!(
            group = self.shared.group,
            count = partitions.len(),
            partitions = ?numbers(partitions),
            "partitions asked back"
        );
        {
            let mut owned = self.owned();
            partitions.iter().for_each(|position| owned.revoking(position));
        }
        let (ack, acks) = sync_channel(self.shared.events.len());
        let mut wait_for = self.tell(&Event::Revoked { partitions: Arc::clone(partitions), ack });
        drill::passes(Step::Revoke);
        if drill::planted(Bug::ForgetRevoke) {
            wait_for = 0;
        }
        let deadline = Instant::now() + REVOKE_WAIT;
        let mut acked = 0;
        while acked < wait_for && Instant::now() < deadline {
            match acks.recv_timeout(ACK_POLL) {
                Ok(()) => acked += 1,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if acked < wait_for {
            tracing::warn!(
                acked,
                wait_for,
                "revoke: not all writers finished in time, their records will come again"
            );
        }
        // once more, and waiting for the answer, what was asked for a moment ago
        self.owned().commit_last_again(partitions);
        self.commit_last(consumer);
    }

    fn audit(&self, event: &'static str, partitions: &[Position]) {
        if self.shared.audit.is_on() {
            let line = |p: &'_ Position| (p.topic.clone(), p.partition);
            let lines: Vec<_> = partitions.iter().map(line).collect();
            let lines: Vec<_> = lines
                .iter()
                .map(|(topic, partition)| AuditLine {
                    event,
                    topic,
                    partition: *partition,
                    next_offset: None,
                })
                .collect();
            self.shared.audit.write(&self.shared.replica, &lines);
        }
    }

    pub(super) fn label(&self) -> Topic {
        Topic { topic: self.shared.topic.clone() }
    }

    fn ownership_changed(&self) {
        let mut partitions: Vec<Position> = self.owned().positions().cloned().collect();
        partitions.sort();
        self.shared.metrics.rebalances.inc();
        self.shared
            .metrics
            .partitions
            .get_or_create(&self.label())
            .set(i64::try_from(partitions.len()).unwrap_or(i64::MAX));
        self.shared.status.partitions_changed(partitions);
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if self.is_retired() {
            return;
        }
        match rebalance {
            Rebalance::Assign(partitions) => {
                let positions = positions(partitions);
                {
                    let mut owned = self.owned();
                    for position in &positions {
                        owned.assign(position.clone());
                    }
                }
                self.audit("assigned", &positions);
                tracing::info!(
                    group = self.shared.group,
                    count = positions.len(),
                    partitions = ?numbers(&positions),
                    "partitions assigned"
                );
            }
            Rebalance::Revoke(partitions) => {
                let positions: Arc<[Position]> = positions(partitions).into();
                let lost = consumer.assignment_lost();
                if !lost {
                    self.revoke(consumer, &positions);
                }
                self.gone(&positions, lost);
            }
            Rebalance::Error(error) => tracing::warn!(group = self.shared.group, %error, "rebalance failed"),
        }
        self.ownership_changed();
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        self.rebalanced.store(true, Ordering::Relaxed);
    }
}

fn positions(list: &TopicPartitionList) -> Vec<Position> {
    list.elements().iter().map(|e| Position { topic: e.topic().into(), partition: e.partition() }).collect()
}

fn numbers(positions: &[Position]) -> Vec<i32> {
    positions.iter().map(|position| position.partition).collect()
}
