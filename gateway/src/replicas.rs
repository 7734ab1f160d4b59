//! Who serves which partitions: each replica tells the others, and one of them tells the viewers.
//!
//! A replica writes its state to Redis every second, and at once when its partitions change, and reads that of the
//! others in the same step. Whoever first sees that what was told last is no longer so relays `replicas_changed`; a
//! comparison on the server lets only one of them do it, and the next one goes on from there, so no move is told twice
//! or by nobody. The registry also carries the request to drain from the replica that was asked to the one that is meant.
//!
//! Failure: with Redis away each replica knows only itself and tries again every second; nothing else depends on it.

pub mod moves;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use schema::frames::{Outcomes, Replica, ReplicasChanged};
use schema::relay::RelayFrame;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::db::Db;
use crate::health::Health;
use crate::kafka::LaneStatus;
use crate::metrics::{Metrics, Outcome, Transport};
use crate::redis::registry::ALIVE_S;
use crate::redis::{Redis, RedisError};
use moves::{Line, Told, settled};

/// Time between two beats when nothing happens.
const BEAT_EVERY: Duration = Duration::from_secs(1);
/// Time after which what was seen of the others counts no more.
const ALIVE: Duration = Duration::from_secs(ALIVE_S.unsigned_abs());
/// Time between two looks at this replica's own state; a change is told at once.
const OWN_LOOK: Duration = Duration::from_millis(100);
/// Longest wait for the relay's epoch; a database that is away must not hold up the beats.
const EPOCH_WAIT: Duration = Duration::from_millis(500);

/// What the registry needs.
pub struct Parts {
    /// This replica's name.
    pub replica: String,
    /// Where it listens, `ip:port`.
    pub addr: String,
    /// The topic whose partitions are told.
    pub topic: String,
    /// Where the relay's epoch stands.
    pub db: Db,
    /// Where replicas meet.
    pub redis: Redis,
    /// Whether this replica drains.
    pub health: Health,
    /// How many viewers it has, and what became of what it read.
    pub metrics: Metrics,
}

/// The replicas that live, as this one knows them; clones share it.
#[derive(Clone)]
pub struct Replicas(Arc<Shared>);

struct Shared {
    parts: Parts,
    started: DateTime<Utc>,
    lane: OnceLock<LaneStatus>,
    seen: Mutex<Seen>,
    drain: CancellationToken,
}

/// The last look at the others.
#[derive(Default)]
struct Seen {
    at: Option<Instant>,
    replicas: Vec<Replica>,
}

/// What became of a request to drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drain {
    /// The replica drains, or reads the request within a second.
    Requested,
    /// No replica of that name lives.
    Unknown,
}

