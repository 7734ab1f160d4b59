//! Repair: a guard against our own bugs.
//!
//! A slow scan goes through the products again and again, a page at a time, and compares the database with the view. What
//! the view lacks now may be on its way: some seconds later the stream's end is noted, and what is still lacking when the
//! tail has come to it was lost. It is put on the relay (folded from version 1, so that no viewer counts a hole), where
//! it reaches every replica. Counted, and zero outside faults.
//!
//! Best effort: whatever fails is found again by the next round.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use schema::frames::RatingChanged;
use schema::relay::{RelayFrame, RelayedProduct};
use schema::{PhotoChanged, PhotoMark, PhotoRevision, ProductId, Version};
use tokio::time::Instant;
use uuid::Uuid;

use super::frame::json;
use super::state::Shared;
use crate::db::{Db, DbError};
use crate::metrics::LiveMetrics;
use crate::redis::{EntryId, Redis, RedisError};

/// Products of a page.
const PAGE: i64 = 500;
/// A round begins at most this often: a small catalogue is not scanned without end.
const ROUND: Duration = Duration::from_secs(60);
/// Time in which a writer puts on the relay what it wrote, or begins another epoch.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most products that wait for their second look; a whole lost epoch is no matter for repair.
const MAX_SUSPECTS: usize = 1000;

/// The scan.
pub(super) struct Repair {
    /// What is right.
    pub(super) db: Db,
    /// Where it is told.
    pub(super) redis: Redis,
    /// What viewers were told.
    pub(super) shared: Arc<Shared>,
    /// Counts what was put right.
    pub(super) metrics: LiveMetrics,
    /// Time between two pages.
    pub(super) pause: Duration,
}

/// A product of which the database had something newer than the view.
struct Suspect {
    id: ProductId,
    what: Lacking,
    seen: Instant,
    /// The epoch's count when it was seen: in another one the view was loaded anew.
    generation: u64,
    /// The stream's end after the time of patience.
    end: Option<EntryId>,
}

/// What the view lacked.
#[derive(Debug, Clone, Copy)]
enum Lacking {
    /// This version of the product, or a later one.
    State(Version),
    /// This revision of its photo, or a later one. Nobody sends it again when a replica dies between write and relay.
    Photo(PhotoRevision),
    /// This count of its ratings, or a higher one.
    Rating(i64),
}

#[derive(Debug, thiserror::Error)]
enum RepairError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Repair {
    /// Scans until it is dropped.
    pub(super) async fn run(self) {
        let mut suspects = VecDeque::new();
        let mut after = None;
        let mut round = Instant::now();
        loop {
            tokio::time::sleep(self.pause).await;
            if self.shared.now().is_none() {
                continue;
            }
            if let Err(error) = self.second_look(&mut suspects).await {
                tracing::debug!(%error, "repair waits");
                suspects.clear();
            }
            if after.is_none() && round > Instant::now() {
                continue;
            }
            if after.is_none() {
                round = Instant::now() + ROUND;
            }
            match self.first_look(after, &mut suspects).await {
                Ok(next) => after = next,
                Err(error) => tracing::debug!(%error, "repair waits"),
            }
        }
    }

    /// Compares one page; returns where the next one begins.
    async fn first_look(
        &self,
        after: Option<ProductId>,
        suspects: &mut VecDeque<Suspect>,
    ) -> Result<Option<ProductId>, DbError> {
        let page = self.db.listed_after(after, PAGE).await?;
        let Some(now) = self.shared.now() else { return Ok(None) };
        let (seen, generation) = (Instant::now(), now.generation);
        for listed in &page {
            let id = listed.product.product_id;
            let known = [Lacking::State(listed.product.version), Lacking::Photo(listed.photo.revision)];
            let rating = listed.rating.map(|rating| Lacking::Rating(rating.count));
            for what in known.into_iter().chain(rating).filter(|what| self.lacks(id, *what)) {
                if suspects.len() < MAX_SUSPECTS {
                    suspects.push_back(Suspect { id, what, seen, generation, end: None });
                }
            }
        }
        Ok(page.last().map(|listed| listed.product.product_id))
    }

    /// Relays what is lacking still.
    async fn second_look(&self, suspects: &mut VecDeque<Suspect>) -> Result<(), RepairError> {
        while let Some(suspect) = suspects.front_mut() {
            let Some(now) = self.shared.now() else { return Ok(()) };
            if suspect.generation == now.generation && self.lacks(suspect.id, suspect.what) {
                if suspect.seen.elapsed() < PATIENCE {
                    return Ok(());
                }
                let Some(end) = suspect.end else {
                    suspect.end = Some(self.redis.stream_end(now.epoch).await?.unwrap_or_default());
                    continue;
                };
                if now.last < end {
                    return Ok(());
                }
                self.put_right(suspect, now.epoch).await?;
            }
            suspects.pop_front();
        }
        Ok(())
    }

    async fn put_right(&self, suspect: &Suspect, epoch: Uuid) -> Result<(), RepairError> {
        let id = suspect.id;
        let Some(listed) = self.db.listed(id).await? else { return Ok(()) };
        tracing::error!(product_id = %id, what = ?suspect.what, "news did not come: repaired");
        let frame = match suspect.what {
            Lacking::State(_) => RelayFrame::ProductChanged(RelayedProduct {
                product: listed.product,
                from: Version::MIN,
                recorded_ms: None,
                path_ms: None,
            }),
            Lacking::Photo(_) => {
                let PhotoMark { hash, revision } = listed.photo;
                RelayFrame::PhotoChanged(PhotoChanged { product_id: id, hash, revision })
            }
            Lacking::Rating(_) => {
                let Some(rating) = listed.rating else { return Ok(()) };
                RelayFrame::RatingChanged(RatingChanged { subject: id.into(), rating })
            }
        };
        let entry = json(&[frame]).into_bytes();
        if self.redis.append(epoch, &[entry]).await?.iter().any(Option::is_some) {
            self.metrics.repairs.inc();
        }
        Ok(())
    }

    fn lacks(&self, id: ProductId, what: Lacking) -> bool {
        match what {
            Lacking::State(version) => self.shared.version(id).is_none_or(|held| held < version),
            Lacking::Photo(revision) => self.shared.beside(id).photo.revision < revision,
            Lacking::Rating(count) => self.shared.rating(id.into()).is_none_or(|held| held.count < count),
        }
    }
}
