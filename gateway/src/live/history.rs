//! What a viewer missed longer ago than the ring reaches: read from the stream, a page at a time.
//!
//! Each page begins with the entry that was read last, which must still be there: entries go from the oldest on, so
//! nothing after it can have gone. The stream holds what writers relayed, in the order of the relay; a frame that is not
//! above what this viewer was given already is left out, as the view does it for live viewers.
//!
//! Few pages are read at the same time, whatever many viewers come back at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::time::Duration;

use schema::ProductId;
use uuid::Uuid;

use super::Live;
use super::cursor::Cursor;
use super::frame::{self, Beside, Decoded, Frame, Known, News, Times};
use super::interest::Interest;
use super::ring::Entry;
use super::viewer::{Closed, Viewer};
use crate::redis::{EntryId, Redis, RedisError, StreamEntry};

/// Entries of a page: at most 256 KiB, which are held while the viewer makes room.
const PAGE_ENTRIES: usize = 4;
/// Most products of which versions, photos and ratings are remembered for one viewer, in some 150 bytes each; whoever
/// missed changes of more gets a snapshot, which is then shorter.
const MAX_PRODUCTS: usize = 20_000;
/// Between two tries when Redis does not answer.
const RETRY: Duration = Duration::from_millis(500);

/// A viewer's way through the stream.
pub(super) struct History {
    live: Live,
    epoch: Uuid,
    /// The entry that was read last.
    place: EntryId,
    /// The first page, when it was read already.
    page: Option<Vec<StreamEntry>>,
    /// What was read of photos and ratings: the stream may be ahead of the view.
    read: HashMap<ProductId, Beside>,
}

/// What came of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// The viewer has it.
    Given,
    /// The stream no longer reaches back, or too much was missed.
    Lost,
}

/// Whether the stream has come to `place`; when Redis does not answer, it is taken to have.
pub(super) async fn is_real(redis: &Redis, epoch: Uuid, place: EntryId) -> bool {
    match redis.stream_end(epoch).await {
        Ok(end) => end.is_some_and(|end| place <= end),
        Err(_) => true,
    }
}

impl History {
    /// What comes after `place`.
    pub(super) fn new(live: &Live, epoch: Uuid, place: EntryId) -> Self {
        Self { live: live.clone(), epoch, place, page: None, read: HashMap::new() }
    }

    /// Whether the stream still reaches back to the place.
    pub(super) async fn begins_there(&mut self) -> bool {
        match self.read().await {
            Ok(page) => {
                self.page = page;
                self.page.is_some()
            }
            Err(_) => false,
        }
    }

    /// Gives `viewer` the next page, as it has room for it.
    pub(super) async fn next(&mut self, viewer: &Viewer) -> Result<Page, Closed> {
        let page = match self.page.take() {
            Some(page) => page,
            None => match self.read().await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(Page::Lost),
                Err(_) => {
                    // viewers are told that Redis is away; it comes back, or another epoch begins
                    tokio::time::sleep(RETRY).await;
                    return Ok(Page::Given);
                }
            },
        };
        for entry in page {
            viewer.room().await?;
            let Some(news) = self.news(&entry, viewer) else { return Ok(Page::Lost) };
            viewer.give(&news);
            self.place = entry.id;
        }
        Ok(Page::Given)
    }

    /// What is behind the place; `None`: the place itself is no longer there.
    async fn read(&self) -> Result<Option<Vec<StreamEntry>>, RedisError> {
        // the semaphore is never closed
        let _permit = self.live.histories.acquire().await;
        let mut page = self.live.redis.range(self.epoch, self.place, PAGE_ENTRIES + 1).await?;
        if page.first().is_none_or(|first| first.id != self.place) {
            return Ok(None);
        }
        page.remove(0);
        Ok(Some(page))
    }

    /// The entry without what is no news to this viewer; `None` when too much was missed.
    fn news(&mut self, entry: &StreamEntry, viewer: &Viewer) -> Option<Entry> {
        let shared = &self.live.shared;
        let held = |id| shared.beside(id);
        let mut known = Known::with(&held, std::mem::take(&mut self.read));
        let (decoded, _) = frame::decode(&entry.frames, Times::now(entry.id), &mut known);
        self.read = known.into_read();
        let interest = viewer.interest.borrow();
        if *interest != Interest::All {
            self.read.retain(|id, _| interest.has(*id));
        }
        let mut floor = viewer.floor.borrow_mut();
        let mut frames: Vec<Frame> = Vec::with_capacity(decoded.len());
        for Decoded { news, frame, .. } in decoded {
            // products are told with the photo and rating that are held, so older ones would take the viewer back
            let is_old = match news {
                News::Photo(change) => change.revision < held(change.product_id).photo.revision,
                News::Rating(change) => {
                    shared.rating(change.subject).is_some_and(|held| change.rating.count < held.count)
                }
                News::Product(_) | News::None => false,
            };
            if is_old {
                continue;
            }
            let asked_for = frame.product_id.is_none_or(|id| interest.has(id));
            if asked_for && (frame.version == 0 || rises(&mut floor, frame.product_id, frame.version)) {
                frames.push(frame);
            }
        }
        let cursor = Cursor { epoch: self.epoch, id: entry.id }.to_string().into();
        (floor.len().max(self.read.len()) <= MAX_PRODUCTS).then_some(Entry { id: entry.id, cursor, frames })
    }
}

fn rises(floor: &mut HashMap<ProductId, i64>, id: Option<ProductId>, version: i64) -> bool {
    let Some(id) = id else { return true };
    match floor.entry(id) {
        Slot::Vacant(free) => {
            free.insert(version);
            true
        }
        Slot::Occupied(mut held) => version > held.insert(version.max(*held.get())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rising_versions_are_news() {
        let id = Some(Uuid::from_u128(1).into());
        let mut floor = HashMap::new();
        let news: Vec<_> = [3, 2, 3, 4].iter().map(|version| rises(&mut floor, id, *version)).collect();
        assert_eq!(news, [true, false, false, true]);
    }
}
