//! When the next changes are due.
//!
//! [`Pace`] counts ticks against the clock instead of sleeping between them, so that a rate of 5,000/s holds although
//! no timer fires that often. Ticks that could not be made, because the broker was away, are not made up for beyond
//! [`Pace::CATCH_UP`]: a worker on a timer skips them, and a burst would only hide the outage.

use std::str::FromStr;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// How fast to make changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// Changes per second.
    PerSecond(f64),
    /// As fast as the broker takes them.
    Max,
}

/// A text that is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be max, or from 1/min to 1000000 changes a second, such as 10, 0.5 or 30/min")]
pub struct RateError;

impl Rate {
    const SLOWEST: f64 = 1.0 / 60.0;
    const FASTEST: f64 = 1_000_000.0;
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let (number, seconds) = match text.split_once('/') {
            None => (text, 1.0),
            Some((number, "s")) => (number, 1.0),
            Some((number, "min")) => (number, 60.0),
            Some(_) => return Err(RateError),
        };
        let rate = number.parse::<f64>().map_err(|_| RateError)? / seconds;
        if (Self::SLOWEST..=Self::FASTEST).contains(&rate) {
            Ok(Self::PerSecond(rate))
        } else {
            Err(RateError)
        }
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::PerSecond(rate) => write!(f, "{rate}"),
        }
    }
}

/// How fast to replay recorded changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as they happened.
    Times(f64),
    /// Without waiting.
    Max,
}

/// A text that is no speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be max, or a number above 0 and at most 1000000, such as 1 (as it happened) or 60")]
pub struct SpeedError;

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let times = text.parse::<f64>().map_err(|_| SpeedError)?;
        if times > 0.0 && times <= 1_000_000.0 { Ok(Self::Times(times)) } else { Err(SpeedError) }
    }
}

/// The clock of the worker: which ticks are due.
#[derive(Debug, Clone)]
pub struct Pace {
    rate: Rate,
    /// From when on ticks are counted.
    since: Instant,
    /// Ticks made since then.
    made: u64,
}

impl Pace {
    /// How late ticks may be and still be made, seconds: rides over a pause of the machine, not over an outage.
    pub const CATCH_UP: Duration = Duration::from_secs(1);
    /// Most ticks due at once at [`Rate::Max`]: between two such portions acknowledgements and signals are served.
    pub const PORTION: u64 = 256;

    /// A clock that starts now; the first tick is due at once.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, since: now, made: 0 }
    }

    /// How many ticks are due at `now`; forgets those that are too late.
    pub fn due(&mut self, now: Instant) -> u64 {
        let Rate::PerSecond(rate) = self.rate else { return Self::PORTION };
        if now.saturating_duration_since(self.next_at()) > Self::CATCH_UP {
            self.since = now;
            self.made = 0;
        }
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "years at the fastest rate"
        )]
        let until_now = (elapsed * rate) as u64 + 1;
        until_now.saturating_sub(self.made)
    }

    /// Says that one tick was made.
    pub fn made_one(&mut self) {
        self.made += 1;
    }

    /// When the next tick is due.
    pub fn next_at(&self) -> Instant {
        match self.rate {
            Rate::Max => self.since,
            #[expect(clippy::cast_precision_loss, reason = "exact to 2^53 ticks")]
            Rate::PerSecond(rate) => self.since + Duration::from_secs_f64(self.made as f64 / rate),
        }
    }
}

/// The clock of a replay: when a recorded change is due.
#[derive(Debug, Clone)]
pub struct Timeline {
    speed: Speed,
    /// The first recorded time, and when it was replayed.
    first: Option<(DateTime<Utc>, Instant)>,
}

impl Timeline {
    /// Longest distance to the first change, seconds: ten years, so that no clock overflows.
    const FARTHEST_S: f64 = 315_360_000.0;

    /// A clock that starts with the first change.
    pub fn new(speed: Speed) -> Self {
        Self { speed, first: None }
    }

    /// When the change that occurred at `at` is due; what lies in the past is due at once.
    pub fn due(&mut self, at: DateTime<Utc>, now: Instant) -> Instant {
        let Speed::Times(times) = self.speed else { return now };
        let (first, started) = *self.first.get_or_insert((at, now));
        let after_first = (at - first).to_std().unwrap_or(Duration::ZERO).as_secs_f64() / times;
        started + Duration::from_secs_f64(after_first.min(Self::FARTHEST_S))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make_due(pace: &mut Pace, now: Instant) -> u64 {
        let due = pace.due(now);
        (0..due).for_each(|_| pace.made_one());
        due
    }

    #[test]
    fn a_rate_is_read_as_it_is_written() {
        assert_eq!("10".parse(), Ok(Rate::PerSecond(10.0)));
        assert_eq!("0.5".parse(), Ok(Rate::PerSecond(0.5)));
        assert_eq!("1/min".parse(), Ok(Rate::PerSecond(1.0 / 60.0)));
        assert_eq!("5/s".parse(), Ok(Rate::PerSecond(5.0)));
        assert_eq!("max".parse(), Ok(Rate::Max));
        for bad in ["0", "-1", "fast", "1/h", "0.5/min", "1e9", "NaN", "inf", ""] {
            assert_eq!(bad.parse::<Rate>(), Err(RateError), "{bad}");
        }
    }

    #[test]
    fn a_speed_is_read_as_it_is_written() {
        assert_eq!("60".parse(), Ok(Speed::Times(60.0)));
        assert_eq!("max".parse(), Ok(Speed::Max));
        for bad in ["0", "-1", "NaN", "inf", "", "2x"] {
            assert_eq!(bad.parse::<Speed>(), Err(SpeedError), "{bad}");
        }
    }

    #[test]
    fn ten_a_second_are_ten_a_second() {
        let start = Instant::now();
        let mut pace = Pace::new(Rate::PerSecond(10.0), start);
        let made: u64 = (0..300).map(|i| make_due(&mut pace, start + Duration::from_millis(i * 10))).sum();
        assert_eq!(made, 30);
    }

    #[test]
    fn one_a_minute_waits_a_minute() {
        let start = Instant::now();
        let mut pace = Pace::new(Rate::PerSecond(1.0 / 60.0), start);
        assert_eq!(make_due(&mut pace, start), 1);
        assert_eq!(make_due(&mut pace, start + Duration::from_secs(59)), 0);
        assert_eq!(pace.next_at().duration_since(start).as_secs(), 60);
        assert_eq!(make_due(&mut pace, start + Duration::from_secs(60)), 1);
    }

    #[test]
    fn a_replay_keeps_the_distances_of_what_happened() {
        let (start, first) = (Instant::now(), Utc::now());
        let at = |seconds| first + chrono::TimeDelta::seconds(seconds);
        let mut timeline = Timeline::new(Speed::Times(60.0));
        assert_eq!(timeline.due(first, start), start);
        assert_eq!(timeline.due(at(120), start), start + Duration::from_secs(2));
        assert_eq!(timeline.due(at(-5), start), start, "what lies before the first is due at once");
        timeline.due(DateTime::<Utc>::MAX_UTC, start);
        assert_eq!(Timeline::new(Speed::Max).due(at(9999), start), start);
    }

    #[test]
    fn ticks_missed_in_an_outage_are_not_made_up_for() {
        let start = Instant::now();
        let mut pace = Pace::new(Rate::PerSecond(100.0), start);
        make_due(&mut pace, start);
        assert_eq!(make_due(&mut pace, start + Duration::from_millis(500)), 50, "a short pause is");
        assert_eq!(make_due(&mut pace, start + Duration::from_mins(1)), 1, "an outage is not");
    }
}
