//! How often somebody may do something: so many times within any second, or any minute.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// When it was done last; takes no memory until it is done the first time.
#[derive(Debug)]
pub(super) struct Quota {
    done: VecDeque<Instant>,
    most: usize,
    within: Duration,
}

impl Quota {
    /// At most `most` times within any second.
    pub(super) fn a_second(most: usize) -> Self {
        Self { done: VecDeque::new(), most, within: Duration::from_secs(1) }
    }

    /// At most `most` times within any minute.
    pub(super) fn a_minute(most: usize) -> Self {
        Self { within: Duration::from_secs(60), ..Self::a_second(most) }
    }

    /// Whether it may be done once more; then that is counted.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.done.len() >= self.most {
            if self.done.front().is_some_and(|first| now.saturating_duration_since(*first) < self.within) {
                return false;
            }
            self.done.pop_front();
        }
        self.done.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_than_the_quota() {
        let (mut quota, start) = (Quota::a_second(5), Instant::now());
        let taken: Vec<u64> =
            (0..3_000).filter(|ms| quota.take(start + Duration::from_millis(*ms))).collect();
        assert_eq!(taken.len(), 15);
        assert!(taken.windows(6).all(|six| six[5] - six[0] >= 1_000), "{taken:?}");
        assert!(quota.take(start + Duration::from_secs(9)), "who waits may go on");
        let mut quota = Quota::a_minute(2);
        let taken: Vec<bool> =
            [0, 1, 59, 60, 60, 61].map(|s| quota.take(start + Duration::from_secs(s))).into();
        assert_eq!(taken, [true, true, false, true, false, true]);
    }
}
