//! What waits for one viewer, bounded in bytes.
//!
//! Whoever has news puts it in; the viewer's transport takes it out, and only when its connection has room, so that what
//! waits here is all that a slow viewer costs. When more waits than the bound, the outbox is closed as too slow: what
//! waited is dropped, for it will be resumed from its cursor, and a last word takes its place.
//!
//! Time comes in as an argument. Not shared between threads: a viewer lives in its HTTP worker.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use schema::frames::FrameType;

use super::frame::OVERHEAD_BYTES;
use crate::drill::{self, Bug};

/// Room for the next piece of a snapshot or of history: this share of the bound, so that a live frame that comes
/// between finds room, too.
const LOW_WATER_SHARE: usize = 4;

/// One frame for one viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Its name.
    pub(super) kind: FrameType,
    /// Its data, JSON.
    pub(super) data: ByteString,
    /// The viewer's place once it has this frame.
    pub(super) cursor: Option<ByteString>,
}

impl Item {
    fn bytes(&self) -> usize {
        self.data.len() + OVERHEAD_BYTES
    }
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// `drain`, `too_slow`, `not_ready`, `full`, `gone`, `misuse` or `too_large`.
    pub(super) reason: &'static str,
    /// When to come back, milliseconds.
    pub(super) reconnect_after_ms: u64,
}

impl End {
    /// More waits than may; `random` in 0..1 spreads the returns, as below.
    pub(super) fn too_slow(random: f64) -> Self {
        Self::after("too_slow", 1_000, random)
    }

    /// The replica stops.
    pub(super) fn drain(random: f64) -> Self {
        Self::after("drain", 0, random)
    }

    /// The replica can't serve viewers yet.
    pub(super) fn not_ready(random: f64) -> Self {
        Self::after("not_ready", 500, random)
    }

    /// The replica has as many viewers as it may have.
    pub(super) fn full(random: f64) -> Self {
        Self::after("full", 4_000, random)
    }

    /// The client does not answer, or has gone.
    pub(super) const GONE: Self = Self { reason: "gone", reconnect_after_ms: 0 };

    /// The client breaks the rules.
    pub(super) fn misuse(random: f64) -> Self {
        Self::after("misuse", 10_000, random)
    }

    /// The client sends a longer message than it may.
    pub(super) fn too_large(random: f64) -> Self {
        Self::after("too_large", 10_000, random)
    }

    /// Whether what waits is dropped.
    pub(super) fn drops_the_rest(&self) -> bool {
        self.reason == "too_slow"
    }

    /// From `least_ms` to twice that and a second more.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number from 0 to least_ms + 1000"
    )]
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    fn after(reason: &'static str, least_ms: u64, random: f64) -> Self {
        let spread = (least_ms + 1_000) as f64 * random.clamp(0.0, 1.0);
        Self { reason, reconnect_after_ms: least_ms + spread as u64 }
    }
}

/// More waited than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooSlow;

/// Frames that wait for one viewer.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: VecDeque<Item>,
    bytes: usize,
    /// Most bytes that may wait before another frame is put in.
    limit: usize,
    /// Since when something waits and nothing was taken.
    waits_since: Option<Instant>,
    /// When and how it was closed.
    end: Option<(Instant, End)>,
    /// Bytes that the transport may still take in this turn.
    allowance: usize,
    /// Woken when there is something to take.
    taker: Option<Waker>,
    /// Woken when there is room.
    feeder: Option<Waker>,
}

/// What the transport finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// The next frame.
    Item(Item),
    /// Nothing now.
    Wait,
    /// Nothing any more.
    End(End),
}

