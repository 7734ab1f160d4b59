//! A hub: the viewers of one HTTP worker.
//!
//! Each worker thread has its own, so that nothing about a viewer is ever locked. The hub is told that the tail went on,
//! takes the new entries from the ring, and gives them to every viewer that is live; a viewer that is not is fed by a
//! task of its own (see `feed`) until it has caught up. Once in a while the hub sweeps: heartbeats, and the end of
//! viewers that take nothing.
//!
//! It never waits for a viewer: giving is putting into a bounded outbox, and one that is full ends its viewer.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use schema::ProductId;
use schema::client_message::{self, MAX_SUBSCRIPTION};
use schema::frames::ErrorFrame;
use tokio::time::MissedTickBehavior;

use super::Live;
use super::cursor::Cursor;
use super::feed::{self, Plan};
use super::frame::json;
use super::interest::Interest;
use super::outbox::End;
use super::seat::Seat;
use super::socket::Socket;
use super::state::{Now, Piece};
use super::viewer::{Transport, Viewer};
use crate::redis::EntryId;

/// A turn gives each viewer at most this share of what may wait for it; then the others of the thread have theirs.
const TURN_SHARE: usize = 8;
/// Longest time between two sweeps.
const SWEEP: Duration = Duration::from_secs(1);
/// Time for a closed viewer to take its last word; then its socket is shut down.
const LAST_WORD: Duration = Duration::from_secs(3);
/// Share of the drain time in which viewers are sent away; the rest is for their last words.
const DRAIN_SHARE: f64 = 0.8;

/// The viewers of one HTTP worker; clones are the same hub.
#[derive(Clone)]
pub(super) struct Hub(Rc<Inner>);

struct Inner {
    live: Live,
    viewers: RefCell<BTreeMap<u64, Rc<Viewer>>>,
    next_id: Cell<u64>,
    /// The epoch that its viewers are in, as it was entered.
    entered: Cell<Option<Now>>,
    /// Live viewers have everything up to here.
    position: Cell<EntryId>,
    /// What this hub added to the metric of waiting bytes.
    counted_bytes: Cell<i64>,
}

impl Hub {
    /// A hub of this thread.
    pub(super) fn start(live: Live) -> Self {
        let hub = Self(Rc::new(Inner {
            live,
            viewers: RefCell::default(),
            next_id: Cell::new(0),
            entered: Cell::new(None),
            position: Cell::default(),
            counted_bytes: Cell::new(0),
        }));
        tokio::task::spawn_local(hub.clone().run());
        hub
    }

    /// Takes a viewer in; when it can't stay it finds a last word only.
    pub(super) fn seat(
        &self,
        transport: Transport,
        interest: Interest,
        cursor: Option<Cursor>,
        socket: Weak<Socket>,
    ) -> Seat {
        self.enter_if_new();
        let id = self.0.next_id.replace(self.0.next_id.get() + 1);
        let settings = &self.0.live.settings;
        // the first one comes early by chance, so that heartbeats of viewers that came together spread
        let first = Instant::now() + settings.heartbeat().mul_f64(rand::random());
        let number = self.0.live.next_viewer.fetch_add(1, Ordering::Relaxed);
        let viewer =
            Rc::new(Viewer::new((id, number), transport, interest, socket, settings.outbox_bytes(), first));
        self.0.viewers.borrow_mut().insert(id, Rc::clone(&viewer));
        let counted = match self.0.live.admit() {
            Ok(()) => {
                feed::spawn(self, &viewer, Plan::Connect(cursor));
                true
            }
            Err(end) => {
                viewer.send_away(end);
                false
            }
        };
        Seat::new(self.clone(), viewer, counted)
    }

    /// A viewer wants to follow more.
    pub(super) fn subscribe(&self, viewer: &Rc<Viewer>, wanted: &Interest) -> Result<(), ErrorFrame> {
        let mut after = viewer.interest.borrow().clone();
        after.add(&viewer.wanted.borrow());
        after.add(wanted);
        if after.len() > MAX_SUBSCRIPTION {
            let rule = client_message::too_many();
            return Err(client_message::refusal("too_many", Some("data.products"), &rule));
        }
        viewer.wanted.borrow_mut().add(wanted);
        if viewer.live.get() {
            feed::spawn(self, viewer, Plan::Follow);
        }
        Ok(())
    }

    /// A viewer wants to follow less.
    pub(super) fn unsubscribe(viewer: &Viewer, gone: &BTreeSet<ProductId>) -> Result<(), ErrorFrame> {
        if viewer.interest.borrow_mut().unsubscribe(gone) {
            viewer.wanted.borrow_mut().unsubscribe(gone);
            return Ok(());
        }
        let rule = "can't be left out by who follows all: connect again with a list";
        Err(client_message::refusal("invalid", Some("data.products"), rule))
    }

    /// The replica's live lane.
    pub(super) fn live(&self) -> &Live {
        &self.0.live
    }

    /// The epoch that its viewers are in. A state that is newer is entered by all of them together.
    pub(super) fn entered(&self) -> Option<Now> {
        self.0.entered.get()
    }

    /// Where live viewers stand, if they are in `generation`.
    pub(super) fn position(&self, generation: u64) -> Option<EntryId> {
        self.entered().filter(|now| now.generation == generation).map(|_| self.0.position.get())
    }

