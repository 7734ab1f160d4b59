//! Where a viewer starts that has just come.

use super::Live;
use super::cursor::Cursor;
use super::history::{self, History};
use super::state::Now;
use crate::redis::EntryId;

/// How a viewer starts.
pub(super) enum Start {
    /// It came without a cursor.
    Fresh,
    /// It goes on at its place: from the ring, or with the stream's history.
    Resumed {
        /// The place.
        at: EntryId,
        /// Entries of the ring behind it.
        missed: Option<u64>,
        /// Where the ring does not reach back.
        history: Option<History>,
    },
    /// It begins anew.
    Reset,
    /// Not yet: another epoch has begun, which this replica is about to enter.
    Behind,
}

/// Where a viewer starts in the epoch `now` that came with `cursor`.
pub(super) async fn locate(live: &Live, now: Now, cursor: Option<Cursor>) -> Start {
    let Some(cursor) = cursor else { return Start::Fresh };
    if cursor.epoch != now.epoch {
        // what a replica in another epoch showed it may be newer than anything here; one without a stream nobody is in
        let named = live.db.epoch_for_a_viewer().await;
        let behind = named.is_ok_and(|named| named.id != now.epoch && named.has_stream());
        return if behind { Start::Behind } else { Start::Reset };
    }
    let at = cursor.id;
    if let Some(count) = live.shared.count_after(now.generation, at) {
        let missed = Some(count as u64);
        // a place ahead of this replica is fine as long as it is one of the stream
        let real = live.shared.now().is_some_and(|now| at <= now.last)
            || history::is_real(&live.redis, now.epoch, at).await;
        return if real { Start::Resumed { at, missed, history: None } } else { Start::Reset };
    }
    let mut history = History::new(live, now.epoch, at);
    if history.begins_there().await {
        Start::Resumed { at, missed: None, history: Some(history) }
    } else {
        Start::Reset
    }
}
