//! Repair: a guard against our own bugs.
//!
//! A slow scan goes through the products again and again, a page at a time, and compares the database with the view. What
//! the view lacks now may be on its way; what it still lacks at a second look was lost, and is put on the relay (folded
//! from version 1, so that no viewer counts a hole), where it reaches every replica. Counted, and zero outside faults.
//!
//! Best effort: whatever fails is found again by the next round.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use schema::relay::{RelayFrame, RelayedProduct};
use schema::{ProductId, Version};
use tokio::time::Instant;

use super::frame::json;
use super::state::Shared;
use crate::db::{Db, DbError};
use crate::metrics::LiveMetrics;
use crate::redis::{Redis, RedisError};

/// Products of a page.
const PAGE: i64 = 500;
/// A round begins at most this often: a small catalogue is not scanned without end.
const ROUND: Duration = Duration::from_secs(60);
/// Time that the relay has to deliver what the database has.
const PATIENCE: Duration = Duration::from_secs(2);
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

/// A product of which the database had a newer version than the view.
struct Suspect {
    id: ProductId,
    version: Version,
    seen: Instant,
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
        let page = self.db.products_after(after, PAGE).await?;
        let seen = Instant::now();
        for product in &page {
            let (id, version) = (product.product_id, product.version);
            if self.lacks(id, version) && suspects.len() < MAX_SUSPECTS {
                suspects.push_back(Suspect { id, version, seen });
            }
        }
        Ok(page.last().map(|product| product.product_id))
    }

    /// Relays what is lacking still.
    async fn second_look(&self, suspects: &mut VecDeque<Suspect>) -> Result<(), RepairError> {
        while suspects.front().is_some_and(|suspect| suspect.seen.elapsed() >= PATIENCE) {
            let Some(suspect) = suspects.pop_front() else { break };
            if !self.lacks(suspect.id, suspect.version) {
                continue;
            }
            let Some((now, product)) = self.shared.now().zip(self.db.product(suspect.id).await?) else {
                continue;
            };
            tracing::error!(product_id = %suspect.id, version = %product.version, "a change did not come: repaired");
            let relayed = RelayedProduct { product, from: Version::MIN, recorded_ms: None };
            let entry = json(&[RelayFrame::ProductChanged(relayed)]).into_bytes();
            if self.redis.append(now.epoch, &[entry]).await?.iter().any(Option::is_some) {
                self.metrics.repairs.inc();
            }
        }
        Ok(())
    }

    fn lacks(&self, id: ProductId, version: Version) -> bool {
        self.shared.version(id).is_none_or(|held| held < version)
    }
}
