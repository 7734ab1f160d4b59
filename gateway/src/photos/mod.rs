//! Lane 3, photos: Redis in front of Postgres, and a little memory in front of both.
//!
//! A photo is answered from memory for a moment, else from Redis, else from Postgres, which each replica asks once
//! however many wait. What is answered may be old by less than a second after an upload. Three things hold
//! that: nothing is answered that was looked up longer ago than that; Redis takes nothing that was read before an
//! upload (`redis/photos`); and every photo carries a revision, which may not be below the one that viewers have been
//! told (the *floor*, passed in as a function: lanes meet in data). While this replica does not follow the relay there
//! is no floor, and Redis is not believed at all.
//!
//! An upload is decoded and encoded anew, stored, removed from Redis, and relayed as `photo_changed`. When a replica dies
//! between these, the live lane's repair relays it, and the floor rises.
//!
//! Failure: with Redis away, slow or full of rubbish, Postgres answers (`bypass`); with Postgres away, what Redis has is
//! served, and the rest is told to come again.

mod flight;
mod look;
mod renew;
mod upload;
mod whole;

pub use look::{Failure, How};
pub use renew::Refused;
pub use upload::{Condition, Place, Stored, Upload, UploadError};

use std::sync::Arc;

use schema::{PhotoRevision, ProductId};

use crate::config::photos::PhotoSettings;
use crate::db::Db;
use crate::metrics::photos::{CacheLabel, PhotoMetrics};
use crate::picture::Photo;
use crate::redis::Redis;
use crate::redis::photos::PhotoCache;
use crate::relay::Relay;
use flight::Flights;
use look::Source;
use upload::Uploads;

/// Most bytes of an upload.
pub const MAX_BYTES: usize = renew::MAX_BYTES;

/// Tells the lowest revision of a product's photo that may still be its newest; none when that can't be said.
pub type Floor = Box<dyn Fn(ProductId) -> Option<PhotoRevision> + Send + Sync>;

/// What the lane works with.
pub struct Parts {
    /// Has the photos.
    pub db: Db,
    /// Stands before it.
    pub redis: Redis,
    /// Tells viewers.
    pub relay: Relay,
    /// Counts.
    pub metrics: PhotoMetrics,
    /// What may be kept, and how long.
    pub settings: PhotoSettings,
    /// What viewers have been told.
    pub floor: Floor,
}

/// The lane's handle; clones are the same lane.
#[derive(Clone)]
pub struct Photos(Arc<Inner>);

struct Inner {
    source: Source,
    flights: Flights,
    uploads: Uploads,
    metrics: PhotoMetrics,
}

/// A photo as it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What there is; none when the product is not known.
    pub photo: Option<Photo>,
    /// From where it came.
    pub how: How,
}

impl Photos {
    /// The lane; nothing is connected yet.
    pub fn new(parts: Parts) -> Self {
        let Parts { db, redis, relay, metrics, settings, floor } = parts;
        let cache = PhotoCache::new(redis);
        let uploads = Uploads::new(db.clone(), cache.clone(), relay, metrics.clone());
        let flights = Flights::new(settings.memory_bytes);
        let source = Source::new(db, cache, floor, settings.ttl(), metrics.clone());
        Self(Arc::new(Inner { source, flights, uploads, metrics }))
    }

    /// The photo of a product.
    ///
    /// # Errors
    /// The database was needed and could not be asked.
    pub async fn get(&self, id: ProductId) -> Result<Answer, Failure> {
        let Inner { source, flights, metrics, .. } = &*self.0;
        let (photo, how) = flights.get(id, source).await?;
        metrics.requests.get_or_create(&CacheLabel { cache: how.as_str() }).inc();
        Ok(Answer { photo, how })
    }

    /// Waits for a place for an upload, in which its body may be read.
    ///
    /// # Errors
    /// None became free in time.
    pub async fn admit(&self) -> Result<Place, UploadError> {
        self.0.uploads.admit().await
    }

    /// Stores a photo if `condition` holds of the present one. It goes on to its end even when the caller does not wait.
    ///
    /// # Errors
    /// It is not taken, or can't be stored now.
    pub async fn put(
        &self,
        place: Place,
        id: ProductId,
        upload: Upload,
        condition: Condition,
    ) -> Result<Stored, UploadError> {
        let this = self.clone();
        to_the_end(async move {
            let stored = this.0.uploads.put(id, upload, condition).await;
            drop(place);
            this.0.flights.forget(id).await;
            stored
        })
        .await
    }

    /// Removes a photo if `condition` holds of the present one. It goes on to its end even when the caller does not wait.
    ///
    /// # Errors
    /// There is none, or it can't be removed now.
    pub async fn remove(&self, id: ProductId, condition: Condition) -> Result<PhotoRevision, UploadError> {
        let this = self.clone();
        to_the_end(async move {
            let removed = this.0.uploads.remove(id, condition).await;
            this.0.flights.forget(id).await;
            removed
        })
        .await
    }
}

/// Whoever hangs up must not leave a photo stored and not told.
async fn to_the_end<T: 'static>(
    work: impl Future<Output = Result<T, UploadError>> + 'static,
) -> Result<T, UploadError> {
    tokio::task::spawn_local(work).await.unwrap_or(Err(UploadError::Broken))
}
