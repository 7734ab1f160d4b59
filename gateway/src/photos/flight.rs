//! One look a product at a time, however many ask; and what it found is kept for a moment.
//!
//! Whoever asks while a look is under way waits for it and takes what it finds. What is found serves those who come in
//! the next moment, too; the moment is short, because nobody tells this memory that a photo changed. It is longer while
//! Redis can't be asked, for then the database is all there is.
//!
//! **Invariant:** nothing is answered that was so longer than [`AT_MOST`] ago, nor a revision below the floor of the moment
//! in which it was asked for, unless the database says so itself.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use schema::{PhotoRevision, ProductId};
use tokio::time::Instant;

use super::look::{Failure, Found, How, Source};
use crate::picture::Photo;

/// Age of what is found beyond which it is not even answered to those who waited for it.
const AT_MOST: Duration = Duration::from_millis(900);
/// How long what was found is kept: half of what is promised is left to the look itself and to the way to the client.
const KEPT: Duration = Duration::from_millis(250);
/// The same while Redis can't be asked: the database reads a photo once in this time.
const KEPT_WITHOUT_REDIS: Duration = Duration::from_millis(800);
/// What nobody asked for goes after this.
const IDLE: Duration = Duration::from_secs(10);
/// Memory that an answer takes beside the picture, bytes, about.
const OVERHEAD_BYTES: usize = 256;
/// Looks for one request: the one that it joins may have begun too early, and the next one may fall behind an upload.
const LOOKS: usize = 3;

/// What a look came to; shared by all who waited for it.
type Landed = Arc<Result<Kept, Failure>>;

struct Kept {
    found: Found,
    landed: Instant,
}

/// Looks under way and what they found.
pub(super) struct Flights {
    kept: Cache<ProductId, Landed>,
    /// Whether what was found is kept beyond those who waited for it.
    keeps: bool,
}

impl Flights {
    /// Keeps pictures of up to about `bytes` together; of 0 bytes: none.
    pub(super) fn new(bytes: u64) -> Self {
        let kept = Cache::builder()
            .max_capacity(bytes.max(1))
            .weigher(|_, landed: &Landed| weight(landed))
            .time_to_idle(IDLE)
            .build();
        Self { kept, keeps: bytes > 0 }
    }

    /// The photo of a product, and from where it came.
    pub(super) async fn get(&self, id: ProductId, source: &Source) -> Result<(Option<Photo>, How), Failure> {
        // news that come while it is looked up are for those who ask after them: under many uploads nobody would be answered
        let (asked, floor) = (Instant::now(), source.floor(id));
        for _ in 0..LOOKS {
            let look = async { Arc::new(source.look(id).await.map(Kept::now)) };
            let is_over = |landed: &Landed| !self.serves(landed, asked, floor);
            let landed = self.kept.entry(id).or_insert_with_if(look, is_over).await.into_value();
            match &*landed {
                Ok(kept) if self.serves(&landed, asked, floor) => {
                    return Ok((kept.found.photo.clone(), kept.how(asked)));
                }
                Ok(_) => {}
                Err(failure) => return Err(failure.clone()),
            }
        }
        Err(Failure::Busy)
    }

    /// Drops what is kept of a product; an upload was stored.
    pub(super) async fn forget(&self, id: ProductId) {
        self.kept.invalidate(&id).await;
    }

    fn serves(&self, landed: &Landed, asked: Instant, floor: Option<PhotoRevision>) -> bool {
        match &**landed {
            Ok(kept) => kept.serves(asked, Instant::now(), floor, self.keeps),
            // whoever waited is told; the next one tries again
            Err(_) => false,
        }
    }
}

impl Kept {
    fn now(found: Found) -> Self {
        Self { found, landed: Instant::now() }
    }

    /// Whether this may be answered at `now` to whoever `asked`.
    fn serves(&self, asked: Instant, now: Instant, floor: Option<PhotoRevision>, keeps: bool) -> bool {
        let age = now.saturating_duration_since(self.found.as_of);
        let in_time = if self.waited_for(asked) {
            age < AT_MOST
        } else if self.found.without_redis {
            keeps && age < KEPT_WITHOUT_REDIS
        } else {
            keeps && age < KEPT
        };
        let revision = self.found.photo.as_ref().map_or(PhotoRevision::MIN, |photo| photo.revision);
        // what the database said since the question was asked is right, even if it lost what was told
        let by_database = self.found.how != How::Hit && self.found.as_of >= asked;
        in_time && (by_database || floor.is_none_or(|floor| revision >= floor))
    }

    /// Whether it was not there yet when somebody asked.
    fn waited_for(&self, asked: Instant) -> bool {
        self.landed >= asked
    }

    fn how(&self, asked: Instant) -> How {
        if self.waited_for(asked) || self.found.without_redis { self.found.how } else { How::Hit }
    }
}

fn weight(landed: &Landed) -> u32 {
    let picture = landed.as_ref().as_ref().ok().and_then(|kept| kept.found.photo.as_ref()?.picture.as_ref());
    u32::try_from(picture.map_or(0, |picture| picture.bytes.len()) + OVERHEAD_BYTES).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(how: How, revision: i64, as_of: Instant, took_ms: u64) -> Kept {
        let photo = Photo { revision: PhotoRevision::saturating(revision), picture: None };
        let without_redis = how == How::Bypass;
        let found = Found { photo: Some(photo), how, without_redis, as_of };
        Kept { found, landed: as_of + Duration::from_millis(took_ms) }
    }

    const FLOOR: Option<PhotoRevision> = Some(PhotoRevision::MAX);

    #[test]
    fn what_is_kept_serves_for_a_moment() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let serves = |how, asked, now| kept(how, 1, began, 50).serves(at(asked), at(now), None, true);
        assert!(serves(How::Hit, 100, 249) && !serves(How::Hit, 100, 250));
        assert!(serves(How::Bypass, 100, 799) && !serves(How::Bypass, 100, 800));
        assert!(serves(How::Hit, 20, 899) && !serves(How::Hit, 20, 900), "who waited for it");
        assert!(!kept(How::Hit, 1, began, 50).serves(at(100), at(100), None, false), "nothing is kept");
        assert!(
            kept(How::Hit, 1, began, 50).serves(at(20), at(50), None, false),
            "it is shared all the same"
        );
    }

    #[test]
    fn nothing_below_the_floor_is_served_unless_the_database_just_said_so() {
        let began = Instant::now();
        let asked = began + Duration::from_millis(1);
        let now = began + Duration::from_millis(10);
        assert!(kept(How::Hit, i64::MAX, began, 5).serves(asked, now, FLOOR, true));
        assert!(!kept(How::Hit, 2, began, 5).serves(asked, now, FLOOR, true));
        assert!(!kept(How::Miss, 2, began, 5).serves(asked, now, FLOOR, true), "a look that began before");
        assert!(kept(How::Miss, 2, asked, 5).serves(asked, now, FLOOR, true));
        assert!(!kept(How::Hit, 2, asked, 5).serves(asked, now, FLOOR, true));
    }

    #[test]
    fn those_who_waited_are_told_from_where_it_came() {
        let began = Instant::now();
        let later = began + Duration::from_millis(50);
        assert_eq!(kept(How::Miss, 1, began, 5).how(began), How::Miss);
        assert_eq!(kept(How::Miss, 1, began, 5).how(later), How::Hit);
        assert_eq!(kept(How::Bypass, 1, began, 5).how(later), How::Bypass);
    }
}
