//! How long to wait before the next try.
//!
//! Doubling from a first delay up to a ceiling, with full jitter: replicas that failed together do not come back
//! together. Source: AWS Architecture Blog, *Exponential Backoff And Jitter*.

use std::time::Duration;

/// The delays of one row of tries.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    ceiling: Duration,
    tries: u32,
}

impl Backoff {
    /// Delays from `first`, doubled at each try, never above `ceiling`.
    pub const fn new(first: Duration, ceiling: Duration) -> Self {
        Self { first, ceiling, tries: 0 }
    }

    /// The next delay; `random` is a number in 0..1.
    pub fn next(&mut self, random: f64) -> Duration {
        let bound = self.first.saturating_mul(2_u32.saturating_pow(self.tries)).min(self.ceiling);
        self.tries = self.tries.saturating_add(1);
        // at least a tenth: a delay of nothing would turn a refusal that answers at once into a busy loop
        bound.mul_f64(0.1 + 0.9 * random.clamp(0.0, 1.0))
    }

    /// Waits for the next delay.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next(rand::random())).await;
    }

    /// Starts anew after a success.
    pub const fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_ceiling() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let delays: Vec<_> = (0..6).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1000, 1000]);
        backoff.reset();
        assert_eq!(backoff.next(1.0).as_millis(), 100);
    }

    #[test]
    fn a_delay_is_never_nothing_and_never_overflows() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for _ in 0..100 {
            assert!(backoff.next(0.0) >= Duration::from_millis(10));
        }
    }
}
