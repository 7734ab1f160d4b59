//! What a subject's ratings add up to, as frames and HTTP answers show it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Rate, Subject};

/// What a subject's ratings add up to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rating {
    /// Average of the last `window` ratings, or of all while there are fewer; null before the first one.
    pub average: Option<f64>,
    /// How many of the newest ratings the average looks back on, at most.
    pub window: u32,
    /// Ratings ever counted. A higher count is newer.
    pub count: i64,
    /// Sum of all of them.
    pub sum: i64,
}

impl Rating {
    /// Of nothing yet.
    pub const fn none(window: u32) -> Self {
        Self { average: None, window, count: 0, sum: 0 }
    }
}

/// The answer of `/total` and `/products/{id}/total`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Total {
    /// What was rated.
    pub subject: Subject,
    /// What its ratings add up to.
    #[serde(flatten)]
    pub rating: Rating,
    /// When the last one was counted; null before the first one.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What is kept of a subject's ratings to go on counting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The newest ratings, oldest of them first.
    pub recent: Vec<Rate>,
    /// Ratings ever counted.
    pub count: i64,
    /// Sum of all of them.
    pub sum: i64,
}

impl Tally {
    /// Counts one more; of the newest at most `window` are kept.
    pub fn push(&mut self, rate: Rate, window: u32) {
        self.count += 1;
        self.sum += rate.get();
        self.recent.push(rate);
        let too_many = self.recent.len().saturating_sub(at_most(window));
        self.recent.drain(..too_many);
    }

    /// As it is shown. A window that grew fills with the ratings to come.
    pub fn rating(&self, window: u32) -> Rating {
        let looked_at = self.recent.iter().rev().take(at_most(window));
        let (mut number, mut sum) = (0_u32, 0.0);
        for rate in looked_at {
            number += 1;
            sum += f64::from(u8::try_from(rate.get()).unwrap_or_default());
        }
        let average = (number > 0).then(|| sum / f64::from(number));
        Rating { average, window, count: self.count, sum: self.sum }
    }
}

fn at_most(window: u32) -> usize {
    usize::try_from(window).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(rates: impl IntoIterator<Item = i64>, window: u32) -> Tally {
        let mut tally = Tally::default();
        for rate in rates {
            tally.push(Rate::try_from(rate).unwrap(), window);
        }
        tally
    }

    #[test]
    fn the_average_looks_back_on_the_last_ones_and_the_sum_on_all() {
        let tally = tally([10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 10);
        assert_eq!((tally.recent.len(), tally.count, tally.sum), (10, 12, 65));
        let rating = Rating { average: Some(5.5), window: 10, count: 12, sum: 65 };
        assert_eq!(tally.rating(10), rating);
    }

    #[test]
    fn fewer_than_the_window_are_averaged_as_they_are() {
        assert_eq!(Tally::default().rating(10), Rating::none(10));
        assert_eq!(tally([7], 10).rating(10).average, Some(7.0));
        assert_eq!(tally([7, 8, 8], 10).rating(10).average, Some(23.0 / 3.0));
    }

    #[test]
    fn another_window_holds_from_now_on() {
        let mut tally = tally([1, 2, 3, 4], 4);
        assert_eq!(tally.rating(2).average, Some(3.5), "narrower at once");
        tally.push(Rate::MAX, 6);
        assert_eq!(tally.rating(6).average, Some(4.0), "wider as ratings come");
        tally.push(Rate::MIN, 1);
        assert_eq!((tally.recent.len(), tally.count, tally.sum), (1, 6, 20));
    }
}
