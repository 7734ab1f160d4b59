//! What viewers are told about services that are away.

use bytestring::ByteString;
use chrono::Utc;
use schema::frames::{Away, Status};

use super::Live;
use super::frame::json;

impl Live {
    /// What is away, and how old the newest state is that this replica can vouch for.
    pub(super) fn status(&self) -> Status {
        let state = self.health.state();
        let away = state.away.iter();
        let away: Vec<_> =
            away.map(|(what, since)| Away { what: what.as_str().to_owned(), since: *since }).collect();
        let stale_ms = away.iter().map(|away| away.since).min().map(|since| {
            let away_ms = u64::try_from((Utc::now() - since).num_milliseconds()).unwrap_or(0);
            away_ms.max(u64::try_from(self.shared.heard_ago().as_millis()).unwrap_or(u64::MAX))
        });
        Status { away, stale_ms }
    }

    /// The same as data of a frame; none when all is well.
    pub(super) fn trouble(&self) -> Option<ByteString> {
        let status = self.status();
        (!status.away.is_empty()).then(|| json(&status))
    }
}
