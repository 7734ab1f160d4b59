//! When to say that the broker is away, and that it is back: once each, not at every look; and when to try with another
//! client.

use std::time::{Duration, Instant};

/// How long nothing may be acknowledged, while something is in flight, before that is said.
const QUIET: Duration = Duration::from_secs(3);

/// How long nothing may be acknowledged before another client is tried: a healthy one is back within seconds of its broker.
const GIVE_UP: Duration = Duration::from_secs(20);
/// The same once a stop was asked for: what another client then sends must arrive within [`super::FLUSH`].
const GIVE_UP_AT_STOP: Duration = Duration::from_secs(5);
/// Longest such time, when other clients get no further: then Kafka is away, and haste helps nobody.
const MOST_GIVE_UP: Duration = Duration::from_secs(120);

/// Something worth saying.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Word {
    /// Nothing was acknowledged for long.
    Away,
    /// The buffer is full.
    Full,
    /// Acknowledgements come again, after so many seconds without.
    Back {
        /// Seconds.
        away_s: u64,
    },
}

/// Remembers what was said.
#[derive(Debug)]
pub(super) struct Patience {
    /// Last time at which something was acknowledged, or nothing was in flight.
    well: Instant,
    /// Since when the present client is tried, and for how long it will be.
    tried: (Instant, Duration),
    /// For how long a client is tried first.
    give_up: Duration,
    full: bool,
    said_away: bool,
    said_full: bool,
}

impl Patience {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            well: now,
            tried: (now, GIVE_UP),
            give_up: GIVE_UP,
            full: false,
            said_away: false,
            said_full: false,
        }
    }

    /// Says that the buffer is full.
    pub(super) fn full(&mut self) {
        self.full = true;
    }

    /// Hears that a stop was asked for: from now on a client is given up sooner.
    pub(super) fn hurry(&mut self) {
        self.give_up = GIVE_UP_AT_STOP;
        self.tried.1 = self.tried.1.min(GIVE_UP_AT_STOP);
    }

    /// Whether the present client is to be given up; then the next one gets twice the time.
    pub(super) fn gives_up(&mut self, now: Instant) -> bool {
        let (since, time) = self.tried;
        let gives_up = now.saturating_duration_since(since) >= time;
        if gives_up {
            self.tried = (now, (time * 2).min(MOST_GIVE_UP));
        }
        gives_up
    }

    /// What to say, `acknowledged` changes after the last look.
    pub(super) fn look(&mut self, in_flight: u64, acknowledged: usize, now: Instant) -> Option<Word> {
        let quiet = now.saturating_duration_since(self.well);
        if in_flight == 0 || acknowledged > 0 {
            self.well = now;
            self.tried = (now, self.give_up);
            self.full = false;
            let said = std::mem::take(&mut self.said_away) | std::mem::take(&mut self.said_full);
            return said.then_some(Word::Back { away_s: quiet.as_secs() });
        }
        if quiet < QUIET {
            return None;
        }
        // at full speed the buffer is full all the time: that alone is no news
        if self.full && !self.said_full {
            (self.said_full, self.said_away) = (true, true);
            return Some(Word::Full);
        }
        if !self.said_away {
            self.said_away = true;
            return Some(Word::Away);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn an_outage_is_said_once_and_so_is_its_end() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        assert_eq!(patience.look(5, 0, at(start, 1)), None);
        assert_eq!(patience.look(5, 0, at(start, 4)), Some(Word::Away));
        assert_eq!(patience.look(6, 0, at(start, 5)), None);
        patience.full();
        assert_eq!(patience.look(9, 0, at(start, 6)), Some(Word::Full));
        assert_eq!(patience.look(9, 0, at(start, 7)), None);
        assert_eq!(patience.look(2, 7, at(start, 8)), Some(Word::Back { away_s: 8 }));
        assert_eq!(patience.look(0, 2, at(start, 9)), None);
    }

    #[test]
    fn a_client_is_given_up_later_each_time() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        let mut given_up = Vec::new();
        for second in 0..=200 {
            patience.look(1, 0, at(start, second));
            if patience.gives_up(at(start, second)) {
                given_up.push(second);
            }
        }
        assert_eq!(given_up, [20, 60, 140]);
        patience.look(0, 1, at(start, 201));
        assert!(!patience.gives_up(at(start, 220)) && patience.gives_up(at(start, 221)));
    }

    #[test]
    fn at_a_stop_a_client_is_given_up_sooner() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        assert!(!patience.gives_up(at(start, 6)));
        patience.hurry();
        assert!(patience.gives_up(at(start, 6)));
        patience.look(1, 1, at(start, 7));
        assert!(!patience.gives_up(at(start, 11)) && patience.gives_up(at(start, 12)));
    }

    #[test]
    fn a_full_buffer_with_a_busy_broker_is_no_news() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        for second in 0..20 {
            patience.full();
            assert_eq!(patience.look(100_000, 5000, at(start, second)), None);
        }
    }

    #[test]
    fn a_generator_with_nothing_to_do_is_not_cut_off() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        assert_eq!(patience.look(0, 0, at(start, 60)), None);
        assert_eq!(patience.look(1, 0, at(start, 61)), None, "the minute before counts for nothing");
    }
}
