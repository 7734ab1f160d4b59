//! The ring: the relay's most recent entries, so that hubs and returning viewers need not ask Redis.
//!
//! Bounded in bytes; the oldest go first. It knows from where on it is whole: a place before that must be caught up from
//! the stream. Entries in which nothing is for anybody take no room and yet move the ring's end.

use std::collections::VecDeque;
use std::sync::Arc;

use bytestring::ByteString;

use super::frame::Frame;
use crate::redis::EntryId;

/// Memory of an entry beside its frames, bytes.
const OVERHEAD_BYTES: usize = 160;

/// One relay entry as viewers get it.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its place.
    pub(super) id: EntryId,
    /// Its place as viewers name it.
    pub(super) cursor: ByteString,
    /// Its frames, in order.
    pub(super) frames: Vec<Frame>,
}

impl Entry {
    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        OVERHEAD_BYTES + self.frames.iter().map(Frame::bytes).sum::<usize>()
    }
}

/// Recent entries of one epoch's stream.
#[derive(Debug)]
pub(super) struct Ring {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    /// Bytes that ever came in.
    total: u64,
    /// Most bytes kept, the newest entry aside.
    limit: usize,
    /// Everything after this entry is here.
    base: EntryId,
    /// The newest entry that was read, kept or not.
    last: EntryId,
}

impl Ring {
    /// An empty ring that begins behind `base`.
    pub(super) const fn new(base: EntryId, limit: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, total: 0, limit, base, last: base }
    }

    /// Takes the next entry.
    pub(super) fn push(&mut self, entry: Entry) {
        self.last = entry.id;
        if entry.frames.is_empty() {
            return;
        }
        let bytes = entry.bytes();
        self.bytes += bytes;
        self.total += bytes as u64;
        self.entries.push_back(Arc::new(entry));
        while self.bytes > self.limit && self.entries.len() > 1 {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.bytes();
            self.base = oldest.id;
        }
    }

    /// Whether everything after `place` is here.
    pub(super) fn reaches(&self, place: EntryId) -> bool {
        place >= self.base
    }

    /// Entries after `place`, oldest first, up to about `most_bytes` (at least one); and the place behind them.
    /// `None`: the ring does not reach back that far.
    pub(super) fn after(&self, place: EntryId, most_bytes: usize) -> Option<(Vec<Arc<Entry>>, EntryId)> {
        if !self.reaches(place) {
            return None;
        }
        let mut bytes = 0;
        let mut taken = Vec::new();
        for entry in self.newer(place) {
            if bytes >= most_bytes {
                let behind = taken.last().map_or(place, |entry: &Arc<Entry>| entry.id);
                return Some((taken, behind));
            }
            bytes += entry.bytes();
            taken.push(Arc::clone(entry));
        }
        Some((taken, self.last.max(place)))
    }

    /// How many entries lie after `place`.
    pub(super) fn count_after(&self, place: EntryId) -> usize {
        self.newer(place).count()
    }

    /// The place of the newest entry.
    pub(super) const fn last(&self) -> EntryId {
        self.last
    }

    /// What it takes in memory, about.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that ever came in: the difference of two readings is what came between them.
    pub(super) const fn total_bytes(&self) -> u64 {
        self.total
    }

    fn newer(&self, place: EntryId) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.range(self.entries.partition_point(|entry| entry.id <= place)..)
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Audience;
    use super::*;

    fn id(ms: u64) -> EntryId {
        EntryId { ms, seq: 0 }
    }

    fn entry(ms: u64, frames: usize) -> Entry {
        let frame = Frame {
            kind: schema::frames::FrameType::Gap,
            product_id: None,
            version: 0,
            audience: Audience::All,
            data: "{}".into(),
        };
        Entry { id: id(ms), cursor: "c".into(), frames: vec![frame; frames] }
    }

    fn places(ring: &Ring, after: u64, most: usize) -> Option<(Vec<u64>, u64)> {
        ring.after(id(after), most)
            .map(|(entries, behind)| (entries.iter().map(|e| e.id.ms).collect(), behind.ms))
    }

    #[test]
    fn it_gives_what_comes_after_a_place() {
        let mut ring = Ring::new(id(10), usize::MAX);
        for (ms, frames) in [(11, 1), (12, 2), (13, 0), (14, 1), (15, 0)] {
            ring.push(entry(ms, frames));
        }
        assert_eq!(places(&ring, 10, usize::MAX), Some((vec![11, 12, 14], 15)));
        assert_eq!(places(&ring, 12, usize::MAX), Some((vec![14], 15)));
        assert_eq!(places(&ring, 13, usize::MAX), Some((vec![14], 15)));
        assert_eq!(places(&ring, 11, 1), Some((vec![12], 12)), "a piece ends behind its last entry");
        assert_eq!(places(&ring, 15, usize::MAX), Some((vec![], 15)));
        assert_eq!(places(&ring, 99, usize::MAX), Some((vec![], 99)), "a place ahead stays where it is");
        assert_eq!(places(&ring, 9, usize::MAX), None);
        assert_eq!(ring.count_after(id(11)), 2);
    }

    #[test]
    fn the_oldest_make_room_and_the_ring_knows_it() {
        let mut ring = Ring::new(id(10), entry(0, 1).bytes() * 2);
        for ms in 11..=14 {
            ring.push(entry(ms, 1));
        }
        assert_eq!(places(&ring, 12, usize::MAX), Some((vec![13, 14], 14)));
        assert_eq!(places(&ring, 11, usize::MAX), None);
        assert_eq!(ring.bytes(), entry(0, 1).bytes() * 2);
        ring.push(entry(15, 100));
        assert_eq!(
            places(&ring, 14, usize::MAX),
            Some((vec![15], 15)),
            "an entry above the limit is kept alone"
        );
        assert!(!ring.reaches(id(13)));
    }
}
