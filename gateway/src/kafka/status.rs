//! What a lane's consumer is doing, for whoever asks.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::record::Position;

/// What a lane's consumer is doing, for `/replicas`; clones share it.
#[derive(Debug, Clone)]
pub struct LaneStatus(Arc<Mutex<Status>>);

#[derive(Debug)]
struct Status {
    partitions: Vec<Position>,
    lags: Vec<(Position, i64)>,
    rebalances: u64,
    since: DateTime<Utc>,
}

impl Default for LaneStatus {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Status {
            partitions: Vec::new(),
            lags: Vec::new(),
            rebalances: 0,
            since: Utc::now(),
        })))
    }
}

impl LaneStatus {
    /// The process owns `partitions` from now on.
    pub(super) fn partitions_changed(&self, partitions: Vec<Position>) {
        self.with(|status| {
            status.partitions = partitions;
            status.rebalances += 1;
            status.since = Utc::now();
        });
    }

    /// The lag was measured.
    pub(super) fn set_lags(&self, lags: Vec<(Position, i64)>) {
        self.with(|status| status.lags = lags);
    }

    fn with<T>(&self, look: impl FnOnce(&mut Status) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Partitions of `topic` that are owned now, ascending.
    pub fn partitions(&self, topic: &str) -> Vec<i32> {
        self.with(|s| s.partitions.iter().filter(|p| &*p.topic == topic).map(|p| p.partition).collect())
    }

    /// Records of the owned partitions that are not committed, a second old at most.
    pub fn lag(&self) -> i64 {
        self.with(|s| s.lags.iter().map(|(_, lag)| lag).sum())
    }

    /// The same of each partition of `topic` that is owned now, ascending; 0 where it was not measured yet.
    pub fn lags(&self, topic: &str) -> Vec<i64> {
        self.with(|s| {
            let measured = |own: &&Position| s.lags.iter().find(|(position, _)| position == *own);
            let own = s.partitions.iter().filter(|own| &*own.topic == topic);
            own.map(|own| measured(&own).map_or(0, |(_, lag)| *lag)).collect()
        })
    }

    /// Assignments and revocations so far.
    pub fn rebalances(&self) -> u64 {
        self.with(|s| s.rebalances)
    }

    /// Since when the present partitions are owned.
    pub fn since(&self) -> DateTime<Utc> {
        self.with(|s| s.since)
    }
}
