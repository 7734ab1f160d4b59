//! What a WebSocket client sends, handed to the decoder one frame at a time, and none that is too long.
//!
//! The decoder knows a limit, too, but looks at it once a frame is whole: a client that announces an endless frame, or
//! sends small ones faster than they are read, would fill our memory first. So the length is read here, where a frame
//! begins, and what the decoder has not asked for stays in the connection, which then slows its client down.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;

/// Longest head of a frame, bytes (RFC 6455 §5.2): two, a length of eight, a mask of four.
const HEAD: usize = 14;

/// Whether the client has begun a frame that is too long.
pub(super) type Oversized = Rc<Cell<bool>>;

/// The bytes of `from`, at most one frame's at a time; an error where a frame begins that is too long.
pub(super) struct Inbound<S> {
    from: S,
    /// Read from the connection, not yet handed on.
    rest: Bytes,
    place: Place,
    limit: u64,
    /// Whether the last look was answered: the decoder reads what it was given before it gets more.
    given: bool,
    oversized: Oversized,
}

/// Where in a frame the next byte stands.
enum Place {
    /// In its head, of which these are known.
    Head([u8; HEAD], usize),
    /// In its payload, of which so many bytes are still to come.
    Payload(u64),
}

impl<S> Inbound<S> {
    /// Of `from`, with payloads up to `limit` bytes.
    pub(super) fn new(from: S, limit: usize) -> (Self, Oversized) {
        let oversized = Oversized::default();
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let place = Place::Head([0; HEAD], 0);
        let new =
            Self { from, rest: Bytes::new(), place, limit, given: false, oversized: Rc::clone(&oversized) };
        (new, oversized)
    }

    /// How many bytes of `rest` belong to the frame that it begins with, or goes on with.
    fn of_this_frame(&mut self) -> usize {
        let mut taken = 0;
        for byte in &self.rest {
            let Place::Head(head, known) = &mut self.place else { break };
            if let Some(place) = head.get_mut(*known) {
                *place = *byte;
            }
            (*known, taken) = (*known + 1, taken + 1);
            if let Some(length) = length(head.get(..*known).unwrap_or_default()) {
                self.oversized.set(length > self.limit);
                self.place = Place::Payload(length);
            }
        }
        if let Place::Payload(left) = &mut self.place {
            let here = usize::try_from(*left).unwrap_or(usize::MAX).min(self.rest.len() - taken);
            (*left, taken) = (*left - here as u64, taken + here);
            if *left == 0 {
                self.place = Place::Head([0; HEAD], 0);
            }
        }
        taken
    }
}

/// The length of the payload, once `head` is whole.
fn length(head: &[u8]) -> Option<u64> {
    let second = *head.get(1)?;
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
    let (head_bytes, length) = match second & 0x7F {
        126 => (4, number(head.get(2..4)?)),
        127 => (10, number(head.get(2..10)?)),
        short => (2, u64::from(short)),
    };
    (head.len() >= head_bytes + mask).then_some(length)
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Stream for Inbound<S> {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while this.oversized.get() {
            // read and thrown away until the connection ends: unread bytes would reset it before the last word arrived
            if ready!(Pin::new(&mut this.from).poll_next(cx)).is_none_or(|bytes| bytes.is_err()) {
                return Poll::Ready(None);
            }
        }
        if std::mem::take(&mut this.given) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while this.rest.is_empty() {
            match ready!(Pin::new(&mut this.from).poll_next(cx)) {
                Some(Ok(bytes)) => this.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        let bytes = this.of_this_frame();
        if this.oversized.get() {
            this.rest.clear();
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        this.given = true;
        Poll::Ready(Some(Ok(this.rest.split_to(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _, stream};

    use super::*;

    /// A masked text frame.
    fn frame(length: usize) -> Vec<u8> {
        let bytes = (length as u64).to_be_bytes();
        let head = match length {
            0..126 => vec![0x80 | bytes[7]],
            126..65_536 => [&[0xFE], &bytes[6..]].concat(),
            _ => [&[0xFF], &bytes[..]].concat(),
        };
        [&[0x81], &head[..], &vec![7; 4 + length]].concat()
    }

    /// What the decoder is given, piece by piece, of `sent` in chunks of `chunk` bytes; the looks that were told to wait.
    fn handed(sent: &[u8], chunk: usize, limit: usize) -> (Vec<Vec<u8>>, bool, usize) {
        let chunks = sent.chunks(chunk).map(|c| Ok(Bytes::copy_from_slice(c))).collect::<Vec<_>>();
        let (mut inbound, oversized) = Inbound::new(stream::iter(chunks), limit);
        let (mut pieces, mut waits) = (Vec::new(), 0);
        loop {
            match inbound.next().now_or_never() {
                None => waits += 1,
                Some(Some(Ok(piece))) => pieces.push(piece.to_vec()),
                Some(Some(Err(_))) => assert!(oversized.get()),
                Some(None) => return (pieces, oversized.get(), waits),
            }
        }
    }

    #[test]
    fn frames_come_one_at_a_time() {
        let frames = [0, 1, 125, 126, 200, 65_535, 65_536].map(frame);
        for chunk in [1, 2, 3, 100, usize::MAX] {
            let (pieces, oversized, waits) = handed(&frames.concat(), chunk, 65_536);
            assert!(!oversized && pieces.concat() == frames.concat(), "{chunk}");
            assert_eq!(waits, pieces.len(), "the decoder is asked to read each before the next");
            if chunk == usize::MAX {
                assert_eq!(pieces, frames);
            }
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_known_by_its_head() {
        let head: Vec<u8> = [&[0x81, 0xFF][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
        for chunk in [1, 5, usize::MAX] {
            let (pieces, oversized, _) = handed(&[frame(3), head.clone(), frame(3)].concat(), chunk, 100);
            assert!(oversized);
            assert!(pieces.concat().len() < frame(3).len() + HEAD, "nothing behind it is handed on");
        }
        assert!(handed(&frame(101), 7, 100).1);
        assert!(!handed(&frame(100), 7, 100).1);
    }
}
