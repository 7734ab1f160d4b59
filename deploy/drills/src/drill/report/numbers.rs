//! Numbers of each row: how long partitions stood still, and how long the lag lasted after the end of a fault.
//!
//! A partition's pause is the longest time that one of its records had to wait, from its timestamp in Kafka to its first
//! outcome in an audit log, while the fault lasted or soon after: what of a wait lies in the next fault's time is that
//! one's. A partition that was given or taken meanwhile *moved*; the others stayed.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use serde::Serialize;

use crate::drill::evidence::Evidence;
use crate::drill::evidence::audit::Event;
use crate::drill::world::CHANGES;

/// How long after a fault its rebalances may come.
const AFTER_MS: i64 = 3_000;

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
}

/// Adds what one act shows.
pub(crate) fn measure(evidence: &Evidence, rows: &mut HashMap<&'static str, Numbers>) {
    let mut first: HashMap<(i32, i64), i64> = HashMap::new();
    for line in evidence.audit.iter().filter(|line| &*line.topic == CHANGES && line.event.is_outcome()) {
        let at = first.entry((line.partition, line.offset)).or_insert(i64::MAX);
        *at = line.at_us.min(*at);
    }
    for (at, fault) in evidence.faults.iter().enumerate() {
        let next_ms = evidence.faults.get(at + 1).map_or(i64::MAX, |next| next.began_ms);
        let (whole, soon) = (fault.began_ms..=next_ms, next_ms.min(fault.healed_ms + AFTER_MS));
        let numbers = rows.entry(fault.row).or_default();
        numbers.faults += 1;
        numbers.back_ms.extend(fault.back_ms);
        let moved = moved(evidence, &(fault.began_ms..=soon));
        let mut pauses: HashMap<i32, i64> = HashMap::new();
        for record in evidence.topic(CHANGES).iter().filter(|record| record.at_ms <= soon) {
            let Some(at_us) = first.get(&(record.partition, record.offset)) else { continue };
            let Some(wait) = overlap(&(record.at_ms..=at_us / 1_000), &whole) else { continue };
            let pause = pauses.entry(record.partition).or_default();
            *pause = wait.max(*pause);
        }
        for (partition, pause) in pauses {
            let list =
                if moved.contains(&partition) { &mut numbers.moved_ms } else { &mut numbers.stayed_ms };
            list.push(pause);
        }
    }
}

/// How long both last at once, if they do.
fn overlap(wait: &RangeInclusive<i64>, time: &RangeInclusive<i64>) -> Option<i64> {
    let long = wait.end().min(time.end()) - wait.start().max(time.start());
    (long >= 0).then_some(long)
}

fn moved(evidence: &Evidence, time: &RangeInclusive<i64>) -> HashSet<i32> {
    let given_or_taken = [Event::Assigned, Event::Revoked, Event::Lost];
    let moved = evidence.audit.iter().filter(|line| {
        given_or_taken.contains(&line.event)
            && &*line.topic == CHANGES
            && time.contains(&(line.at_us / 1_000))
    });
    moved.map(|line| line.partition).collect()
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

    #[test]
    fn a_wait_counts_as_far_as_it_lies_in_a_fault_s_time() {
        let fault = 1_000..=5_000;
        let waits = [900..=1_100, 2_000..=2_300, 4_800..=12_000, 0..=9_000];
        assert_eq!(waits.map(|wait| overlap(&wait, &fault)), [100, 300, 200, 4_000].map(Some));
        assert_eq!([0..=999, 5_001..=6_000].map(|wait| overlap(&wait, &fault)), [None, None]);
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
