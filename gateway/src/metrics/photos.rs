//! The photos lane's metrics.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// A label named `cache`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CacheLabel {
    /// `hit`, `miss` or `bypass`.
    pub cache: &'static str,
}

/// A label named `outcome`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabel {
    /// `stored`, `removed`, `too_large`, `unsupported`, `broken` or `failed`.
    pub outcome: &'static str,
}

/// The photos lane's metrics.
#[derive(Clone)]
pub struct PhotoMetrics {
    /// Requests for photos, by where the answer came from.
    pub requests: Family<CacheLabel, Counter>,
    /// Photos read from the database.
    pub database_reads: Counter,
    /// Uploads and removals, by what became of them.
    pub uploads: Family<OutcomeLabel, Counter>,
}

impl PhotoMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            database_reads: Counter::default(),
            uploads: Family::default(),
        };
        registry.register(
            "photo_requests",
            "Photos answered, by where they came from",
            metrics.requests.clone(),
        );
        registry.register(
            "photo_database_reads",
            "Photos read from the database",
            metrics.database_reads.clone(),
        );
        registry.register(
            "photo_uploads",
            "Uploads and removals of photos, by outcome",
            metrics.uploads.clone(),
        );
        metrics
    }
}
