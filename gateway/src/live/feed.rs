//! Brings one viewer to the place where its hub stands.
//!
//! A task per viewer, written as the story goes: hello; a snapshot, or what it missed since its cursor (from the ring,
//! or from the stream where the ring does not reach back that far); then the ring until it stands where the hub stands,
//! and from there the hub gives it each entry. Every piece waits until the viewer has room for it, so that neither a
//! large snapshot nor a long absence takes more memory than `history.rs` says.
//!
//! **Invariant:** what lies between a cursor and the first live entry is given without a hole, or the viewer is told
//! `reset` and given a snapshot.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use schema::Subject;
use schema::client_message::{MAX_MESSAGE_BYTES, MAX_SUBSCRIPTION};
use schema::frames::{FrameType, Hello, Limits, RatingChanged};
use uuid::Uuid;

use super::cursor::Cursor;
use super::frame::json;
use super::history::{History, Page};
use super::hub::Hub;
use super::interest::Interest;
use super::outbox::{End, Item};
use super::snapshot::Snapshot;
use super::start::{self, Start};
use super::state::{Now, Piece, Shared};
use super::viewer::{Closed, Viewer};
use crate::drill::{self, Bug};
use crate::metrics::Reason;
use crate::redis::EntryId;

/// How long a viewer waits for the epoch in which it was elsewhere already; a replica that follows the relay is in it after
/// one second or two.
const ENTER: Duration = Duration::from_secs(3);
/// A piece of the ring is at most this share of what may wait for a viewer.
const PIECE_SHARE: usize = 4;

/// What to feed a viewer with.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    /// It came, perhaps with a cursor.
    Connect(Option<Cursor>),
    /// What it has is void: another epoch was entered.
    Reset,
    /// It goes on from its place, with what it wants to follow besides.
    Follow,
}

/// Feeds `viewer` in a task of its own; one that fed it before stops.
pub(super) fn spawn(hub: &Hub, viewer: &Rc<Viewer>, plan: Plan) {
    viewer.live.set(false);
    let plan = match plan {
        // nothing of what it has is void: it was given nothing here, and may come from this very epoch
        Plan::Reset if !viewer.greeted.get() => Plan::Connect(viewer.came_with.get()),
        plan => plan,
    };
    if let Plan::Connect(cursor) = plan {
        viewer.came_with.set(cursor);
    }
    // the hub's epoch, not a newer one: into that the hub leads all its viewers
    let Some(now) = hub.entered() else {
        viewer.send_away(End::not_ready(rand::random()));
        return;
    };
    let feed = Feed { hub: hub.clone(), viewer: Rc::clone(viewer), now };
    let task = tokio::task::spawn_local(async move {
        // a closed viewer needs nothing more; its transport tells the hub when it is gone
        let _ = feed.run(plan).await;
    });
    viewer.set_feed(Some(task.abort_handle()));
}

struct Feed {
    hub: Hub,
    viewer: Rc<Viewer>,
    /// The epoch in which it feeds; when another is entered the hub starts another feed.
    now: Now,
}

impl Feed {
    async fn run(self, plan: Plan) -> Result<(), Closed> {
        let mut history = None;
        match plan {
            Plan::Connect(cursor) => match start::locate(self.hub.live(), self.now, cursor).await {
                Start::Fresh => {
                    self.hello("fresh", Some(0));
                    self.snapshot_of_all(false).await?;
                }
                Start::Resumed { at, missed, history: found } => {
                    history = found;
                    let at = if drill::planted(Bug::ResumeOffByOne) { self.behind_next(at) } else { at };
                    self.hello("resumed", missed);
                    *self.viewer.resumed.borrow_mut() = self.viewer.interest.borrow().clone();
                    self.viewer.stands_at(at, self.cursor(at));
                }
                Start::Reset => self.reset().await?,
                Start::Behind => {
                    // the hub stops this task when it enters the epoch, and begins with the viewer there
                    tokio::time::sleep(ENTER).await;
                    self.viewer.send_away(End::not_ready(rand::random()));
                    return Err(Closed);
                }
            },
            Plan::Reset => self.reset().await?,
            Plan::Follow => {}
        }
        loop {
            self.follow(&mut history, None).await?;
            // it stays noted until it is followed: another feed may take over meanwhile
            let wanted = self.viewer.interest.borrow().missing(&self.viewer.wanted.borrow());
            if wanted == Interest::NONE {
                self.viewer.take_wanted();
                break;
            }
            self.widen(&wanted, &mut history).await?;
        }
        // nothing was awaited since the viewer was found to stand where the hub stands
        self.viewer.live.set(true);
        Ok(())
    }

    /// The place behind the entry that comes after `at`.
    fn behind_next(&self, at: EntryId) -> EntryId {
        match self.shared().after(self.now.generation, at, 1) {
            Piece::Entries(entries, _) => entries.first().map_or(at, |entry| entry.id),
            Piece::Lost | Piece::Ended => at,
        }
    }

    fn hello(&self, how: &'static str, missed: Option<u64>) {
        let live = self.hub.live();
        live.metrics.connects.get_or_create(&Reason { reason: how }).inc();
        let hello = Hello {
            replica: live.replica.clone(),
            viewer: live.name_of(&self.viewer),
            epoch: self.now.epoch.to_string(),
            resumed: how == "resumed",
            reset: how == "reset",
            missed,
            heartbeat_ms: live.settings.heartbeat_ms,
            limits: Limits {
                products: MAX_SUBSCRIPTION,
                outbox_bytes: live.settings.outbox_bytes(),
                message_bytes: MAX_MESSAGE_BYTES,
            },
        };
        self.viewer.tell(FrameType::Hello, json(&hello));
        self.viewer.greeted.set(true);
        if let Some(trouble) = live.trouble() {
            self.viewer.tell(FrameType::Status, trouble);
        }
    }

