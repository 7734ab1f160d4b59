//! The wish to stop, passed as a value from the signals to the loops.
//!
//! The first SIGTERM or SIGINT asks: no new changes, but what is in flight is flushed. A second one says that even the
//! flush should end. The loops look at it between two steps, at most [`crate::produce::SLICE`] apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// A handle to the wish; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicU8>);

impl Stop {
    /// Asks, or when it was asked already, hurries.
    pub fn ask(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether no new change should begin.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// Whether even waiting for acknowledgements should end.
    pub fn hurried(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_wish_hurries() {
        let stop = Stop::default();
        let seen_elsewhere = stop.clone();
        stop.ask();
        assert!(seen_elsewhere.asked() && !seen_elsewhere.hurried());
        stop.ask();
        assert!(seen_elsewhere.hurried());
    }
}
