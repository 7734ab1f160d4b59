//! Taking a photo in: measured, decoded, encoded anew, stored, the older one removed from Redis, relayed.
//!
//! Decoding may take a second and hundreds of megabytes, so it runs on threads of its own, and only as many pictures at
//! a time as fit a fixed amount of memory; the header tells beforehand what one will take. Bodies wait in places, of
//! which there are few.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schema::relay::RelayFrame;
use schema::{PhotoChanged, PhotoMark, PhotoRevision, ProductId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::renew::{self, Refused, Renewed};
use crate::db::{Db, DbError, Replaced};
use crate::metrics::photos::{OutcomeLabel, PhotoMetrics};
use crate::picture::Picture;
use crate::redis::photos::PhotoCache;
use crate::relay::Relay;

/// Uploads at the same time, their bodies of up to 5 MiB each included.
const PLACES: usize = 8;
/// How long an upload waits for a place.
const PLACE_WITHIN: Duration = Duration::from_secs(5);
/// Memory for decoding, MiB, of all uploads together.
const MEMORY_MIB: u32 = 512;
const MIB: u64 = 1024 * 1024;

/// Says of the present photo whether it may be replaced.
pub type Condition = Box<dyn Fn(PhotoMark) -> bool + Send + Sync>;

/// Leave to read an upload's body.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// What a client sent.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Of what kind it says it is.
    pub content_type: Option<String>,
    /// The picture.
    pub bytes: Bytes,
}

/// A photo that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its revision.
    pub revision: PhotoRevision,
    /// The picture as it will be served.
    pub picture: Picture,
    /// Its width, pixels.
    pub width: u32,
    /// Its height, pixels.
    pub height: u32,
    /// Whether there was none before.
    pub is_first: bool,
}

/// Why a photo was not stored or removed.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It is no picture that is taken.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The product is not known.
    #[error("the product is not known")]
    UnknownProduct,
    /// The condition does not hold of the present photo.
    #[error("the condition does not hold of the present photo")]
    Condition(PhotoMark),
    /// No place became free.
    #[error("too many uploads at the same time")]
    Busy,
    /// The database did not do it.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A thread of ours ended by itself.
    #[error("the upload's work ended by itself")]
    Broken,
}

/// The way in.
pub(super) struct Uploads {
    db: Db,
    cache: PhotoCache,
    relay: Relay,
    metrics: PhotoMetrics,
    places: Arc<Semaphore>,
    /// One permit a MiB.
    memory: Arc<Semaphore>,
}

impl Uploads {
    pub(super) fn new(db: Db, cache: PhotoCache, relay: Relay, metrics: PhotoMetrics) -> Self {
        let places = Arc::new(Semaphore::new(PLACES));
        let memory = Arc::new(Semaphore::new(usize::try_from(MEMORY_MIB).unwrap_or(usize::MAX)));
        Self { db, cache, relay, metrics, places, memory }
    }

    pub(super) async fn admit(&self) -> Result<Place, UploadError> {
        let place = tokio::time::timeout(PLACE_WITHIN, Arc::clone(&self.places).acquire_owned()).await;
        // the semaphore is never closed
        place.ok().and_then(Result::ok).map(Place).ok_or(UploadError::Busy)
    }

    pub(super) async fn put(
        &self,
        id: ProductId,
        upload: Upload,
        condition: Condition,
    ) -> Result<Stored, UploadError> {
        let stored = self.try_put(id, upload, condition).await;
        let outcome = match &stored {
            Ok(_) => "stored",
            Err(UploadError::Refused(Refused::TooLarge(_))) => "too_large",
            Err(UploadError::Refused(Refused::Unsupported(_))) => "unsupported",
            Err(UploadError::Refused(Refused::Broken(_))) => "broken",
            Err(_) => "failed",
        };
        self.metrics.uploads.get_or_create(&OutcomeLabel { outcome }).inc();
        stored
    }

    async fn try_put(
        &self,
        id: ProductId,
        upload: Upload,
        condition: Condition,
    ) -> Result<Stored, UploadError> {
        let Upload { content_type, bytes } = upload;
        let Renewed { picture, width, height } = self.renew(content_type, bytes).await?;
        let (revision, before) = self.replace(id, Some(picture.clone()), &condition).await?;
        Ok(Stored { revision, picture, width, height, is_first: before.hash.is_none() })
    }

    pub(super) async fn remove(
        &self,
        id: ProductId,
        condition: Condition,
    ) -> Result<PhotoRevision, UploadError> {
        let (revision, _) = self.replace(id, None, &|mark| mark.hash.is_some() && condition(mark)).await?;
        self.metrics.uploads.get_or_create(&OutcomeLabel { outcome: "removed" }).inc();
        Ok(revision)
    }

    async fn renew(&self, content_type: Option<String>, bytes: Bytes) -> Result<Renewed, UploadError> {
        let kind = renew::kind(content_type.as_deref(), &bytes)?;
        let measured = bytes.clone();
        let cost = off_the_worker(move || renew::measure(kind, &measured)).await?;
        let mib = u32::try_from(cost.div_ceil(MIB)).unwrap_or(MEMORY_MIB).min(MEMORY_MIB);
        let memory = Arc::clone(&self.memory).acquire_many_owned(mib).await;
        let memory = memory.map_err(|_| UploadError::Broken)?;
        off_the_worker(move || {
            // the thread goes on when nobody waits for it any more, and so does what it takes
            let _memory = memory;
            renew::renew(kind, &bytes)
        })
        .await
    }

    /// Stores or removes, and tells everybody.
    async fn replace(
        &self,
        id: ProductId,
        picture: Option<Picture>,
        condition: &(impl Fn(PhotoMark) -> bool + Sync),
    ) -> Result<(PhotoRevision, PhotoMark), UploadError> {
        let (revision, before, epoch) = match self.db.replace_photo(id, picture.as_ref(), condition).await? {
            Replaced::Done { revision, before, epoch } => (revision, before, epoch),
            Replaced::Refused(mark) => return Err(UploadError::Condition(mark)),
            Replaced::UnknownProduct => return Err(UploadError::UnknownProduct),
        };
        let hash = picture.map(|picture| picture.hash);
        let frame = [RelayFrame::PhotoChanged(PhotoChanged { product_id: id, hash, revision })];
        let (forgotten, _) = tokio::join!(self.cache.forget(id), self.relay.publish(&frame, epoch));
        if let Err(error) = forgotten {
            // whoever follows the relay does not take the older one from there
            tracing::debug!(product_id = %id, %error, "Redis may hold an older photo");
        }
        tracing::info!(product_id = %id, %revision, removed = hash.is_none(), "photo changed");
        Ok((revision, before))
    }
}

async fn off_the_worker<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, UploadError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| UploadError::Broken)?;
    Ok(done?)
}