    async fn reset(&self) -> Result<(), Closed> {
        // what it missed was not counted
        self.hello("reset", None);
        self.snapshot_of_all(true).await
    }

    /// The state of all that the viewer follows; it stands at the snapshot's place then.
    async fn snapshot_of_all(&self, reset: bool) -> Result<(), Closed> {
        let wanted = {
            let mut interest = self.viewer.interest.borrow_mut();
            interest.add(&self.viewer.take_wanted());
            interest.clone()
        };
        *self.viewer.resumed.borrow_mut() = Interest::NONE;
        self.viewer.floor.borrow_mut().clear();
        let snapshot = self.snapshot(&wanted, EntryId::default()).await;
        // no page holds it; before the last one, whose cursor stands for all of the snapshot
        if let Some(rating) = snapshot.site {
            let site = RatingChanged { subject: Subject::Site, rating };
            self.viewer.tell(FrameType::RatingChanged, json(&site));
        }
        self.pages(&snapshot, reset).await
    }

    /// Follows `wanted`, too: what the others had up to the snapshot's place is given before it, so that the viewer has
    /// one place afterwards.
    async fn widen(&self, wanted: &Interest, history: &mut Option<History>) -> Result<(), Closed> {
        let snapshot = loop {
            let snapshot = self.snapshot(wanted, self.viewer.position.get()).await;
            self.follow(history, Some(snapshot.place)).await?;
            if self.viewer.position.get() == snapshot.place {
                break snapshot;
            }
        };
        {
            let left_out_meanwhile = self.viewer.wanted.borrow().missing(wanted);
            let mut interest = self.viewer.interest.borrow_mut();
            interest.add(wanted);
            if left_out_meanwhile != Interest::NONE {
                interest.without(&left_out_meanwhile);
            }
        }
        self.viewer.resumed.borrow_mut().without(wanted);
        self.pages(&snapshot, false).await
    }

    async fn pages(&self, snapshot: &Snapshot, reset: bool) -> Result<(), Closed> {
        // until the last page there is no place to come back to
        *self.viewer.cursor.borrow_mut() = None;
        for at in 0..snapshot.pages() {
            self.viewer.room().await?;
            if matches!(self.shared().after(self.now.generation, snapshot.place, 0), Piece::Lost) {
                self.viewer.send_away(End::too_slow(rand::random()));
                return Err(Closed);
            }
            let last = at + 1 == snapshot.pages();
            let cursor = last.then(|| self.cursor(snapshot.place));
            self.viewer.put(Item { kind: FrameType::Snapshot, data: snapshot.page(at, reset), cursor });
        }
        self.viewer.stands_at(snapshot.place, self.cursor(snapshot.place));
        Ok(())
    }

    /// The state of `wanted` at `least` or later.
    async fn snapshot(&self, wanted: &Interest, least: EntryId) -> Arc<Snapshot> {
        let mut place = self.shared().watch();
        while place.borrow_and_update().last < least {
            // the viewer came with a cursor ahead of this replica
            let _ = place.changed().await;
        }
        match self.shared().snapshot(self.now.generation, wanted, least) {
            Some(snapshot) => snapshot,
            None => self.ended().await,
        }
    }

    /// Gives what the ring has (or the stream, where the ring does not reach back) until the viewer stands at `until`,
    /// or where the hub stands.
    async fn follow(&self, history: &mut Option<History>, until: Option<EntryId>) -> Result<(), Closed> {
        let most = self.hub.live().settings.outbox_bytes() / PIECE_SHARE;
        loop {
            self.viewer.room().await?;
            let place = self.viewer.position.get();
            match self.shared().after(self.now.generation, place, most) {
                Piece::Entries(entries, behind) => {
                    *history = None;
                    let behind = until.map_or(behind, |until| behind.min(until)).max(place);
                    entries
                        .iter()
                        .filter(|entry| entry.id <= behind)
                        .for_each(|entry| self.viewer.give(entry));
                    if behind > place {
                        self.viewer.stands_at(behind, self.cursor(behind));
                    }
                    let Some(goal) = until.or_else(|| self.hub.position(self.now.generation)) else {
                        return self.ended().await;
                    };
                    if behind >= goal {
                        return Ok(());
                    }
                }
                Piece::Lost => {
                    let live = self.hub.live();
                    let stream = history.get_or_insert_with(|| History::new(live, self.now.epoch, place));
                    if stream.next(&self.viewer).await? == Page::Lost {
                        *history = None;
                        self.reset().await?;
                    }
                }
                Piece::Ended => return self.ended().await,
            }
        }
    }

    /// Another epoch was entered: the hub stops this task and starts another.
    async fn ended<T>(&self) -> T {
        std::future::pending().await
    }

    fn shared(&self) -> &Shared {
        &self.hub.live().shared
    }

    fn cursor(&self, id: EntryId) -> ByteString {
        let epoch: Uuid = self.now.epoch;
        Cursor { epoch, id }.to_string().into()
    }
}
