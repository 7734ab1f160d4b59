//! How often a total is written: soon after a quiet time, and not for every single rating of a flood.
//!
//! What comes meanwhile gathers into the next batch, so a subject that thousands rate has a few writes and frames a
//! second, each with the newest total. A backlog is not slowed down.

use std::time::Duration;

use tokio::time::Instant;

/// Shortest time between the starts of two batches that are not full: at most ten frames a second and subject.
const BETWEEN: Duration = Duration::from_millis(100);

/// When the last batch started.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Instant>,
}

impl Pace {
    /// When a batch of `records`, at most `most`, may start. Asked for again after the work on it was dropped, it does
    /// not wait a second time.
    pub(super) fn next(&mut self, records: usize, most: usize, now: Instant) -> Instant {
        let start = match self.last {
            // (a batch may also be full in bytes; ratings are small)
            Some(last) if records < most / 2 => now.max(last + BETWEEN),
            _ => now,
        };
        self.last = Some(start);
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_is_paced_and_a_backlog_is_not() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let at = |ms| now + Duration::from_millis(ms);
        assert_eq!(pace.next(1, 1000, at(0)), at(0), "the first one waits for nothing");
        assert_eq!(pace.next(1, 1000, at(10)), at(100));
        assert_eq!(pace.next(1, 1000, at(350)), at(350), "a quiet time has passed");
        assert_eq!(pace.next(1000, 1000, at(360)), at(360));
    }
}
