//! One look for a photo: in Redis, else in Postgres, and then it is put into Redis.

use std::time::Duration;

use schema::{PhotoRevision, ProductId};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Floor;
use crate::db::{Db, DbError};
use crate::metrics::photos::PhotoMetrics;
use crate::picture::Photo;
use crate::redis::photos::{Lease, Look, PhotoCache};

/// Photos read from the database at the same time: half of the readers' connections, so that a flood of cold photos
/// leaves the other half to everybody else.
const READS: usize = 4;
/// How long a read may wait for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(2);
/// How long "there is none" is remembered in Redis. An upload replaces it at once.
const NONE_TTL: Duration = Duration::from_secs(10);
/// Share of a time to live that chance decides, so that photos put in together do not go together.
const JITTER: f64 = 0.2;

/// From where a photo came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Redis or memory.
    Hit,
    /// Postgres, because Redis had none; now it has.
    Miss,
    /// Postgres, because Redis could not be asked or believed.
    Bypass,
}

impl How {
    /// The value of the header `X-Cache`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }
}

/// Why a photo can't be answered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The database was needed and did not answer.
    #[error("{0}")]
    Away(std::sync::Arc<DbError>),
    /// Too many wait for the database.
    #[error("too many photos wait for the database")]
    Busy,
}

/// What a look found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// What there is; none when the product is not known.
    pub(super) photo: Option<Photo>,
    /// From where it came.
    pub(super) how: How,
    /// Whether Redis could not be asked: then this may be kept for longer, for the database's sake.
    pub(super) without_redis: bool,
    /// At this time or later it was so.
    pub(super) as_of: Instant,
}

/// Where photos are looked for.
pub(super) struct Source {
    db: Db,
    cache: PhotoCache,
    floor: Floor,
    reads: Semaphore,
    /// How long Redis keeps a photo, about.
    ttl: Duration,
    metrics: PhotoMetrics,
}

impl Source {
    pub(super) fn new(db: Db, cache: PhotoCache, floor: Floor, ttl: Duration, metrics: PhotoMetrics) -> Self {
        Self { db, cache, floor, reads: Semaphore::new(READS), ttl, metrics }
    }

    /// The lowest revision that may be answered.
    pub(super) fn floor(&self, id: ProductId) -> Option<PhotoRevision> {
        (self.floor)(id)
    }

    /// Looks for the photo of a product.
    pub(super) async fn look(&self, id: ProductId) -> Result<Found, Failure> {
        let Some(floor) = self.floor(id) else { return self.read(id, How::Bypass).await };
        let as_of = Instant::now();
        let (lease, how) = match self.cache.look(id).await {
            Ok(Look::Held(photo)) if photo.revision >= floor => {
                return Ok(Found { photo: Some(photo), how: How::Hit, without_redis: false, as_of });
            }
            // gives way to a higher revision without a lease
            Ok(Look::Held(_)) => (Lease::default(), How::Miss),
            Ok(Look::Missing(lease)) => (lease, How::Miss),
            Ok(Look::Rubbish(lease)) => {
                tracing::warn!(product_id = %id, "rubbish in Redis in place of a photo: replaced");
                (lease, How::Bypass)
            }
            Err(error) => {
                tracing::debug!(%error, "a photo is looked for without Redis");
                return self.read(id, How::Bypass).await;
            }
        };
        let found = self.read(id, how).await?;
        if let Some(photo) = &found.photo
            && let Err(error) = self.cache.fill(id, &lease, photo, lifetime(photo, self.ttl)).await
        {
            tracing::debug!(%error, "a photo can't be put into Redis now");
        }
        Ok(Found { without_redis: false, ..found })
    }

    async fn read(&self, id: ProductId, how: How) -> Result<Found, Failure> {
        let turn = tokio::time::timeout(TURN_WITHIN, self.reads.acquire()).await;
        // the semaphore is never closed
        let _turn = turn.map_err(|_| Failure::Busy)?;
        self.metrics.database_reads.inc();
        let stored = self.db.photo(id).await.map_err(|error| Failure::Away(error.into()))?;
        Ok(Found { photo: stored.photo, how, without_redis: true, as_of: stored.as_of })
    }
}

/// How long Redis keeps a photo: `ttl`, give or take.
fn lifetime(photo: &Photo, ttl: Duration) -> Duration {
    let about = if photo.picture.is_some() { ttl } else { NONE_TTL };
    spread(about, rand::random())
}

/// `time`, give or take [`JITTER`]; `random` is a number in 0..1.
fn spread(time: Duration, random: f64) -> Duration {
    time.mul_f64(1.0 + JITTER * (2.0 * random.clamp(0.0, 1.0) - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_spread_around_what_is_set() {
        let spread = |random| spread(Duration::from_secs(100), random).as_millis();
        assert_eq!([spread(0.0), spread(0.5), spread(1.0)], [80_000, 100_000, 120_000]);
    }
}
