//! The tail: reads the whole relay and keeps this replica's state.
//!
//! Every replica has one, so a viewer sees every product whichever replica it is on. To *enter* an epoch it takes the
//! stream's last id, then loads the view from Postgres, then looks whether the row still names that epoch (see
//! [`crate::epoch`] for why this order misses nothing). Then it *follows* the stream on a connection of its own, and
//! looks once a second whether the stream is still the one it knows: there, on the same server, and not shorter than
//! what was read. If not, entries may have been lost, and it begins the next epoch.
//!
//! Failure: while Redis or Postgres does not answer it says so, waits and tries again; viewers stay connected and are
//! told. It never gives up a state that it has before it has the next one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use schema::Subject;
use tokio::sync::watch;
use uuid::Uuid;

use super::frame::{self, Known, Times};
use super::state::Shared;
use super::view::View;
use crate::backoff::Backoff;
use crate::db::{Db, DbError};
use crate::epoch::{self, Epoch};
use crate::health::{Dependency, Health, Reporter};
use crate::metrics::LiveMetrics;
use crate::redis::{self, EntryId, Redis, RedisError, StreamEnds, StreamEntry};

/// Longest wait for an entry; between two waits the tail looks around.
const BLOCK: Duration = Duration::from_millis(500);
/// How often the stream and the row are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Most entries of one read: 4 MiB at their longest.
const READ_ENTRIES: usize = 64;
/// Rows of a page while the view is loaded: some 2 MB.
const LOAD_ROWS: i64 = 5_000;
/// First and longest delay between two tries.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The reader of the relay.
pub(super) struct Tail {
    /// Holds the row and the products.
    pub(super) db: Db,
    /// Holds the stream.
    pub(super) redis: Redis,
    /// Is told when the view is loaded.
    pub(super) health: Health,
    /// Tells what is away.
    pub(super) reporter: Reporter,
    /// Counts.
    pub(super) metrics: LiveMetrics,
    /// What the tail keeps.
    pub(super) shared: Arc<Shared>,
}

/// Why the tail can't go on for now.
#[derive(Debug, thiserror::Error)]
enum TailError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("Redis takes no new stream")]
    NoStream,
}

/// Why an epoch is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// The row names another one.
    OtherNamed,
    /// The stream is not what it was: the next epoch must begin.
    Broken(&'static str),
    /// This replica was held up, and the stream went on without it: the epoch must be entered anew.
    Behind,
}

/// How far the tail is in a stream.
#[derive(Debug)]
struct Way {
    /// The entry that was read last.
    place: EntryId,
    /// The place at the last look: up to there nothing was passed over.
    proven: EntryId,
}

impl Tail {
    /// Reads until it is dropped.
    pub(super) async fn run(self) {
        let (named, mut row) = watch::channel(None);
        tokio::join!(self.watch_row(&named), async {
            let mut backoff = Backoff::new(RETRY.0, RETRY.1);
            loop {
                let (epoch, last) = match self.enter().await {
                    Ok(entered) => entered,
                    Err(error) => {
                        self.report(&error);
                        backoff.wait().await;
                        continue;
                    }
                };
                backoff.reset();
                let left = self.follow(&epoch, last, &mut row).await;
                tracing::info!(epoch = %epoch.id, ?left, "relay epoch left");
                if let Left::Broken(why) = left {
                    self.begin_next(&epoch, why).await;
                }
            }
        });
    }

    /// Enters the epoch that the row names.
    async fn enter(&self) -> Result<(Epoch, EntryId), TailError> {
        loop {
            let epoch = self.db.epoch().await?;
            self.reporter.back(Dependency::Postgres);
            let mut connection = self.redis.dedicated(BLOCK).await?;
            self.redis.keep_stream(epoch.id).await?;
            let (ends, run_id) =
                redis::stream_ends(&mut connection, &self.redis.stream_key(epoch.id)).await?;
            let Some(last) =
                ends.map(|ends| ends.last).filter(|_| epoch.has_stream() && run_id == epoch.run_id)
            else {
                let why = if ends.is_none() { "its stream is not there" } else { "another Redis server" };
                if !epoch::change(&self.db, &self.redis, &epoch, why).await?.has_stream() {
                    return Err(TailError::NoStream);
                }
                // never in a tight loop, whatever Redis says
                tokio::time::sleep(RETRY.0).await;
                continue;
            };
            let began = Instant::now();
            let view = self.load().await?;
            if self.db.epoch().await? != epoch {
                continue;
            }
            let products = view.len();
            self.metrics.view_products.set(i64::try_from(products).unwrap_or(i64::MAX));
            self.metrics.epochs.inc();
            self.shared.enter(epoch.id, view, last);
            self.reporter.back(Dependency::Redis);
            self.health.set_view_loaded(true);
            let took_ms = began.elapsed().as_millis();
            tracing::info!(epoch = %epoch.id, products, took_ms, "relay epoch entered");
            return Ok((epoch, last));
        }
    }

    async fn load(&self) -> Result<View, DbError> {
        let (mut view, db) = (View::default(), self.db.for_the_tail());
        if let Some(site) = db.total(Subject::Site).await? {
            view.load_rating(Subject::Site, site.rating);
        }
        let mut after = None;
        loop {
            let page = db.listed_after(after, LOAD_ROWS).await?;
            let Some(last) = page.last() else { return Ok(view) };
            after = Some(last.product.product_id);
            for listed in page {
                view.load(listed);
            }
        }
    }

