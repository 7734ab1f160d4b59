//! What all tests need: a topic of their own, a running generator, and what stands on the topic afterwards.

mod process;
mod topic;
mod wire;

use std::time::{Duration, Instant};

pub(crate) use process::Generator;
pub(crate) use topic::{Stored, Topic};
pub(crate) use wire::Wire;

/// Longest time that anything here may take: seconds on a quiet machine, more on one that compiles beside the tests.
pub(crate) const DEADLINE: Duration = Duration::from_secs(180);

/// Waits until `done` says so.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < DEADLINE, "{what} did not happen within {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
