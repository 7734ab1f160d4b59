//! What the generator says of its work: a line every ten seconds, and a sum at the end.

use std::fmt;
use std::time::{Duration, Instant};

use crate::produce::Producer;

/// How often to say how far the work is.
const EVERY: Duration = Duration::from_secs(10);

/// The sum at the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Changes handed over to Kafka.
    pub sent: u64,
    /// Changes that Kafka has.
    pub acknowledged: u64,
    /// Lines of a replay that were skipped because they are bad.
    pub bad_lines: u64,
}

impl Summary {
    /// What `producer` did.
    pub fn of(producer: &Producer) -> Self {
        Self { sent: producer.sent(), acknowledged: producer.acknowledged(), bad_lines: 0 }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} changes sent, {} acknowledged", self.sent, self.acknowledged)?;
        if self.bad_lines > 0 {
            write!(f, ", {} bad lines skipped", self.bad_lines)?;
        }
        Ok(())
    }
}

/// Says now and then how the work goes.
#[derive(Debug)]
pub struct Report {
    since: Instant,
    acknowledged: u64,
}

impl Report {
    /// A report that begins now.
    pub fn new(now: Instant) -> Self {
        Self { since: now, acknowledged: 0 }
    }

    /// Says it, when it is time.
    pub fn look(&mut self, producer: &Producer, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < EVERY {
            return;
        }
        let acknowledged = producer.acknowledged();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let per_s = (acknowledged - self.acknowledged) as f64 / elapsed.as_secs_f64();
        let per_s = (per_s * 10.0).round() / 10.0;
        tracing::info!(per_s, acknowledged, in_flight = producer.in_flight(), "producing");
        *self = Self { since: now, acknowledged };
    }
}
