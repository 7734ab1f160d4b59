//! Waiting for a condition, with a deadline.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Far above what anything here takes on a busy machine with two cores; only a failure waits so long.
pub(crate) const LONG: Duration = Duration::from_secs(90);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Asks `look` again and again until it gives a value; panics with `what` when it never does within [`LONG`].
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = look().await {
            return value;
        }
        assert!(started.elapsed() < LONG, "not within {LONG:?}: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// The same of `work` that a busy server may refuse for a moment; panics with what it says in the end.
pub(crate) async fn until_ok<T, E: Display>(what: &str, mut work: impl AsyncFnMut() -> Result<T, E>) -> T {
    let started = Instant::now();
    loop {
        match work().await {
            Ok(done) => return done,
            Err(error) => assert!(started.elapsed() < LONG, "not within {LONG:?}: {what}: {error}"),
        }
        tokio::time::sleep(LOOK).await;
    }
}