impl Replicas {
    /// A registry that knows this replica only.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Shared {
            parts,
            started: Utc::now(),
            lane: OnceLock::new(),
            seen: Mutex::default(),
            drain: CancellationToken::new(),
        }))
    }

    /// Where to read partitions and lag, once the ingest lane runs; a second call changes nothing.
    pub fn set_lane(&self, lane: LaneStatus) {
        let _ = self.0.lane.set(lane);
    }

    /// This replica's name.
    pub fn name(&self) -> &str {
        &self.0.parts.replica
    }

    /// The last `count` moves of partitions and replicas, newest first.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn log(&self, count: u16) -> Result<Vec<Line>, RedisError> {
        let lines = self.0.parts.redis.moves(count).await?;
        // one that can't be read comes from a release with another idea of it
        Ok(lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Cancelled when this replica is asked to drain.
    pub fn drain_requested(&self) -> &CancellationToken {
        &self.0.drain
    }

    /// All replicas that live, by name: itself as it is now, the others as they were at most a second ago. Whether these
    /// are all: without Redis a replica knows itself alone.
    pub fn list(&self) -> (Vec<Replica>, bool) {
        let seen = self.seen();
        let complete = seen.at.is_some_and(|at| at.elapsed() < ALIVE);
        let others = seen.replicas.iter().filter(|other| complete && other.replica != self.name());
        let mut replicas: Vec<Replica> = others.cloned().collect();
        drop(seen);
        replicas.push(self.own());
        replicas.sort_by(|a, b| a.replica.cmp(&b.replica));
        (replicas, complete)
    }

    /// Asks replica `name` to drain.
    ///
    /// # Errors
    /// It is another one, and Redis can't be asked about it.
    pub async fn drain(&self, name: &str) -> Result<Drain, RedisError> {
        if name == self.name() {
            self.0.drain.cancel();
            return Ok(Drain::Requested);
        }
        let lives = self.0.parts.redis.ask_drain(name).await?;
        Ok(if lives { Drain::Requested } else { Drain::Unknown })
    }

    /// Beats until `stop`, then says goodbye.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(OWN_LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut beaten, mut next_beat) = (None, Instant::now());
        let (mut first, mut reachable) = (true, false);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let own = self.own();
            let news = Some((own.rebalances, own.draining, own.partitions.len()));
            if news == beaten && Instant::now() < next_beat {
                continue;
            }
            (beaten, next_beat) = (news, Instant::now() + BEAT_EVERY);
            let Some(done) = stop.run_until_cancelled(self.beat(&own, first)).await else { break };
            reachable = done.is_ok();
            first &= !reachable;
            if let Err(error) = done {
                tracing::debug!(%error, "the other replicas can't be seen now");
            }
        }
        if reachable && let Err(error) = self.leave().await {
            tracing::debug!(%error, "no goodbye: the key expires by itself");
        }
    }

    /// Says what was given back, then goodbye.
    async fn leave(&self) -> Result<(), RedisError> {
        self.beat(&self.own(), false).await?;
        self.0.parts.redis.leave(self.name()).await
    }

    /// One beat: writes, looks, and tells the viewers what is new.
    async fn beat(&self, own: &Replica, first: bool) -> Result<(), RedisError> {
        let Ok(beat) = serde_json::to_string(own) else { return Ok(()) };
        let look = self.0.parts.redis.beat(self.name(), &beat, first).await?;
        if look.drain {
            self.0.drain.cancel();
        }
        // a beat that can't be read comes from a release with another idea of it
        let parse = |beat: &String| serde_json::from_str::<Replica>(beat).ok();
        let mut replicas: Vec<Replica> = look.beats.iter().filter_map(parse).collect();
        replicas.sort_by(|a, b| a.replica.cmp(&b.replica));
        *self.seen() = Seen { at: Some(Instant::now()), replicas: replicas.clone() };
        self.tell(look.told.as_deref(), replicas).await
    }

    /// Relays the difference between what was told last and `replicas`. What can't be told now is told after a later
    /// look.
    async fn tell(&self, before: Option<&str>, replicas: Vec<Replica>) -> Result<(), RedisError> {
        let told: Told = before.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let at = Utc::now();
        let Some((now, moved)) = told.next(&replicas, at) else { return Ok(()) };
        let line = Line::of(&told, &now, &moved, at);
        let Ok(Ok(epoch)) = tokio::time::timeout(EPOCH_WAIT, self.0.parts.db.epoch()).await else {
            return Ok(());
        };
        let frame = RelayFrame::ReplicasChanged(ReplicasChanged { replicas: settled(replicas), moved });
        let (now, line) = (serde_json::to_string(&now), serde_json::to_string(&line));
        let (Ok(now), Ok(line), Ok(entry)) = (now, line, serde_json::to_vec(&[frame])) else { return Ok(()) };
        if epoch.has_stream() && self.0.parts.redis.tell(epoch.id, before, &now, &entry, &line).await? {
            tracing::debug!("viewers are told who serves which partitions");
        }
        Ok(())
    }

    /// This replica as it is now.
    fn own(&self) -> Replica {
        let Shared { parts, started, lane, .. } = &*self.0;
        let lane = lane.get();
        let viewers = ["ws", "sse"].map(|transport| {
            let gauge = parts.metrics.live.viewers.get_or_create(&Transport { transport }).get();
            usize::try_from(gauge).unwrap_or(0)
        });
        let outcome = |outcome| parts.metrics.ingest.changes.get_or_create(&Outcome { outcome }).get();
        Replica {
            replica: parts.replica.clone(),
            addr: parts.addr.clone(),
            partitions: lane.map(|lane| lane.partitions(&parts.topic)).unwrap_or_default(),
            lag: lane.map_or(0, LaneStatus::lag),
            lags: lane.map(|lane| lane.lags(&parts.topic)).unwrap_or_default(),
            viewers: viewers.iter().sum(),
            rebalances: lane.map_or(0, LaneStatus::rebalances),
            since: lane.map_or(*started, LaneStatus::since),
            draining: parts.health.state().draining,
            outcomes: Outcomes {
                new: outcome("new"),
                stale: outcome("stale"),
                replay: outcome("replay"),
                conflict: outcome("conflict"),
                poison: outcome("poison"),
                rejected: outcome("rejected"),
            },
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
