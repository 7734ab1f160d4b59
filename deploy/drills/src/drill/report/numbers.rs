//! Numbers of each row: how long partitions stood still, and how long the lag lasted after the end of a fault.
//!
//! A record waits from when the broker appended it to its first outcome in an audit log. The longest wait of a partition's
//! records that began and ended between a fault's begin and the next one's is its pause in that fault; a wait that is
//! longer than that has two causes, and is told apart. A partition that was assigned to somebody while the record waited
//! *moved*; the others stayed.

use std::collections::HashMap;

use serde::Serialize;

use crate::drill::evidence::Evidence;
use crate::drill::evidence::audit::Event;
use crate::drill::world::CHANGES;

/// One row's faults, measured.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct Numbers {
    /// How often the row came.
    pub(crate) faults: usize,
    /// From the end of the fault to the end of lag, each.
    pub(crate) back_ms: Vec<u64>,
    /// Pauses of partitions that stayed, each.
    pub(crate) stayed_ms: Vec<i64>,
    /// Pauses of partitions that moved, each.
    pub(crate) moved_ms: Vec<i64>,
    /// The longest wait of each partition that began in the row's time and lasted into the next one's.
    pub(crate) spanning_ms: Vec<i64>,
}

/// A record of a partition, and when it had its outcome.
struct Wait {
    began_ms: i64,
    ended_ms: i64,
    has_moved: bool,
}

/// Adds what one act shows.
pub(crate) fn measure(evidence: &Evidence, rows: &mut HashMap<&'static str, Numbers>) {
    let waits = waits(evidence);
    for (at, fault) in evidence.faults.iter().enumerate() {
        let next_ms = evidence.faults.get(at + 1).map_or(i64::MAX, |next| next.began_ms);
        let numbers = rows.entry(fault.row).or_default();
        numbers.faults += 1;
        numbers.back_ms.extend(fault.back_ms);
        for of_partition in waits.values() {
            let began_here =
                of_partition.iter().filter(|wait| (fault.began_ms..next_ms).contains(&wait.began_ms));
            let (within, spanning): (Vec<_>, Vec<_>) = began_here.partition(|wait| wait.ended_ms < next_ms);
            if let Some((pause, has_moved)) = longest(&within) {
                let list = if has_moved { &mut numbers.moved_ms } else { &mut numbers.stayed_ms };
                list.push(pause);
            }
            numbers.spanning_ms.extend(longest(&spanning).map(|(pause, _)| pause));
        }
    }
}

/// How long it was, and whether its partition moved.
fn longest(waits: &[&Wait]) -> Option<(i64, bool)> {
    waits.iter().map(|wait| (wait.ended_ms - wait.began_ms, wait.has_moved)).max()
}

/// All waits by partition.
fn waits(evidence: &Evidence) -> HashMap<i32, Vec<Wait>> {
    let mut outcomes: HashMap<(i32, i64), i64> = HashMap::new();
    let mut assigned: HashMap<i32, Vec<i64>> = HashMap::new();
    for line in evidence.audit.iter().filter(|line| &*line.topic == CHANGES) {
        if line.event.is_outcome() {
            let at = outcomes.entry((line.partition, line.offset)).or_insert(i64::MAX);
            *at = line.at_us.min(*at);
        } else if line.event == Event::Assigned {
            assigned.entry(line.partition).or_default().push(line.at_us);
        }
    }
    let mut waits: HashMap<i32, Vec<Wait>> = HashMap::new();
    for record in evidence.topic(CHANGES) {
        let Some(at_us) = outcomes.get(&(record.partition, record.offset)) else { continue };
        let mut given = assigned.get(&record.partition).into_iter().flatten();
        let has_moved = given.any(|given| (record.at_ms * 1_000..=*at_us).contains(given));
        let wait = Wait { began_ms: record.at_ms, ended_ms: at_us / 1_000, has_moved };
        waits.entry(record.partition).or_default().push(wait);
    }
    waits
}

