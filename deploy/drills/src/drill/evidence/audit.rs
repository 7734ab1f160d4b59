//! The audit logs: JSON lines of the replicas and the generators, parsed here by structs of our own.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use serde::Deserialize;
use uuid::Uuid;

/// One line of a replica.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    pub(crate) at_us: i64,
    pub(crate) event: Event,
    /// Shared: there are few names and many lines.
    pub(crate) replica: Arc<str>,
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    /// Of a record; of a commit the next one.
    pub(crate) offset: i64,
    pub(crate) product: Option<Uuid>,
    pub(crate) version: i64,
}

/// What a line says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    New,
    Stale,
    Replay,
    Conflict,
    Rejected,
    DeadLettered,
    /// Viewers are told.
    Relayed,
    /// The relay was away: another epoch stands for the record.
    Epoch,
    /// Ratings: counted; left out because its key was; left alone.
    Counted,
    Repeat,
    Refused,
    Committed,
    Assigned,
    Revoked,
    Lost,
    /// A word that this program does not know.
    #[default]
    #[serde(other)]
    Other,
}

impl Event {
    /// Whether the record needs nothing more but to be told. (A conflict or a rejected one does: its dead letter.)
    pub(crate) const fn is_outcome(self) -> bool {
        use Event::{Counted, DeadLettered, New, Repeat, Replay, Stale};
        matches!(self, New | Stale | Replay | DeadLettered | Counted | Repeat)
    }

    /// Whether viewers were told of the record, or will be.
    pub(crate) const fn is_told(self) -> bool {
        matches!(self, Self::Relayed | Self::Epoch)
    }
}

/// A change that a generator says Kafka has.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Produced {
    pub(crate) product_id: Uuid,
    pub(crate) version: i64,
    pub(crate) event_id: Uuid,
}

#[derive(Deserialize)]
struct Raw<'a> {
    at_us: i64,
    #[serde(borrow)]
    replica: &'a str,
    event: Event,
    #[serde(borrow)]
    topic: &'a str,
    partition: i32,
    offset: Option<i64>,
    next_offset: Option<i64>,
    product_id: Option<Uuid>,
    version: Option<i64>,
}

/// The lines of one replica's log. One that was killed while it wrote may leave half a line, which its successor's first
/// line follows without a break: such a line is dropped, and the successor's with it.
pub(crate) fn replica(path: &Path) -> anyhow::Result<Vec<Line>> {
    let text = read(path)?;
    let mut names: Vec<Arc<str>> = Vec::new();
    let mut shared = |name: &str| -> Arc<str> {
        let known = names.iter().find(|known| &***known == name).cloned();
        known.unwrap_or_else(|| {
            names.push(name.into());
            name.into()
        })
    };
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Raw<'_>>(line).ok());
    let now_us = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros().try_into()?;
    Ok(lines
        .map(|raw| Line {
            at_us: put_right(raw.at_us, now_us),
            event: raw.event,
            replica: shared(raw.replica),
            topic: shared(raw.topic),
            partition: raw.partition,
            offset: raw.offset.or(raw.next_offset).unwrap_or(-1),
            product: raw.product_id,
            version: raw.version.unwrap_or_default(),
        })
        .collect())
}

/// The time by a clock that was right. A row moves clocks by whole hours, and an act takes much less than one, so a line of
/// the future, or of hours ago, was written by a replica whose clock was moved.
fn put_right(at_us: i64, now_us: i64) -> i64 {
    const HOUR_US: i64 = 3_600_000_000;
    // an act began 50 minutes ago at most
    let hours = (now_us - at_us + HOUR_US / 6).div_euclid(HOUR_US);
    at_us + hours * HOUR_US
}

/// The lines of one generator's log.
pub(crate) fn generator(path: &Path) -> anyhow::Result<Vec<Produced>> {
    Ok(read(path)?.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_an_hour_off_is_put_right() {
        let (minute, hour) = (60_000_000, 3_600_000_000);
        let now = 1_000 * hour + 7;
        for at in [now, now - minute, now - 45 * minute] {
            assert_eq!([at, at + hour, at - hour].map(|told| put_right(told, now)), [at; 3]);
        }
    }
}