    /// Follows the epoch's stream from `place` on, over any number of connections.
    async fn follow(&self, epoch: &Epoch, place: EntryId, row: &mut watch::Receiver<Option<Uuid>>) -> Left {
        let mut way = Way { place, proven: place };
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        loop {
            let before = way.place;
            let ended = self.follow_on_one_connection(epoch, &mut way, row).await;
            self.shared.fell_behind();
            match ended {
                Ok(left) => return left,
                Err(error) => self.reporter.away(Dependency::Redis, &error),
            }
            if way.place > before {
                backoff.reset();
            }
            backoff.wait().await;
        }
    }

    async fn follow_on_one_connection(
        &self,
        epoch: &Epoch,
        way: &mut Way,
        row: &mut watch::Receiver<Option<Uuid>>,
    ) -> Result<Left, RedisError> {
        let key = self.redis.stream_key(epoch.id);
        let mut connection = self.redis.dedicated(BLOCK).await?;
        let mut looked: Option<Instant> = None;
        loop {
            if row.has_changed().unwrap_or(false) && self.other_is_named(epoch, row).await {
                return Ok(Left::OtherNamed);
            }
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                let (ends, run_id) = redis::stream_ends(&mut connection, &key).await?;
                if let Some(left) = way.look(ends, run_id == epoch.run_id) {
                    return Ok(left);
                }
                looked = Some(Instant::now());
            }
            let entries = redis::read_after(&mut connection, &key, way.place, BLOCK, READ_ENTRIES).await?;
            self.reporter.back(Dependency::Redis);
            self.shared.heard();
            if let Some(last) = entries.last() {
                way.place = last.id;
                self.take(&entries);
            }
        }
    }

    /// Whether the row names another epoch. What the watch says may have been read before this epoch was entered.
    async fn other_is_named(&self, epoch: &Epoch, row: &mut watch::Receiver<Option<Uuid>>) -> bool {
        let other = row.borrow_and_update().is_some_and(|named| named != epoch.id);
        other && self.db.epoch().await.is_ok_and(|named| named.id != epoch.id)
    }

    /// Decodes entries and hands them on.
    fn take(&self, entries: &[StreamEntry]) {
        let held = |id| self.shared.beside(id);
        let mut known = Known::new(&held);
        let mut decoded = Vec::with_capacity(entries.len());
        for entry in entries {
            let (frames, unreadable) = frame::decode(&entry.frames, Times::now(entry.id), &mut known);
            if unreadable > 0 {
                tracing::error!(id = %entry.id, unreadable, "frames of the relay can't be read: left out");
            }
            self.metrics.unreadable.inc_by(unreadable);
            for age_ms in frames.iter().filter_map(|frame| frame.age_ms) {
                self.metrics.age_seconds.observe(Duration::from_millis(age_ms.unsigned_abs()).as_secs_f64());
            }
            decoded.push((entry.id, frames));
        }
        self.metrics.relay_entries.inc_by(entries.len() as u64);
        let (bytes, products) = self.shared.push(decoded);
        self.metrics.ring_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.metrics.view_products.set(i64::try_from(products).unwrap_or(i64::MAX));
    }

    /// Begins the next epoch, as soon as the database can be asked.
    async fn begin_next(&self, epoch: &Epoch, why: &'static str) {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        while let Err(error) = epoch::change(&self.db, &self.redis, epoch, why).await {
            self.reporter.away(Dependency::Postgres, &error);
            backoff.wait().await;
        }
    }

    /// Reads the row once a second, apart from the stream: a database that does not answer must not hold up the relay.
    async fn watch_row(&self, named: &watch::Sender<Option<Uuid>>) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.db.epoch().await {
                Ok(epoch) => {
                    self.reporter.back(Dependency::Postgres);
                    self.shared.named(epoch.id);
                    named.send_replace(Some(epoch.id));
                }
                Err(error) => self.reporter.away(Dependency::Postgres, &error),
            }
        }
    }

    fn report(&self, error: &TailError) {
        match error {
            TailError::Redis(_) | TailError::NoStream => self.reporter.away(Dependency::Redis, error),
            TailError::Db(_) => self.reporter.away(Dependency::Postgres, error),
        }
    }
}

impl Way {
    /// Whether entries may have been lost, seen from where the stream begins and ends now. Entries go from the oldest on:
    /// as long as the place of the last look is there, nothing that came after it was passed over.
    fn look(&mut self, ends: Option<StreamEnds>, same_server: bool) -> Option<Left> {
        let left = match ends {
            None => Some(Left::Broken("its stream is gone")),
            Some(_) if !same_server => Some(Left::Broken("another Redis server")),
            Some(ends) if ends.last < self.place => Some(Left::Broken("its stream went back")),
            Some(ends) if ends.first > self.proven => Some(Left::Behind),
            Some(_) => None,
        };
        self.proven = self.place;
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(proven: u64, place: u64, first: u64, last: u64) -> Option<Left> {
        let id = |ms| EntryId { ms, seq: 0 };
        let ends = StreamEnds { first: id(first), last: id(last) };
        Way { place: id(place), proven: id(proven) }.look(Some(ends), true)
    }

    #[test]
    fn a_stream_that_reaches_back_to_the_last_look_lost_nothing() {
        assert_eq!(look(5, 9, 1, 9), None);
        assert_eq!(look(5, 9, 5, 12), None, "more is coming");
        assert_eq!(look(5, 9, 6, 12), Some(Left::Behind));
    }

    #[test]
    fn another_stream_is_noticed() {
        assert!(matches!(look(5, 9, 1, 8), Some(Left::Broken(_))));
        let mut way = Way { place: EntryId::default(), proven: EntryId::default() };
        assert!(matches!(way.look(None, true), Some(Left::Broken(_))));
        let ends = StreamEnds { first: EntryId::default(), last: EntryId::default() };
        assert!(matches!(way.look(Some(ends), false), Some(Left::Broken(_))));
        assert_eq!(way.look(Some(ends), true), None);
    }
}