impl Outbox {
    /// An empty one.
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            limit,
            waits_since: None,
            end: None,
            allowance: usize::MAX,
            taker: None,
            feeder: None,
        }
    }

    /// Puts a frame in. A closed outbox swallows it.
    pub(super) fn put(&mut self, item: Item, now: Instant) -> Result<(), TooSlow> {
        let dropped = item.kind == FrameType::ProductChanged && drill::planted(Bug::DropFromOutbox);
        if self.end.is_some() || dropped {
            return Ok(());
        }
        if self.bytes > self.limit {
            return Err(TooSlow);
        }
        self.add(item, now);
        Ok(())
    }

    /// Takes nothing more in, and ends once the rest was taken. With `last` the rest is dropped in favour of that word.
    pub(super) fn close(&mut self, end: End, last: Option<Item>, now: Instant) {
        if self.end.is_some() {
            return;
        }
        if let Some(last) = last {
            self.queue.clear();
            self.bytes = 0;
            self.add(last, now);
        }
        self.end = Some((now, end));
        wake(&mut self.taker);
        wake(&mut self.feeder);
    }

    /// A new turn: the transport may take about `bytes`. What it can't take, it is asked for again when it has room.
    pub(super) const fn allow(&mut self, bytes: usize) {
        self.allowance = bytes;
    }

    /// The next frame, if the transport may take one; else `waker` is kept.
    pub(super) fn take(&mut self, now: Instant, waker: &Waker) -> Take {
        if self.allowance > 0
            && let Some(item) = self.queue.pop_front()
        {
            self.bytes -= item.bytes();
            self.allowance = self.allowance.saturating_sub(item.bytes());
            self.waits_since = if self.queue.is_empty() { None } else { Some(now) };
            if self.has_room() {
                wake(&mut self.feeder);
            }
            return Take::Item(item);
        }
        match self.end {
            Some((_, end)) if self.queue.is_empty() => Take::End(end),
            _ => {
                self.taker = Some(waker.clone());
                Take::Wait
            }
        }
    }

    /// Whether the next piece of a snapshot or of history should come; else `waker` is kept.
    pub(super) fn poll_room(&mut self, waker: &Waker) -> bool {
        let room = self.has_room();
        if !room {
            self.feeder = Some(waker.clone());
        }
        room
    }

    /// How it was closed.
    pub(super) fn end(&self) -> Option<End> {
        self.end.map(|(_, end)| end)
    }

    /// Whether half of what may wait does.
    pub(super) fn is_half_full(&self) -> bool {
        self.bytes > self.limit / 2
    }

    /// How long it has been closed.
    pub(super) fn closed_for(&self, now: Instant) -> Option<Duration> {
        self.end.map(|(at, _)| now.saturating_duration_since(at))
    }

    /// How long something has waited without anything being taken.
    pub(super) fn stalled_for(&self, now: Instant) -> Option<Duration> {
        self.waits_since.map(|since| now.saturating_duration_since(since))
    }

    /// Bytes that wait.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn has_room(&self) -> bool {
        self.end.is_some() || self.bytes <= self.limit / LOW_WATER_SHARE
    }

    fn add(&mut self, item: Item, now: Instant) {
        self.bytes += item.bytes();
        self.queue.push_back(item);
        self.waits_since.get_or_insert(now);
        wake(&mut self.taker);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: End = End { reason: "too_slow", reconnect_after_ms: 1 };

    fn item(text: &'static str) -> Item {
        Item { kind: FrameType::Gap, data: text.into(), cursor: None }
    }

    fn take(outbox: &mut Outbox, now: Instant) -> Take {
        outbox.take(now, Waker::noop())
    }

    #[test]
    fn frames_come_out_in_order_and_are_counted() {
        let now = Instant::now();
        let mut outbox = Outbox::new(1000);
        outbox.put(item("1"), now).unwrap();
        outbox.put(item("2"), now).unwrap();
        assert_eq!(outbox.bytes(), 2 * (OVERHEAD_BYTES + 1));
        assert_eq!(take(&mut outbox, now), Take::Item(item("1")));
        assert_eq!(take(&mut outbox, now), Take::Item(item("2")));
        assert_eq!(take(&mut outbox, now), Take::Wait);
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn more_than_the_bound_is_too_slow_and_leaves_a_last_word() {
        let now = Instant::now();
        let mut outbox = Outbox::new(OVERHEAD_BYTES);
        outbox.put(item("1"), now).unwrap();
        assert_eq!(outbox.put(item("2"), now), Err(TooSlow));
        outbox.close(END, Some(item("bye")), now);
        outbox.put(item("3"), now).unwrap();
        assert_eq!(take(&mut outbox, now), Take::Item(item("bye")));
        assert_eq!(take(&mut outbox, now), Take::End(END));
        assert_eq!(outbox.closed_for(now + Duration::from_secs(2)), Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_close_without_a_last_word_lets_the_rest_out() {
        let now = Instant::now();
        let mut outbox = Outbox::new(1000);
        outbox.put(item("1"), now).unwrap();
        outbox.close(END, None, now);
        assert_eq!(take(&mut outbox, now), Take::Item(item("1")));
        assert_eq!(take(&mut outbox, now), Take::End(END));
    }

    #[test]
    fn a_turn_takes_no_more_than_its_allowance() {
        let now = Instant::now();
        let mut outbox = Outbox::new(1000);
        for _ in 0..3 {
            outbox.put(item("1"), now).unwrap();
        }
        outbox.allow(OVERHEAD_BYTES + 2);
        assert!(matches!(take(&mut outbox, now), Take::Item(_)));
        assert!(matches!(take(&mut outbox, now), Take::Item(_)));
        assert_eq!(take(&mut outbox, now), Take::Wait);
        outbox.allow(1);
        assert!(matches!(take(&mut outbox, now), Take::Item(_)));
    }

    #[test]
    fn a_viewer_that_takes_nothing_is_noticed() {
        let start = Instant::now();
        let later = start + Duration::from_secs(30);
        let mut outbox = Outbox::new(1000);
        assert_eq!(outbox.stalled_for(later), None, "nothing waits");
        outbox.put(item("1"), start).unwrap();
        outbox.put(item("2"), later).unwrap();
        assert_eq!(outbox.stalled_for(later), Some(Duration::from_secs(30)));
        take(&mut outbox, later);
        assert_eq!(outbox.stalled_for(later), Some(Duration::ZERO), "it takes, if slowly");
    }

    #[test]
    fn room_is_told_at_a_quarter() {
        let now = Instant::now();
        let mut outbox = Outbox::new(4 * OVERHEAD_BYTES);
        assert!(outbox.poll_room(Waker::noop()));
        outbox.put(item("12"), now).unwrap();
        assert!(!outbox.poll_room(Waker::noop()));
        take(&mut outbox, now);
        assert!(outbox.poll_room(Waker::noop()));
    }
}
