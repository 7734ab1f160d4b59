//! Whether a client still gets anything from its brokers.
//!
//! librdkafka forgets every broker when a metadata answer names none, and never connects again (its issue 5301; a lone
//! broker that is fenced for a moment answers so); others come back and leave partitions without a leader. Such a client
//! looks well: it says no word, and its lag stands still. A healthy one that owns partitions asks for records all the
//! time, whether there are any or not, so that is what is watched; one that has none must at least be in its group.

use std::time::{Duration, Instant};

use rdkafka::Statistics;

/// How long a client may be silent before a new one takes over. Longer than a session (6 s) and a rebalance that waits
/// for the end of one.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest patience, when new clients hear nothing either: then Kafka is away. It is also how late a client that did not
/// survive its return may be replaced.
const MOST_PATIENCE: Duration = Duration::from_secs(40);
/// How long a client may be silent before Kafka counts as away.
const QUIET: Duration = Duration::from_secs(10);

/// What a client hears, by its statistics.
#[derive(Debug)]
pub(super) struct Pulse {
    heard: Instant,
    fetches: i64,
    patience: Duration,
    /// Partitions are paused: nothing is asked for, on purpose.
    pub(super) paused: bool,
    /// By the last statistics, if any came since this was last forgotten, it is in no group, nor on its way into one or out
    /// of it.
    pub(super) outside: bool,
}

impl Pulse {
    /// Of a client that starts at `now`.
    pub(super) const fn new(now: Instant) -> Self {
        Self { heard: now, fetches: 0, patience: PATIENCE, paused: false, outside: false }
    }

    /// Of the client that takes over at `now`: with twice the patience, until it hears something.
    pub(super) fn successor(&self, now: Instant) -> Self {
        Self { patience: (self.patience * 2).min(MOST_PATIENCE), ..Self::new(now) }
    }

    /// Takes in what the client counted, while it `owns` partitions or none.
    pub(super) fn look(&mut self, statistics: &Statistics, owns: bool, now: Instant) {
        let fetches = statistics.brokers.values().filter_map(|broker| broker.req.get("Fetch")).sum();
        // a broker that is forgotten takes its count along
        let asks = std::mem::replace(&mut self.fetches, fetches) != fetches;
        self.outside = statistics.cgrp.as_ref().is_some_and(|group| group.join_state == "init");
        let member =
            statistics.cgrp.as_ref().is_some_and(|group| group.state == "up" && group.join_state == "steady");
        if member && (asks || !owns || self.paused) {
            self.heard = now;
            self.patience = PATIENCE;
        }
    }

    /// Since when nothing was heard, once that is long enough to call Kafka away.
    pub(super) fn quiet_for(&self, now: Instant) -> Option<Duration> {
        Some(now.saturating_duration_since(self.heard)).filter(|silence| *silence >= QUIET)
    }

    /// Since when nothing was heard, once another client should take over.
    pub(super) fn dead_for(&self, now: Instant) -> Option<Duration> {
        Some(now.saturating_duration_since(self.heard)).filter(|silence| *silence >= self.patience)
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::statistics::{Broker, ConsumerGroup};

    use super::*;

    fn statistics(state: &str, join_state: &str, fetches: i64) -> Statistics {
        let mut broker = Broker::default();
        broker.req.insert("Fetch".to_owned(), fetches);
        let mut statistics = Statistics::default();
        statistics.brokers.insert("b:1/1".to_owned(), broker);
        let group = ConsumerGroup {
            state: state.to_owned(),
            join_state: join_state.to_owned(),
            ..ConsumerGroup::default()
        };
        statistics.cgrp = Some(group);
        statistics
    }

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_client_that_asks_for_nothing_is_dead_after_a_while() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start);
        pulse.look(&statistics("up", "steady", 5), true, at(start, 5));
        for second in 6..25 {
            pulse.look(&statistics("up", "steady", 5), true, at(start, second));
            assert_eq!(pulse.dead_for(at(start, second)), None, "{second}");
        }
        assert_eq!(pulse.quiet_for(at(start, 14)), None);
        assert!(pulse.quiet_for(at(start, 15)).is_some());
        assert!(pulse.dead_for(at(start, 25)).is_some());
        let mut next = pulse.successor(at(start, 25));
        assert_eq!(next.dead_for(at(start, 64)), None, "twice the patience");
        next.look(&statistics("up", "steady", 1), true, at(start, 64));
        assert!(next.dead_for(at(start, 84)).is_some(), "the usual patience again");
    }

    #[test]
    fn a_client_that_asks_or_has_no_reason_to_is_well() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start);
        let well = |pulse: &Pulse, second| pulse.quiet_for(at(start, second)).is_none();
        pulse.look(&statistics("up", "steady", 1), true, at(start, 9));
        pulse.look(&statistics("up", "steady", 2), true, at(start, 18));
        assert!(well(&pulse, 27));
        pulse.look(&statistics("up", "steady", 2), false, at(start, 27));
        assert!(well(&pulse, 36), "in the group, without partitions");
        pulse.paused = true;
        pulse.look(&statistics("up", "steady", 2), true, at(start, 36));
        assert!(well(&pulse, 45), "paused");
        for (state, join_state) in [("query-coord", "steady"), ("up", "wait-metadata")] {
            pulse.look(&statistics(state, join_state, 3), false, at(start, 50));
            assert!(!well(&pulse, 50), "{state} {join_state}: not in the group");
        }
    }
}
