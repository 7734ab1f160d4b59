//! Which product changes next: every one as often, or few of them most of the time.
//!
//! Real shops sell few products often and many rarely. Zipf's law with exponent `s` says that the product of rank `k`
//! comes up in proportion to `1 / k^s`; `s = 0` is uniform. Rank is the place in the catalogue.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Zipf};

/// A way to take a place in `0..n`.
#[derive(Debug, Clone)]
pub enum Choose {
    /// Each place as often.
    Uniform(usize),
    /// Low places more often.
    Zipf(Zipf<f64>, usize),
}

impl Choose {
    /// Among `n` places with exponent `s`; `None` when there is no place, or `s` is not a number from 0 on.
    pub fn new(n: usize, s: f64) -> Option<Self> {
        if n == 0 {
            return None;
        }
        if s == 0.0 {
            return Some(Self::Uniform(n));
        }
        #[expect(clippy::cast_precision_loss, reason = "a catalogue has at most a million products")]
        Zipf::new(n as f64, s).ok().map(|zipf| Self::Zipf(zipf, n))
    }

    /// A place in `0..n`.
    pub fn place(&self, rng: &mut impl Rng) -> usize {
        match self {
            Self::Uniform(n) => rng.random_range(0..*n),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank is in 1..=n")]
            Self::Zipf(zipf, n) => (zipf.sample(rng) as usize).clamp(1, *n) - 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn counts(s: f64) -> Vec<u32> {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let choose = Choose::new(10, s).unwrap();
        let mut counts = vec![0; 10];
        (0..10_000).for_each(|_| counts[choose.place(&mut rng)] += 1);
        counts
    }

    #[test]
    fn without_skew_each_comes_as_often() {
        assert!(counts(0.0).iter().all(|n| (900..1100).contains(n)));
    }

    #[test]
    fn with_skew_the_first_comes_most_and_the_last_still_comes() {
        let counts = counts(1.0);
        assert!((3200..3650).contains(&counts[0]), "1/H(10) is 34 %: {counts:?}");
        assert!(counts[9] > 200, "{counts:?}");
    }

    #[test]
    fn nothing_can_be_chosen_from_nothing() {
        assert!(Choose::new(0, 0.0).is_none());
        assert!(Choose::new(1, -1.0).is_none());
        assert!(Choose::new(1, f64::NAN).is_none());
    }
}
