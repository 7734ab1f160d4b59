//! Standing aside: leaving the consumer groups for a while, when other replicas can do what this one can't.
//!
//! While Redis is away for all, everybody writes on without it. A replica that is cut off from it alone must not: each of
//! its batches would end the epoch that the others have just begun, and all viewers would get a snapshot every few
//! seconds. Out of the groups it disturbs nobody, and its partitions are served by replicas that can relay them. It comes
//! back by itself, should the others have gone; when it finds Redis still out of reach, it stands aside for longer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The first time aside.
const FIRST: Duration = Duration::from_secs(15);
/// The longest one: for so long nobody consumes, should all others end meanwhile.
const LONGEST: Duration = Duration::from_secs(60);

/// Whether this replica stands aside; clones share it.
#[derive(Debug, Clone)]
pub struct Aside(Arc<Mutex<Times>>);

#[derive(Debug)]
struct Times {
    until: Option<Instant>,
    next: Duration,
}

impl Default for Aside {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Times { until: None, next: FIRST })))
    }
}

impl Aside {
    /// Stands aside from `now` on, unless it does already.
    pub fn stand(&self, now: Instant) {
        let mut times = self.times();
        if times.until.is_none_or(|until| until <= now) {
            tracing::warn!(
                for_s = times.next.as_secs(),
                "Redis is out of reach from here alone: standing aside"
            );
            times.until = Some(now + times.next);
            times.next = (times.next * 2).min(LONGEST);
        }
    }

    /// Redis is within reach: the next time aside is the first again.
    pub fn settle(&self) {
        self.times().next = FIRST;
    }

    /// Whether this replica should be out of its groups.
    pub fn is_on(&self, now: Instant) -> bool {
        self.times().until.is_some_and(|until| now < until)
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_aside_is_longer_until_it_helped() {
        let (aside, start) = (Aside::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!aside.is_on(start));
        aside.stand(start);
        aside.stand(at(1));
        assert!(aside.is_on(at(14)) && !aside.is_on(at(15)), "the second word changes nothing");
        aside.stand(at(20));
        assert!(aside.is_on(at(49)) && !aside.is_on(at(50)));
        aside.settle();
        aside.stand(at(60));
        assert!(!aside.is_on(at(75)));
    }
}
