//! What this replica knows: the epoch, the view and the ring. Written by the tail alone, read by all hubs.
//!
//! Readers are told by a watch that there is more, and then take it from the ring. A reader that was slow simply finds
//! more there; one that was too slow finds that the ring no longer reaches its place, and is never misled by silence.
//! Each entering of an epoch is a new *generation*: what was read of one means nothing in another.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use schema::{ListedProduct, PhotoRevision, ProductId, Rating, Subject, Version};
use tokio::sync::watch;
use uuid::Uuid;

use super::cursor::Cursor;
use super::frame::{Audience, Beside, Decoded, Frame, News};
use super::interest::Interest;
use super::ring::{Entry, Ring};
use super::snapshot::Snapshot;
use super::view::View;
use crate::redis::EntryId;

/// Bytes of a product in a snapshot, about.
const PRODUCT_BYTES: u64 = 480;
/// Snapshots that may be on their way to viewers before viewers share older ones. With fewer a new viewer gets one of this
/// moment, so that it is not told what changed before it came.
const OWN_SNAPSHOTS: usize = 8;
/// With more, the shared snapshot is taken anew once this many bytes of news came after it, or a quarter of its own size
/// if that is more. So the snapshots that slow viewers hold add up to a few times the ring, whatever they do.
const SNAPSHOT_NEWS_BYTES: u64 = 64 * 1024;

/// A tail that follows hears from Redis twice a second; one that did not for this long is taken not to.
const HEARD_WITHIN: Duration = Duration::from_secs(2);

/// How far the tail is; a watch tells every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// Counts the epochs that were entered; 0 before the first one.
    pub(super) generation: u64,
    /// The newest entry.
    pub(super) last: EntryId,
}

/// A piece of the ring.
#[derive(Debug)]
pub(super) enum Piece {
    /// Entries after the place that was asked for, and the place behind them.
    Entries(Vec<Arc<Entry>>, EntryId),
    /// The ring no longer reaches back to that place.
    Lost,
    /// Another epoch was entered.
    Ended,
}

/// What a new viewer finds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// Of this moment.
    pub(super) generation: u64,
    /// Names the stream.
    pub(super) epoch: Uuid,
    /// The newest entry.
    pub(super) last: EntryId,
}

struct State {
    generation: u64,
    epoch: Uuid,
    view: View,
    ring: Ring,
    /// Snapshots of all products that somebody still holds.
    snapshots: Mutex<Snapshots>,
}

/// Snapshots of all products.
#[derive(Default)]
struct Snapshots {
    /// The newest one, and the ring's reading when it was taken.
    newest: Option<(u64, Arc<Snapshot>)>,
    /// All that were taken and may still be held.
    held: Vec<Weak<Snapshot>>,
}

/// The one place of it.
pub(super) struct Shared {
    state: RwLock<Option<State>>,
    place: watch::Sender<Place>,
    /// When Redis last answered the tail.
    heard: Mutex<Instant>,
    /// Whether the tail follows the stream at this moment.
    following: AtomicBool,
    /// The epoch that the row named when it was read last.
    named: Mutex<Option<Uuid>>,
    ring_limit: usize,
}

impl Shared {
    /// Nothing known yet.
    pub(super) fn new(ring_limit: usize) -> Self {
        Self {
            state: RwLock::new(None),
            place: watch::Sender::new(Place::default()),
            heard: Mutex::new(Instant::now()),
            following: AtomicBool::new(false),
            named: Mutex::default(),
            ring_limit,
        }
    }

