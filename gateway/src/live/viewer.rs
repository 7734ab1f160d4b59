//! One viewer: what it follows, where it is, and what waits for it.
//!
//! A viewer is *fed* (hello, snapshot or what it missed) until it stands where its hub stands; from then on it is *live*
//! and gets each entry as it comes. It lives in one HTTP worker and is never shared between threads.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Weak;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytestring::ByteString;
use schema::ProductId;
use schema::frames::{ErrorFrame, FrameType, GoingAway};
use tokio::task::AbortHandle;

use super::cursor::Cursor;
use super::frame::{Audience, Frame, json};
use super::interest::Interest;
use super::outbox::{End, Item, Outbox, Take};
use super::ring::Entry;
use super::socket::Socket;
use crate::redis::EntryId;

/// How a viewer is connected; the name is also the label of its metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// WebSocket.
    Ws,
    /// Server-sent events.
    Sse,
}

impl Transport {
    /// `ws` or `sse`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Sse => "sse",
        }
    }
}

/// The viewer was closed: nothing more is to be done for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

/// One viewer.
pub(super) struct Viewer {
    /// Names it within its hub; rises.
    pub(super) id: u64,
    /// Names it within its replica, as long as that lives.
    pub(super) number: u64,
    /// How it is connected.
    pub(super) transport: Transport,
    /// Its connection, to end it from outside.
    pub(super) socket: Weak<Socket>,
    /// What it follows.
    pub(super) interest: RefCell<Interest>,
    /// For what it was taken up at a cursor: of that it gets frames for [`Audience::Resumed`].
    pub(super) resumed: RefCell<Interest>,
    /// What it wants to follow besides, once it stands where its hub stands.
    pub(super) wanted: RefCell<Interest>,
    /// Versions that it was given from the stream's history: older news are not for it. Bounded where they are read.
    pub(super) floor: RefCell<HashMap<ProductId, i64>>,
    /// Entries up to here were given to it, or are not for it.
    pub(super) position: Cell<EntryId>,
    /// Whether it was given its hello, which comes first on every connection.
    pub(super) greeted: Cell<bool>,
    /// Whether it stands where its hub stands.
    pub(super) live: Cell<bool>,
    /// Its place as heartbeats tell it; none while a snapshot is on its way.
    pub(super) cursor: RefCell<Option<ByteString>>,
    /// The cursor that it came with.
    pub(super) came_with: Cell<Option<Cursor>>,
    /// Whether it stood ahead of its hub at the last heartbeat.
    pub(super) ahead: Cell<bool>,
    /// The task that feeds it.
    pub(super) feed: RefCell<Option<AbortHandle>>,
    /// When the next heartbeat is due.
    pub(super) next_heartbeat: Cell<Instant>,
    outbox: RefCell<Outbox>,
}

impl Viewer {
    /// A viewer that was given nothing yet.
    pub(super) fn new(
        (id, number): (u64, u64),
        transport: Transport,
        interest: Interest,
        socket: Weak<Socket>,
        outbox_bytes: usize,
        next_heartbeat: Instant,
    ) -> Self {
        Self {
            id,
            number,
            transport,
            socket,
            interest: RefCell::new(interest),
            resumed: RefCell::new(Interest::NONE),
            wanted: RefCell::new(Interest::NONE),
            floor: RefCell::default(),
            position: Cell::default(),
            greeted: Cell::new(false),
            live: Cell::new(false),
            cursor: RefCell::new(None),
            came_with: Cell::default(),
            ahead: Cell::new(false),
            feed: RefCell::new(None),
            next_heartbeat: Cell::new(next_heartbeat),
            outbox: RefCell::new(Outbox::new(outbox_bytes)),
        }
    }

    /// Gives it what it follows of `entry`; the last frame carries the cursor.
    pub(super) fn give(&self, entry: &Entry) {
        if entry.id <= self.position.get() {
            return;
        }
        let mut wanted = entry.frames.iter().filter(|frame| self.wants(frame)).peekable();
        while let Some(frame) = wanted.next() {
            let cursor = if wanted.peek().is_none() { Some(entry.cursor.clone()) } else { None };
            self.put(Item { kind: frame.kind, data: frame.data.clone(), cursor });
        }
        self.stands_at(entry.id, entry.cursor.clone());
    }

    /// It has all up to `place`.
    pub(super) fn stands_at(&self, place: EntryId, cursor: ByteString) {
        self.position.set(place);
        *self.cursor.borrow_mut() = Some(cursor);
    }

    /// Tells it something that has no place in the relay.
    pub(super) fn tell(&self, kind: FrameType, data: ByteString) {
        self.put(Item { kind, data, cursor: None });
    }

