//! Deletes streams of ended epochs that a replica which died left behind.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::db::Db;
use crate::redis::Redis;

/// A stream to which nothing was added for this long and that the row does not name belongs to the past: one that is
/// about to be named is younger.
const IDLE: Duration = Duration::from_secs(60);
/// First and longest delay between two tries.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Time between two rounds.
const EVERY: Duration = Duration::from_secs(5 * 60);

/// Does it at start and every few minutes: an epoch that ended while Redis was away leaves its stream. Best effort.
pub(super) async fn delete_leftovers(db: Db, redis: Redis) {
    let mut backoff = Backoff::new(RETRY.0, RETRY.1);
    loop {
        backoff.wait().await;
        // the row is read after the streams: whatever it names by then is kept
        let Ok(streams) = redis.idle_streams(IDLE).await else { continue };
        let Ok(epoch) = db.epoch().await else { continue };
        for stream in streams.into_iter().filter(|stream| *stream != epoch.id) {
            tracing::info!(epoch = %stream, "stream of an ended epoch deleted");
            if let Err(error) = redis.delete_stream(stream).await {
                tracing::debug!(%error, "a leftover stream stays for now");
            }
        }
        backoff.reset();
        tokio::time::sleep(EVERY).await;
    }
}
