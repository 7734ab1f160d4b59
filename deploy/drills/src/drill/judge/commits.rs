//! Offsets: what was committed, when, and what had to be done before.

use std::collections::HashMap;

use super::{Case, Findings};
use crate::drill::evidence::audit::{Event, Line};
use crate::drill::world::LANES;

/// The broker's clock counts milliseconds, the logs microseconds.
const GRAIN_US: i64 = 1_000;

/// At each commit, whatever lies below it has an outcome, and viewers were told of it.
pub(super) fn nothing_early(case: &Case<'_>, findings: &mut Findings) {
    for (group, topic) in LANES {
        let lines = || case.evidence.audit.iter().filter(|line| &*line.topic == topic);
        let needed = [
            ("outcome", Ready::of(lines().filter(|line| line.event.is_outcome()))),
            ("relay", Ready::of(lines().filter(|line| line.event.is_told()))),
        ];
        // as the broker took it; and as the replica asked for it, which comes before
        let taken =
            case.evidence.commits.iter().filter(|c| c.group == group && c.topic == topic && c.next > 0);
        let taken = taken.map(|c| (c.partition, c.next, c.at_ms * 1_000 + GRAIN_US));
        let asked = lines().filter(|line| line.event == Event::Committed);
        let asked = asked.map(|line| (line.partition, line.offset, line.at_us));
        for (partition, next, at_us) in taken.chain(asked) {
            for (what, ready) in &needed {
                let late = ready.missing(partition, next, at_us);
                findings.check(late.is_none(), || {
                    format!("{topic}/{partition}: {next} was committed before the {what} of {late:?}")
                });
            }
        }
    }
}

/// For each partition: when everything up to an offset was ready, by offset.
struct Ready(HashMap<i32, Vec<i64>>);

impl Ready {
    fn of<'l>(lines: impl Iterator<Item = &'l Line>) -> Self {
        let mut partitions: HashMap<i32, Vec<i64>> = HashMap::new();
        for line in lines {
            let first = partitions.entry(line.partition).or_default();
            let at = usize::try_from(line.offset).unwrap_or_default();
            if first.len() <= at {
                first.resize(at + 1, i64::MAX);
            }
            if let Some(first) = first.get_mut(at) {
                *first = line.at_us.min(*first);
            }
        }
        for first in partitions.values_mut() {
            let mut latest = i64::MIN;
            for at in first {
                latest = latest.max(*at);
                *at = latest;
            }
        }
        Self(partitions)
    }

    /// The first offset below `next` that was not ready at that time.
    fn missing(&self, partition: i32, next: i64, at_us: i64) -> Option<usize> {
        let next = usize::try_from(next).unwrap_or_default();
        let ready = self.0.get(&partition).map_or(&[][..], Vec::as_slice);
        let in_time = ready.partition_point(|ready| *ready <= at_us);
        (in_time < next).then_some(in_time)
    }
}

/// No commit that the broker took is below an earlier one, unless a row set it back on purpose.
pub(super) fn never_back(case: &Case<'_>, findings: &mut Findings) {
    let mut last: HashMap<(&str, &str, i32), i64> = HashMap::new();
    for commit in &case.evidence.commits {
        let key = (commit.group.as_str(), commit.topic.as_str(), commit.partition);
        let before = last.insert(key, commit.next).unwrap_or_default();
        let on_purpose = commit.next == 0
            && case
                .evidence
                .faults
                .iter()
                .any(|fault| fault.rewinds && (fault.began_ms..=fault.healed_ms).contains(&commit.at_ms));
        findings.check(commit.next >= before || on_purpose, || format!("{before}, then {commit:?}"));
    }
}

/// When all is over, each group has committed the end of each partition.
pub(super) fn all_in_the_end(case: &Case<'_>, findings: &mut Findings) {
    for (group, topic) in LANES {
        let mut ends: HashMap<i32, i64> = HashMap::new();
        for record in case.evidence.topic(topic) {
            let end = ends.entry(record.partition).or_default();
            *end = (record.offset + 1).max(*end);
        }
        let mut committed: HashMap<i32, i64> = HashMap::new();
        for commit in case.evidence.commits.iter().filter(|c| c.group == group && c.topic == topic) {
            committed.insert(commit.partition, commit.next);
        }
        for (partition, end) in ends {
            let next = committed.get(&partition).copied();
            findings.check(next == Some(end), || format!("{topic}/{partition}: {next:?} of {end}"));
        }
    }
}