    /// Tells it that what it sent was refused.
    pub(super) fn refuse(&self, error: &ErrorFrame) {
        self.tell(FrameType::Error, json(error));
    }

    /// Tells it what is away; not before its hello, which says so, too.
    pub(super) fn tell_status(&self, status: ByteString) {
        if self.greeted.get() {
            self.tell(FrameType::Status, status);
        }
    }

    /// Tells it that the connection lives, and where it stands.
    pub(super) fn heartbeat(&self) {
        if !self.greeted.get() {
            return;
        }
        let cursor = self.cursor.borrow().clone();
        self.put(Item { kind: FrameType::Heartbeat, data: ByteString::from_static("{}"), cursor });
    }

    /// Tells it what another viewer said: not before its hello, and not when half of what may wait for it does: talk
    /// makes nobody too slow.
    pub(super) fn tell_said(&self, said: ByteString) {
        if self.greeted.get() && !self.outbox.borrow().is_half_full() {
            self.tell(FrameType::Said, said);
        }
    }

    /// Puts `item` in the outbox, or closes the viewer when it is too slow.
    pub(super) fn put(&self, item: Item) {
        let result = self.outbox.borrow_mut().put(item, Instant::now());
        if result.is_err() {
            self.send_away(End::too_slow(rand::random()));
        }
    }

    /// Ends the connection with a last word. Of a slow viewer what waits is dropped: it would take it too long.
    pub(super) fn send_away(&self, end: End) {
        let word = GoingAway { reconnect_after_ms: end.reconnect_after_ms, reason: end.reason.to_owned() };
        let word = Item { kind: FrameType::GoingAway, data: json(&word), cursor: None };
        let now = Instant::now();
        let mut outbox = self.outbox.borrow_mut();
        if end.drops_the_rest() {
            outbox.close(end, Some(word), now);
        } else {
            // a full outbox goes without the word
            let _ = outbox.put(word, now);
            outbox.close(end, None, now);
        }
    }

    /// Ends the connection without a word, once what waits was taken.
    pub(super) fn close(&self, end: End) {
        self.outbox.borrow_mut().close(end, None, Instant::now());
    }

    /// The next frame; `Err` holds how the connection ends.
    pub(super) fn poll_take(&self, cx: &Context<'_>) -> Poll<Result<Item, End>> {
        match self.outbox.borrow_mut().take(Instant::now(), cx.waker()) {
            Take::Item(item) => Poll::Ready(Ok(item)),
            Take::Wait => Poll::Pending,
            Take::End(end) => Poll::Ready(Err(end)),
        }
    }

    /// A new turn of its transport, which may take about `bytes`.
    pub(super) fn allow(&self, bytes: usize) {
        self.outbox.borrow_mut().allow(bytes);
    }

    /// Waits until it has room for the next piece.
    pub(super) async fn room(&self) -> Result<(), Closed> {
        poll_fn(
            |cx| {
                if self.outbox.borrow_mut().poll_room(cx.waker()) { Poll::Ready(()) } else { Poll::Pending }
            },
        )
        .await;
        if self.is_closed() { Err(Closed) } else { Ok(()) }
    }

    /// Whether its connection ends.
    pub(super) fn is_closed(&self) -> bool {
        self.outbox.borrow().end().is_some()
    }

    /// How it was closed.
    pub(super) fn end(&self) -> Option<End> {
        self.outbox.borrow().end()
    }

    /// How long it has been closed.
    pub(super) fn closed_for(&self, now: Instant) -> Option<Duration> {
        self.outbox.borrow().closed_for(now)
    }

    /// How long it has taken nothing although something waits.
    pub(super) fn stalled_for(&self, now: Instant) -> Option<Duration> {
        self.outbox.borrow().stalled_for(now)
    }

    /// Bytes that wait for it.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.outbox.borrow().bytes()
    }

    /// Feeds it by another task from now on; the one before stops.
    pub(super) fn set_feed(&self, task: Option<AbortHandle>) {
        let before = std::mem::replace(&mut *self.feed.borrow_mut(), task);
        if let Some(before) = before {
            before.abort();
        }
    }

    /// What it wants to follow besides; it is taken up now.
    pub(super) fn take_wanted(&self) -> Interest {
        self.wanted.replace(Interest::NONE)
    }

    fn wants(&self, frame: &Frame) -> bool {
        let Some(id) = frame.product_id else {
            // who began with a snapshot has it already
            return frame.audience == Audience::All || *self.resumed.borrow() != Interest::NONE;
        };
        let is_news = || {
            let above_floor = || self.floor.borrow().get(&id).is_none_or(|floor| frame.version > *floor);
            self.resumed.borrow().has(id) && (frame.version == 0 || above_floor())
        };
        self.interest.borrow().has(id) && (frame.audience == Audience::All || is_news())
    }
}