    async fn run(self) {
        let live = self.0.live.clone();
        let (mut place, mut health, mut drain) =
            (live.shared.watch(), live.health.watch(), live.drain.subscribe());
        let mut said = live.talk.subscribe();
        let mut away = Vec::new();
        let mut tick = tokio::time::interval(SWEEP.min(live.settings.heartbeat() / 4));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut more = false;
        loop {
            let news = async {
                if more {
                    // viewers' connections take what they were given before there is more
                    tokio::task::yield_now().await;
                } else {
                    let _ = place.changed().await;
                }
            };
            tokio::select! {
                () = live.stop.cancelled() => break,
                () = news => more = self.advance(),
                _ = health.changed() => {
                    let now: Vec<_> = health.borrow_and_update().away.keys().copied().collect();
                    if now != away {
                        away = now;
                        self.tell_status();
                    }
                }
                // an error: words were left out, this thread was held up for long
                Ok(said) = said.recv() => self.tell_said(&said),
                _ = drain.changed() => self.drain(*drain.borrow_and_update()),
                _ = tick.tick() => self.sweep(Instant::now()),
            }
        }
    }

    /// Gives live viewers the next piece of what the ring has for them; false when there is no more.
    fn advance(&self) -> bool {
        self.enter_if_new();
        let most = self.0.live.settings.outbox_bytes() / TURN_SHARE;
        let Some(Now { generation, .. }) = self.entered() else { return false };
        let position = self.0.position.get();
        match self.0.live.shared.after(generation, position, most) {
            Piece::Entries(entries, behind) => {
                for viewer in self.0.viewers.borrow().values().filter(|viewer| viewer.live.get()) {
                    for entry in &entries {
                        viewer.give(entry);
                    }
                }
                self.0.position.set(behind);
                behind > position
            }
            Piece::Lost => {
                // this thread was held up for long: each viewer goes on from its own place
                tracing::warn!(viewers = self.0.viewers.borrow().len(), "a hub fell behind the ring");
                self.0.position.set(self.0.live.shared.now().map_or(position, |now| now.last));
                self.feed_all(|viewer| viewer.live.get(), &Plan::Follow);
                false
            }
            Piece::Ended => true,
        }
    }

    /// When another epoch was entered: all viewers begin again.
    fn enter_if_new(&self) {
        let Some(now) = self.0.live.shared.now() else { return };
        if self.entered().is_some_and(|entered| entered.generation == now.generation) {
            return;
        }
        self.0.entered.set(Some(now));
        self.0.position.set(now.last);
        self.feed_all(|_| true, &Plan::Reset);
    }

    fn feed_all(&self, which: impl Fn(&Viewer) -> bool, plan: &Plan) {
        for viewer in self.0.viewers.borrow().values().filter(|viewer| !viewer.is_closed() && which(viewer)) {
            feed::spawn(self, viewer, plan.clone());
        }
    }

    fn tell_status(&self) {
        let status = json(&self.0.live.status());
        for viewer in self.0.viewers.borrow().values() {
            viewer.tell_status(status.clone());
        }
    }

    fn tell_said(&self, said: &ByteString) {
        for viewer in self.0.viewers.borrow().values() {
            viewer.tell_said(said.clone());
        }
    }

    fn sweep(&self, now: Instant) {
        let settings = &self.0.live.settings;
        let trouble = self.0.live.trouble();
        let mut bytes = 0;
        for viewer in self.0.viewers.borrow().values() {
            bytes += viewer.waiting_bytes();
            if viewer.closed_for(now).is_some_and(|closed| closed > LAST_WORD) {
                if let Some(socket) = viewer.socket.upgrade() {
                    socket.end();
                }
            } else if viewer.stalled_for(now).is_some_and(|stalled| stalled > settings.stall()) {
                viewer.send_away(End::too_slow(rand::random()));
            } else if viewer.next_heartbeat.get() <= now {
                viewer.next_heartbeat.set(now + settings.heartbeat());
                self.keep_in_step(viewer);
                if let Some(trouble) = &trouble {
                    viewer.tell_status(trouble.clone());
                }
                viewer.heartbeat();
            }
        }
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.0.live.metrics.outbox_bytes.inc_by(bytes - self.0.counted_bytes.replace(bytes));
    }

    /// A live viewer stands where its hub stands, though no entry was for it. One that is ahead came with a cursor of a
    /// faster replica, and is no longer ahead a heartbeat later, or its cursor was none.
    fn keep_in_step(&self, viewer: &Rc<Viewer>) {
        let position = self.0.position.get();
        let Some(now) = self.entered().filter(|_| viewer.live.get()) else { return };
        if viewer.position.get() < position {
            viewer.stands_at(position, Cursor { epoch: now.epoch, id: position }.to_string().into());
        }
        let ahead = viewer.position.get() > position && self.0.live.health.state().away.is_empty();
        if ahead && viewer.ahead.replace(ahead) {
            feed::spawn(self, viewer, Plan::Reset);
        }
        viewer.ahead.set(ahead);
    }

    /// Sends all viewers away, spread over `time`.
    fn drain(&self, time: Option<Duration>) {
        let Some(time) = time else { return };
        let viewers: Vec<_> = self.0.viewers.borrow().values().map(Rc::downgrade).collect();
        let pause = time.mul_f64(DRAIN_SHARE) / u32::try_from(viewers.len().max(1)).unwrap_or(u32::MAX);
        tokio::task::spawn_local(async move {
            for viewer in viewers {
                if let Some(viewer) = viewer.upgrade() {
                    viewer.send_away(End::drain(rand::random()));
                    drop(viewer);
                    tokio::time::sleep(pause).await;
                }
            }
        });
    }

    /// The viewer's connection is gone.
    pub(super) fn leave(&self, viewer: &Viewer) {
        viewer.set_feed(None);
        self.0.viewers.borrow_mut().remove(&viewer.id);
    }
}
