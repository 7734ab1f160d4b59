//! The relay's epoch: which Redis stream replicas write to and read from.
//!
//! A row in Postgres names the stream, because the database of record must not wait for a cache, and because no debt may
//! be forgotten in a crash: when a batch can't be put on the relay, its writer changes the epoch instead, and every
//! reader loads its view from Postgres anew.
//!
//! The argument, in three steps. A writer reads the row **in its write's transaction, under a share lock**, so a change
//! of the epoch waits for it: each write is either committed before an epoch begins, or it is relayed to that epoch's
//! stream (or changes the epoch again). A reader that enters an epoch takes the stream's last id **before** it loads the
//! view: what was committed before the epoch is in the view, what came later is in the view or behind that id. And a
//! stream is created only by whoever changes to its epoch, **before** the row says so: a stream that is not there always
//! means that entries were lost, and is answered by the next epoch, never by an empty stream under the old name.
//!
//! While Redis is away an epoch has no stream, and its `run_id` is empty. No reader can have entered it, so a batch that was
//! written under it owes the relay nothing: the next epoch, which a reader begins, stands for all of them.
//!
//! A Redis that restarts may come back with less than it acknowledged; the row therefore also keeps the server's
//! `run_id`, and a reader that meets another one changes the epoch.
//!
//! `tests/epoch_model.rs` searches every interleaving of this for one that loses a change.

use uuid::Uuid;

use crate::db::{Db, DbError};
use crate::redis::{Redis, RedisError};

/// The epoch's name and the Redis server that it was made on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Names the stream.
    pub id: Uuid,
    /// `run_id` of the Redis server that holds the stream; empty when the stream could not be created.
    pub run_id: String,
}

impl Epoch {
    /// Whether a stream was made for it. Where none was, readers wait for the next epoch.
    pub fn has_stream(&self) -> bool {
        !self.run_id.is_empty()
    }
}

/// Ends epoch `old` and begins the next one; returns what the row holds then. When another replica was faster, its epoch
/// is kept: it, too, began after the caller's decision. The old stream is deleted as far as Redis can be reached; what
/// stays is swept up by the readers later.
///
/// # Errors
/// The database can't be reached: the epoch is as it was.
pub async fn change(db: &Db, redis: &Redis, old: &Epoch, why: &'static str) -> Result<Epoch, DbError> {
    let new = create_stream(redis).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "the new epoch's stream can't be created now");
        Epoch { id: Uuid::now_v7(), run_id: String::new() }
    });
    let now = db.change_epoch(old.id, &new).await?;
    if now.id == new.id {
        tracing::info!(old = %old.id, new = %new.id, why, "relay epoch changed");
        if new.has_stream() {
            forget_errors(redis.keep_stream(new.id).await);
        }
        // late writers find nothing, look at the row, and are done
        forget_errors(redis.delete_stream(old.id).await);
    }
    Ok(now)
}

/// A fresh stream, which expires in a minute unless the row comes to name it.
async fn create_stream(redis: &Redis) -> Result<Epoch, RedisError> {
    let id = Uuid::now_v7();
    let run_id = redis.create_stream(id).await?;
    Ok(Epoch { id, run_id })
}

/// Housekeeping that a later step makes up for: an expired stream is answered by the next epoch, a leftover one is
/// deleted by the next reader that starts.
fn forget_errors(result: Result<(), RedisError>) {
    if let Err(error) = result {
        tracing::debug!(%error, "relay housekeeping failed");
    }
}
