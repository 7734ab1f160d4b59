//! Tells when a topic that others may still write to has been read to its end.
//!
//! The end is where nothing of ours came for a while *and* every partition was read up to an end offset that
//! the broker named after that. Asking the broker again matters: silence alone is also what a broker that is away
//! sounds like. Changes of other shards may keep arriving; they do not count, else a second generator could never
//! start. The pause catches what a generator that was just stopped still had on its way.

use std::time::{Duration, Instant};

/// The ends of one partition.
#[derive(Debug, Clone, Copy, Default)]
struct Partition {
    /// The offset that will be read next.
    next: i64,
    /// The end offset, as the broker said last.
    end: i64,
    /// The end offset that it said before.
    end_before: Option<i64>,
    /// The client read up to an end, and nothing came since.
    drained: bool,
}

/// How far a topic is read.
#[derive(Debug)]
pub(super) struct Ends {
    partitions: Vec<Partition>,
    /// How long nothing of ours may have come.
    still: Duration,
    /// When something of ours came last; at first, the start.
    ours: Instant,
    asked: Option<Instant>,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Read on.
    Read,
    /// Ask the broker for its end offsets.
    Ask,
    /// All is read.
    Done,
}

impl Ends {
    /// How often to ask while there is something to read: an end that never comes nearer may have moved.
    const ASK_AGAIN: Duration = Duration::from_secs(1);

    /// `next`: the offset that each partition was read up to before.
    pub(super) fn new(next: Vec<i64>, still: Duration, now: Instant) -> Self {
        let partitions = next.into_iter().map(|next| Partition { next, ..Partition::default() }).collect();
        Self { partitions, still, ours: now, asked: None }
    }

    /// A record of `partition` came; `ours` says whether it is of our products.
    pub(super) fn read(&mut self, partition: usize, offset: i64, ours: bool, now: Instant) {
        if let Some(p) = self.partitions.get_mut(partition) {
            p.next = offset + 1;
            p.drained = false;
        }
        if ours {
            self.ours = now;
        }
    }

    /// The client reached the end of `partition`.
    pub(super) fn drained(&mut self, partition: usize) {
        if let Some(p) = self.partitions.get_mut(partition) {
            p.drained = true;
        }
    }

    /// The broker said (first, end) of each partition, being asked at `now`.
    pub(super) fn told(&mut self, offsets: &[(i64, i64)], now: Instant) {
        for (p, (first, end)) in self.partitions.iter_mut().zip(offsets) {
            p.end_before = self.asked.map(|_| p.end);
            p.end = *end;
            // what was deleted or compacted away at the beginning needs no reading
            p.next = p.next.max(*first);
        }
        self.asked = Some(now);
    }

    /// Records left to read, at most; what is compacted away counts too.
    pub(super) fn left(&self) -> i64 {
        self.partitions.iter().map(|p| (p.end - p.next).max(0)).sum()
    }

    pub(super) fn next(&self, now: Instant) -> Next {
        let Some(asked) = self.asked else { return Next::Ask };
        if !self.partitions.iter().all(Partition::is_read) {
            return if now.saturating_duration_since(asked) > Self::ASK_AGAIN {
                Next::Ask
            } else {
                Next::Read
            };
        }
        if asked >= self.ours + self.still {
            Next::Done
        } else if now >= self.ours + self.still {
            Next::Ask
        } else {
            Next::Read
        }
    }
}

impl Partition {
    /// Up to the end; or, where no record stands before the end (a transaction's marker), the client says that it is
    /// there, and the end stood still between two answers.
    fn is_read(&self) -> bool {
        self.next >= self.end || (self.drained && self.end_before == Some(self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STILL: Duration = Duration::from_secs(1);

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn an_empty_topic_is_read_after_the_pause_and_a_second_answer() {
        let start = Instant::now();
        let mut ends = Ends::new(vec![0; 2], STILL, start);
        assert_eq!(ends.next(start), Next::Ask);
        ends.told(&[(0, 0), (0, 0)], start);
        assert_eq!(ends.next(at(start, 500)), Next::Read);
        assert_eq!(ends.next(at(start, 1000)), Next::Ask);
        ends.told(&[(0, 0), (0, 0)], at(start, 1000));
        assert_eq!(ends.next(at(start, 1001)), Next::Done);
    }

    #[test]
    fn a_late_record_of_ours_starts_the_pause_again() {
        let start = Instant::now();
        let mut ends = Ends::new(vec![0], STILL, start);
        ends.told(&[(0, 1)], start);
        ends.read(0, 0, true, at(start, 10));
        ends.told(&[(0, 1)], at(start, 900));
        ends.read(0, 1, true, at(start, 990));
        assert_eq!(ends.next(at(start, 1100)), Next::Read);
        assert_eq!(ends.next(at(start, 1990)), Next::Ask);
        ends.told(&[(0, 2)], at(start, 1990));
        assert_eq!(ends.next(at(start, 1990)), Next::Done);
    }

    #[test]
    fn changes_of_other_shards_do_not_hold_it_up() {
        let start = Instant::now();
        let mut ends = Ends::new(vec![0], STILL, start);
        ends.told(&[(0, 5)], start);
        (0..200).for_each(|offset| ends.read(0, offset, false, at(start, offset.unsigned_abs() * 5)));
        ends.told(&[(0, 201)], at(start, 1000));
        assert_eq!(ends.next(at(start, 1000)), Next::Read, "one record is not read yet");
        ends.read(0, 200, false, at(start, 1004));
        assert_eq!(ends.next(at(start, 1004)), Next::Done);
    }

    #[test]
    fn silence_without_an_answer_is_no_end() {
        let start = Instant::now();
        let mut ends = Ends::new(vec![0], STILL, start);
        ends.told(&[(0, 3)], start);
        ends.drained(0);
        assert_eq!(ends.next(at(start, 60_000)), Next::Ask);
    }

    #[test]
    fn an_end_without_a_record_is_an_end_when_it_stands_still() {
        let start = Instant::now();
        let mut ends = Ends::new(vec![0], STILL, start);
        ends.told(&[(0, 2)], start);
        ends.read(0, 0, true, start);
        ends.drained(0);
        ends.told(&[(0, 2)], at(start, 1001));
        assert_eq!(ends.next(at(start, 1002)), Next::Done);
    }

    #[test]
    fn without_a_pause_the_first_answer_is_the_end() {
        let start = Instant::now();
        let mut ends = Ends::new(vec![0], Duration::ZERO, start);
        ends.told(&[(0, 1)], start);
        assert_eq!(ends.next(start), Next::Read);
        ends.read(0, 0, false, at(start, 1));
        assert_eq!(ends.next(at(start, 1)), Next::Done);
    }
}
