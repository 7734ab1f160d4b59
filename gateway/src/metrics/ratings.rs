//! The ratings lane's metrics.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Outcome;

/// The ratings lane's metrics.
#[derive(Clone)]
pub struct RatingMetrics {
    /// Positions by outcome.
    ratings: Family<Outcome, Counter>,
    /// Ratings that clients sent, by answer.
    answers: Family<Outcome, Counter>,
}

impl RatingMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self { ratings: Family::default(), answers: Family::default() };
        registry.register(
            "ratings",
            "Positions by outcome: counted, repeat (of a key), replay, poison, refused (another topic)",
            metrics.ratings.clone(),
        );
        registry.register(
            "rating_requests",
            "Ratings that clients sent, by outcome: accepted, away (Kafka), busy",
            metrics.answers.clone(),
        );
        metrics
    }

    /// Counts `count` positions with `outcome`.
    pub fn count(&self, outcome: &'static str, count: u64) {
        self.ratings.get_or_create(&Outcome { outcome }).inc_by(count);
    }

    /// Counts one answer.
    pub fn answered(&self, outcome: &'static str) {
        self.answers.get_or_create(&Outcome { outcome }).inc();
    }
}