    /// A new epoch: `view` holds at least what the stream had up to `last`.
    pub(super) fn enter(&self, epoch: Uuid, view: View, last: EntryId) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let generation = state.as_ref().map_or(1, |state| state.generation + 1);
        let ring = Ring::new(last, self.ring_limit);
        *state = Some(State { generation, epoch, view, ring, snapshots: Mutex::default() });
        self.named(epoch);
        self.heard();
        self.place.send_replace(Place { generation, last });
    }

    /// The next entries of the stream. Returns bytes of the ring and products of the view.
    pub(super) fn push(&self, entries: Vec<(EntryId, Vec<Decoded>)>) -> (usize, usize) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let Some(state) = state.as_mut() else { return (0, 0) };
        for (id, decoded) in entries {
            let mut frames = Vec::with_capacity(decoded.len());
            for Decoded { news, frame, .. } in decoded {
                let audience = match news {
                    News::Product(product) => state.view.fold(product),
                    News::Photo(change) => state.view.fold_photo(&change),
                    News::Rating(change) => state.view.fold_rating(&change),
                    News::None => Some(Audience::All),
                };
                frames.extend(audience.map(|audience| Frame { audience, ..frame }));
            }
            let cursor = Cursor { epoch: state.epoch, id }.to_string().into();
            state.ring.push(Entry { id, cursor, frames });
        }
        let (last, sizes) = (state.ring.last(), (state.ring.bytes(), state.view.len()));
        self.place.send_modify(|place| place.last = last);
        sizes
    }

    /// Redis answered the tail: what is known here is new.
    pub(super) fn heard(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.following.store(true, Ordering::Relaxed);
    }

    /// The tail does not follow the stream any more.
    pub(super) fn fell_behind(&self) {
        self.following.store(false, Ordering::Relaxed);
    }

    /// The row names this epoch.
    pub(super) fn named(&self, epoch: Uuid) {
        *self.named.lock().unwrap_or_else(PoisonError::into_inner) = Some(epoch);
    }

    /// How long ago Redis answered the tail.
    pub(super) fn heard_ago(&self) -> Duration {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// How far the tail is, and every change of it.
    pub(super) fn watch(&self) -> watch::Receiver<Place> {
        self.place.subscribe()
    }

    /// The present epoch; none before the first one was entered.
    pub(super) fn now(&self) -> Option<Now> {
        self.read(|state| Now { generation: state.generation, epoch: state.epoch, last: state.ring.last() })
    }

    /// Entries after `place`, up to about `most_bytes`.
    pub(super) fn after(&self, generation: u64, place: EntryId, most_bytes: usize) -> Piece {
        let piece = self.of(generation, |state| state.ring.after(place, most_bytes));
        match piece {
            None => Piece::Ended,
            Some(None) => Piece::Lost,
            Some(Some((entries, behind))) => Piece::Entries(entries, behind),
        }
    }

    /// How many entries of the ring lie after `place`; none when it does not reach back that far.
    pub(super) fn count_after(&self, generation: u64, place: EntryId) -> Option<usize> {
        self.of(generation, |state| state.ring.reaches(place).then(|| state.ring.count_after(place)))?
    }

    /// The products of `interest` as they stood at `least` or later; none when another epoch was entered.
    pub(super) fn snapshot(
        &self,
        generation: u64,
        interest: &Interest,
        least: EntryId,
    ) -> Option<Arc<Snapshot>> {
        self.of(generation, |state| match interest {
            Interest::All => state.snapshot_of_all(least),
            Interest::Only(ids) => {
                let products = ids.iter().filter_map(|id| state.view.get(*id)).map(Arc::clone).collect();
                Arc::new(Snapshot::new(state.ring.last(), products, state.view.rating(Subject::Site)))
            }
        })
    }

    /// The version of a product that viewers have been told, if any.
    pub(super) fn version(&self, id: ProductId) -> Option<Version> {
        self.read(|state| state.view.get(id).map(|listed| listed.product.version))?
    }

    /// What viewers have been told of a product beside its state.
    pub(super) fn beside(&self, id: ProductId) -> Beside {
        self.read(|state| state.view.beside(id)).unwrap_or(Beside::NOTHING)
    }

    /// What viewers have been told of a subject's ratings.
    pub(super) fn rating(&self, subject: Subject) -> Option<Rating> {
        self.read(|state| state.view.rating(subject))?
    }

    /// The lowest revision of a product's photo that may still be taken for its newest. None when nothing can be said,
    /// because the tail does not follow the present epoch's stream: then what was not read from the database just now
    /// may be old, however it looks.
    pub(super) fn photo_floor(&self, id: ProductId) -> Option<PhotoRevision> {
        let follows = self.following.load(Ordering::Relaxed) && self.heard_ago() < HEARD_WITHIN;
        let named = *self.named.lock().unwrap_or_else(PoisonError::into_inner);
        self.read(|state| {
            (follows && named == Some(state.epoch)).then(|| state.view.beside(id).photo.revision)
        })?
    }

    /// This replica's place as viewers name it.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        self.now().map(|now| Cursor { epoch: now.epoch, id: now.last })
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Option<T> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(read)
    }

    fn of<T>(&self, generation: u64, read: impl FnOnce(&State) -> T) -> Option<T> {
        self.read(|state| (state.generation == generation).then(|| read(state)))?
    }
}

impl State {
    fn snapshot_of_all(&self, least: EntryId) -> Arc<Snapshot> {
        let mut snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        snapshots.held.retain(|held| held.strong_count() > 0);
        let crowded = snapshots.held.len() >= OWN_SNAPSHOTS;
        let news_limit =
            if crowded { SNAPSHOT_NEWS_BYTES.max(self.view.len() as u64 * PRODUCT_BYTES / 4) } else { 0 };
        let total = self.ring.total_bytes();
        if let Some((taken_at, snapshot)) = snapshots.newest.as_ref()
            && snapshot.place >= least
            && total - taken_at <= news_limit
            && self.ring.reaches(snapshot.place)
        {
            return Arc::clone(snapshot);
        }
        let products: Vec<Arc<ListedProduct>> = self.view.products_after(None).map(Arc::clone).collect();
        let site = self.view.rating(Subject::Site);
        let snapshot = Arc::new(Snapshot::new(self.ring.last(), products, site));
        snapshots.held.push(Arc::downgrade(&snapshot));
        snapshots.newest = Some((total, Arc::clone(&snapshot)));
        snapshot
    }
}