/// The value below which `percent` of them lie.
pub(crate) fn percentile<T: Copy + Ord>(values: &[T], percent: usize) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::evidence::audit::Line;
    use crate::drill::evidence::{Fault, Record};

    fn fault(row: &'static str, began_ms: i64) -> Fault {
        Fault { row, began_ms, healed_ms: began_ms + 500, ..Fault::default() }
    }

    fn line(event: Event, at_ms: i64, (partition, offset): (i32, i64)) -> Line {
        Line { at_us: at_ms * 1_000, event, topic: CHANGES.into(), partition, offset, ..Line::default() }
    }

    /// Two faults, at 1,000 and 5,000 ms, and records of these partitions with the times at which each began and ended.
    fn measured(records: &[(i32, i64, i64)], assigned: &[(i32, i64)]) -> HashMap<&'static str, Numbers> {
        let mut evidence =
            Evidence { faults: vec![fault("first", 1_000), fault("second", 5_000)], ..Evidence::default() };
        for (offset, (partition, began_ms, ended_ms)) in (0..).zip(records) {
            let record = Record { partition: *partition, offset, at_ms: *began_ms, ..Record::default() };
            evidence.topics.entry(CHANGES.to_owned()).or_default().push(record);
            evidence.audit.push(line(Event::New, *ended_ms, (*partition, offset)));
        }
        evidence
            .audit
            .extend(assigned.iter().map(|(partition, at_ms)| line(Event::Assigned, *at_ms, (*partition, 0))));
        let mut rows = HashMap::new();
        measure(&evidence, &mut rows);
        rows
    }

    #[test]
    fn a_partition_s_pause_is_its_longest_wait_within_a_fault_s_time() {
        let rows = measured(&[(0, 900, 990), (0, 1_100, 1_120), (0, 4_000, 4_090), (1, 6_000, 6_007)], &[]);
        assert_eq!((&rows["first"].stayed_ms, &rows["second"].stayed_ms), (&vec![90], &vec![7]));
        assert!(rows.values().all(|row| row.moved_ms.is_empty() && row.spanning_ms.is_empty()));
    }

    #[test]
    fn a_partition_that_was_given_while_the_record_waited_has_moved_whoever_has_it_now() {
        let records = [(0, 1_000, 1_010), (0, 1_100, 3_000), (1, 1_000, 1_010), (1, 1_100, 1_300)];
        // before the long wait, and after it
        let rows = measured(&records, &[(0, 2_900), (1, 900), (1, 4_000)]);
        assert_eq!((&rows["first"].moved_ms, &rows["first"].stayed_ms), (&vec![1_900], &vec![200]));
    }

    #[test]
    fn what_gathered_while_nobody_had_the_partition_has_moved_however_slowly_it_is_worked_off() {
        let rows = measured(&[(0, 1_100, 4_000), (0, 1_101, 4_020), (0, 3_990, 4_030)], &[(0, 3_950)]);
        assert_eq!((&rows["first"].moved_ms, &rows["first"].stayed_ms), (&vec![2_919], &vec![]));
    }

    #[test]
    fn a_wait_that_lasts_into_the_next_fault_counts_to_neither() {
        let rows = measured(&[(0, 2_000, 2_005), (0, 4_400, 11_400), (0, 4_500, 11_400)], &[(0, 11_300)]);
        let (first, second) = (&rows["first"], &rows["second"]);
        assert_eq!((&first.stayed_ms, &first.spanning_ms), (&vec![5], &vec![7_000]));
        assert!(first.moved_ms.is_empty() && second.moved_ms.is_empty() && second.stayed_ms.is_empty());
    }

    #[test]
    fn a_percentile_is_a_value_of_the_list() {
        let values: Vec<i32> = (1..=200).rev().collect();
        assert_eq!(
            [50, 99, 100].map(|percent| percentile(&values, percent)),
            [Some(100), Some(198), Some(200)]
        );
        assert_eq!(percentile::<i32>(&[], 99), None);
    }
}
