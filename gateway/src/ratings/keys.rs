//! Forgets idempotency keys in time.

use std::time::Duration;

use crate::db::Db;

/// How long a key counts, at least: whoever sends a rating again does so within that time.
const HOURS: i32 = 24;
/// Time between two looks, and between two statements while there is much to forget.
const EVERY: (Duration, Duration) = (Duration::from_secs(10 * 60), Duration::from_millis(100));

/// Forgets keys that are a day old, now and then, until it is dropped.
pub async fn forget_old_keys(db: Db) {
    loop {
        let more = match db.forget_rating_keys(HOURS).await {
            Ok(more) => more,
            Err(error) => {
                tracing::debug!(%error, "old idempotency keys stay for now");
                false
            }
        };
        tokio::time::sleep(if more { EVERY.1 } else { EVERY.0 }).await;
    }
}
