//! Puts frames of what was written on the relay, or changes its epoch when it can't. Every lane that writes uses it.
//!
//! What holds when [`Relay::publish`] returns: the relay has the frames, or an epoch has begun (or will begin, before
//! anybody reads the one named) after the write that they tell of. So no reader misses it.
//!
//! Failure: Redis is tried for a short time; then the epoch changes, however long Postgres is away.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use schema::relay::{MAX_ENTRY_BYTES, RelayFrame};
use tokio::time::Instant;
use uuid::Uuid;

use crate::aside::Aside;
use crate::backoff::Backoff;
use crate::db::Db;
use crate::epoch::{self, Epoch};
use crate::health::{Dependency, Health};
use crate::metrics::{Reason, RelayMetrics};
use crate::redis::Redis;

/// How long Redis is tried before the epoch changes.
const PATIENCE: Duration = Duration::from_secs(2);
/// First and longest delay between two tries.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));
/// Memory that the stream may take, bytes.
const STREAM_BYTES: u64 = 128 * 1024 * 1024;
/// Bytes that one writer may add before it looks at the stream's memory.
const TRIM_EVERY: usize = 4 * 1024 * 1024;

/// How frames were relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relayed {
    /// They are on the stream.
    OnStream,
    /// Their write came before an epoch that readers have yet to enter.
    ByEpoch,
}

impl Relayed {
    /// The name in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnStream => "relayed",
            Self::ByEpoch => "epoch",
        }
    }
}

/// The last epoch that was given up because Redis is away, and since when it had been.
#[derive(Debug, PartialEq, Eq)]
struct GivenUp {
    epoch: Uuid,
    away_since: DateTime<Utc>,
}

/// One writer's way to the relay; clones count together what they add to the stream.
#[derive(Clone)]
pub struct Relay {
    db: Db,
    redis: Redis,
    health: Health,
    aside: Aside,
    metrics: RelayMetrics,
    given_up: Arc<Mutex<Option<GivenUp>>>,
    /// Bytes written since the stream's memory was looked at.
    untrimmed: Arc<AtomicUsize>,
}

impl Relay {
    /// A way to the relay.
    pub fn new(db: Db, redis: Redis, health: Health, aside: Aside, metrics: RelayMetrics) -> Self {
        Self { db, redis, health, aside, metrics, given_up: Arc::default(), untrimmed: Arc::default() }
    }

    /// Relays `frames` of a write that was made under `epoch`; returns once the relay has them, or their write is older
    /// than an epoch. Waits as long as Postgres is away.
    pub async fn publish(&self, frames: &[RelayFrame], epoch: Epoch) -> Relayed {
        let entries = entries(frames);
        if entries.is_empty() {
            return Relayed::OnStream;
        }
        // no stream: no reader has entered this epoch, so the next one stands for the write
        if !epoch.has_stream() {
            return Relayed::ByEpoch;
        }
        match self.append(&epoch, &entries).await {
            Ok(()) => Relayed::OnStream,
            Err(why) => {
                // also right when another replica was faster: its epoch, too, began after this write
                self.change_epoch(&epoch, why).await;
                Relayed::ByEpoch
            }
        }
    }

    /// Tries for a while; the error says why it was given up.
    async fn append(&self, epoch: &Epoch, entries: &[Bytes]) -> Result<(), &'static str> {
        let started = Instant::now();
        // once this is given up the tail is the one to tell when Redis is back
        let (mut backoff, reporter) = (Backoff::new(RETRY.0, RETRY.1), self.health.reporter());
        loop {
            match self.redis.append(epoch.id, entries).await {
                Ok(ids) if ids.iter().all(Option::is_some) => {
                    self.metrics.entries.inc_by(entries.len() as u64);
                    self.aside.settle();
                    self.trim(epoch, entries).await;
                    return Ok(());
                }
                Ok(_) => return Err("no_stream"),
                Err(error) => {
                    reporter.away(Dependency::Redis, &error);
                    self.metrics.retries.inc();
                    if started.elapsed() >= PATIENCE {
                        self.give_up(epoch.id);
                        return Err("away");
                    }
                    backoff.wait().await;
                }
            }
        }
    }

    /// Notices when only this replica is cut off: Redis was away from here all the time, and yet somebody made a stream
    /// on it.
    fn give_up(&self, epoch: Uuid) {
        let away = self.health.state().away;
        let Some(away_since) = away.get(&Dependency::Redis).copied() else { return };
        let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        let before = given_up.replace(GivenUp { epoch, away_since });
        if before.is_some_and(|before| before.away_since == away_since && before.epoch != epoch) {
            self.aside.stand(std::time::Instant::now());
        }
    }

    async fn trim(&self, epoch: &Epoch, entries: &[Bytes]) {
        let bytes = entries.iter().map(Bytes::len).sum::<usize>();
        if self.untrimmed.fetch_add(bytes, Ordering::Relaxed) + bytes >= TRIM_EVERY {
            self.untrimmed.store(0, Ordering::Relaxed);
            if let Err(error) = self.redis.trim(epoch.id, STREAM_BYTES).await {
                tracing::warn!(%error, "the relay's stream can't be trimmed now");
            }
        }
    }

    async fn change_epoch(&self, old: &Epoch, why: &'static str) {
        let (mut backoff, reporter) = (Backoff::new(RETRY.0, PATIENCE), self.health.reporter());
        loop {
            match epoch::change(&self.db, &self.redis, old, why).await {
                Ok(_) => break,
                Err(error) => reporter.away(Dependency::Postgres, &error),
            }
            backoff.wait().await;
        }
        self.metrics.epoch_changes.get_or_create(&Reason { reason: why }).inc();
    }
}

/// `frames` as entries of at most [`MAX_ENTRY_BYTES`].
fn entries(frames: &[RelayFrame]) -> Vec<Bytes> {
    let mut entries = Vec::new();
    let mut entry: Vec<u8> = Vec::new();
    for frame in frames {
        let Ok(json) = serde_json::to_vec(frame) else { continue };
        if !entry.is_empty() && entry.len() + json.len() + 2 > MAX_ENTRY_BYTES {
            entry.push(b']');
            entries.push(std::mem::take(&mut entry).into());
        }
        entry.push(if entry.is_empty() { b'[' } else { b',' });
        entry.extend_from_slice(&json);
    }
    if !entry.is_empty() {
        entry.push(b']');
        entries.push(entry.into());
    }
    entries
}

#[cfg(test)]
mod tests {
    use schema::PoisonReason;
    use schema::frames::Gap;

    use super::*;

    fn gap(offset: i64) -> RelayFrame {
        RelayFrame::Gap(Gap {
            topic: "t".repeat(100),
            partition: 0,
            offset,
            reason: PoisonReason::Empty.into(),
            product_id: None,
        })
    }

    #[test]
    fn a_large_batch_takes_several_entries_that_lose_no_frame() {
        let frames: Vec<_> = (0..2_000).map(gap).collect();
        let entries = entries(&frames);
        assert!(entries.len() > 1);
        assert!(entries.iter().all(|entry| entry.len() <= MAX_ENTRY_BYTES));
        let back: Vec<RelayFrame> =
            entries.iter().flat_map(|e| serde_json::from_slice::<Vec<RelayFrame>>(e).unwrap()).collect();
        assert_eq!(back, frames);
    }

    #[test]
    fn no_frames_make_no_entry() {
        assert!(entries(&[]).is_empty());
    }
}
