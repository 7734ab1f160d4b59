//! The audit logs, and what must hold among them whatever happened.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::Deserialize;
use uuid::Uuid;

/// One line, of a replica or the generator.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Line {
    #[serde(default)]
    pub(crate) at_us: i64,
    #[serde(default)]
    pub(crate) replica: String,
    pub(crate) event: String,
    #[serde(default)]
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: Option<i64>,
    pub(crate) next_offset: Option<i64>,
    pub(crate) product_id: Option<Uuid>,
    pub(crate) version: Option<i64>,
    pub(crate) event_id: Option<Uuid>,
    pub(crate) reason: Option<String>,
}

/// The complete lines of a file; none when it is not there yet.
pub(crate) fn read(path: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // a process that is writing, or was killed while it wrote, may leave half a line at the end
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

impl Line {
    /// Whether it says what became of a record. (A rejected or conflicting one is final as a dead letter.)
    pub(crate) fn is_outcome(&self) -> bool {
        matches!(self.event.as_str(), "new" | "stale" | "replay" | "dead_lettered")
    }

    /// Whether it says that viewers were told, or that an epoch stands for it.
    pub(crate) fn is_relayed(&self) -> bool {
        matches!(self.event.as_str(), "relayed" | "epoch")
    }

    /// The record's place.
    pub(crate) fn place(&self) -> (String, i32, i64) {
        (self.topic.clone(), self.partition, self.offset.unwrap())
    }
}

/// Panics unless every record that the group left behind (`committed`, of `topic`) had its outcome and was relayed first,
/// at the moment of every commit; `lines` are those of all replicas.
pub(crate) fn assert_nothing_committed_early(lines: &[Line], topic: &str, committed: &BTreeMap<i32, i64>) {
    let mut outcome_at: HashMap<(i32, i64), i64> = HashMap::new();
    let mut relayed_at: HashMap<(i32, i64), i64> = HashMap::new();
    for line in lines.iter().filter(|line| line.topic == topic) {
        let Some(offset) = line.offset else { continue };
        let first = match line {
            line if line.is_outcome() => &mut outcome_at,
            line if line.is_relayed() => &mut relayed_at,
            _ => continue,
        };
        let at = first.entry((line.partition, offset)).or_insert(i64::MAX);
        *at = line.at_us.min(*at);
    }
    let mut commits: Vec<(i32, i64, i64)> =
        committed.iter().map(|(partition, next)| (*partition, *next, i64::MAX)).collect();
    let told = lines.iter().filter(|line| line.topic == topic && line.event == "committed");
    commits.extend(told.filter_map(|line| Some((line.partition, line.next_offset?, line.at_us))));
    assert!(commits.len() > committed.len(), "no commit was told");
    for (partition, next, at_us) in commits {
        for offset in 0..next {
            for (what, first) in [("outcome", &outcome_at), ("relay", &relayed_at)] {
                let known = first.get(&(partition, offset));
                assert!(
                    known.is_some_and(|known| *known <= at_us),
                    "{topic}/{partition}: {next} was committed before the {what} of {offset} ({known:?} > {at_us})"
                );
            }
        }
    }
}

/// Panics unless each (product, version) was new at most once, over all replicas.
pub(crate) fn assert_new_once(lines: &[Line]) {
    let mut seen = HashSet::new();
    for line in lines.iter().filter(|line| line.event == "new") {
        assert!(seen.insert((line.product_id, line.version)), "new twice: {line:?}");
    }
}
