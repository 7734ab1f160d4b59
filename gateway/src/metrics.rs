//! What `/metrics` shows. One value made at start and passed in; no global recorder.
//!
//! Names start with `shelfwire_`, units are base units, and no label holds a product id or a viewer's text. A metric's
//! HELP line is what stands beside its registration.

pub mod photos;
pub mod ratings;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use photos::PhotoMetrics;
use ratings::RatingMetrics;

/// A label named `outcome`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// Of a change `new`, `stale`, `replay`, `conflict`, `poison` or `rejected`; of other things as their help says.
    pub outcome: &'static str,
}

/// A label named `reason`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reason {
    /// Why.
    pub reason: &'static str,
}

/// A label named `stage`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Stage {
    /// A step of the ingest loop: `decode`, `apply`, `relay`, `dead_letters`.
    pub stage: &'static str,
}

/// A label named `transport`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Transport {
    /// `ws` or `sse`.
    pub transport: &'static str,
}

/// A label named `topic`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Topic {
    /// A topic that is consumed.
    pub topic: String,
}

/// All metrics of one process; clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// Of the ingest lane.
    pub ingest: IngestMetrics,
    /// Of writing to the relay.
    pub relay: RelayMetrics,
    /// Of the live lane.
    pub live: LiveMetrics,
    /// Of the ratings lane.
    pub ratings: RatingMetrics,
    /// Of the photos lane.
    pub photos: PhotoMetrics,
}

/// The ingest lane's metrics.
#[derive(Clone)]
pub struct IngestMetrics {
    /// Positions by outcome.
    pub changes: Family<Outcome, Counter>,
    /// Dead letters written, by reason.
    pub dead_letters: Family<Reason, Counter>,
    /// Records of a batch.
    pub batch_rows: Histogram,
    /// Time of a batch's stages.
    pub stage_seconds: Family<Stage, Histogram, fn() -> Histogram>,
    /// Tries that failed and are repeated, by stage.
    pub retries: Family<Stage, Counter>,
    /// Partitions owned now.
    pub partitions: Family<Topic, Gauge>,
    /// Records of the owned partitions that are not committed.
    pub lag: Family<Topic, Gauge>,
    /// Assignments and revocations.
    pub rebalances: Counter,
    /// Partitions taken away without a chance to finish.
    pub lost: Counter,
}

/// Metrics of writing to the relay, by whichever lane.
#[derive(Clone)]
pub struct RelayMetrics {
    /// Relay entries written.
    pub entries: Counter,
    /// Tries that failed and are repeated.
    pub retries: Counter,
    /// Epochs begun because a write could not be relayed, by reason.
    pub epoch_changes: Family<Reason, Counter>,
}

/// The live lane's metrics.
#[derive(Clone)]
pub struct LiveMetrics {
    /// Viewers connected now.
    pub viewers: Family<Transport, Gauge>,
    /// Frames handed to viewers.
    pub frames: Family<Transport, Counter>,
    /// Words of viewers by outcome: `said`, `busy`, `away`; and those heard: `heard`, `left_out`, `unreadable`.
    pub words: Family<Outcome, Counter>,
    /// Viewers closed, by reason.
    pub closed: Family<Reason, Counter>,
    /// Connections by how they began: `fresh`, `resumed`, `reset`.
    pub connects: Family<Reason, Counter>,
    /// From a Kafka record's timestamp to the encoding of its frame.
    pub age_seconds: Histogram,
    /// Bytes that wait for viewers.
    pub outbox_bytes: Gauge,
    /// Bytes of the ring.
    pub ring_bytes: Gauge,
    /// Products in the view.
    pub view_products: Gauge,
    /// Relay entries read.
    pub relay_entries: Counter,
    /// Frames of the relay that could not be read and were left out.
    pub unreadable: Counter,
    /// Epochs entered.
    pub epochs: Counter,
    /// Products whose view differed from the database and was put right: zero outside faults.
    pub repairs: Counter<u64, AtomicU64>,
}

fn seconds() -> Histogram {
    // 0.5 ms to 16 s
    Histogram::new(exponential_buckets(0.000_5, 2.0, 16))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("shelfwire");
        let ingest = IngestMetrics::register(&mut registry);
        let relay = RelayMetrics::register(&mut registry);
        let live = LiveMetrics::register(&mut registry);
        let ratings = RatingMetrics::register(&mut registry);
        let photos = PhotoMetrics::register(&mut registry);
        Self { registry: Arc::new(registry), ingest, relay, live, ratings, photos }
    }
}

impl Metrics {
    /// The text that `/metrics` answers with (`OpenMetrics` 1.0).
    pub fn text(&self) -> String {
        let mut out = String::new();
        // writing to a String can't fail
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

impl IngestMetrics {
    fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            changes: Family::default(),
            dead_letters: Family::default(),
            batch_rows: Histogram::new(exponential_buckets(1.0, 2.0, 14)),
            stage_seconds: Family::new_with_constructor(seconds),
            retries: Family::default(),
            partitions: Family::default(),
            lag: Family::default(),
            rebalances: Counter::default(),
            lost: Counter::default(),
        };
        registry.register("changes", "Positions by outcome", metrics.changes.clone());
        registry.register("dead_letters", "Dead letters written, by reason", metrics.dead_letters.clone());
        registry.register("batch_rows", "Records of one batch", metrics.batch_rows.clone());
        registry.register_with_unit(
            "ingest_stage",
            "Time of each stage of a batch",
            Unit::Seconds,
            metrics.stage_seconds.clone(),
        );
        registry.register("ingest_retries", "Stages that failed and were repeated", metrics.retries.clone());
        registry.register("partitions", "Partitions owned now, by topic", metrics.partitions.clone());
        registry.register(
            "lag_records",
            "Records of the owned partitions not committed yet",
            metrics.lag.clone(),
        );
        registry.register("rebalances", "Assignments and revocations", metrics.rebalances.clone());
        registry.register(
            "partitions_lost",
            "Partitions lost without a chance to finish",
            metrics.lost.clone(),
        );
        metrics
    }

    /// Counts `count` positions with `outcome`.
    pub fn count(&self, outcome: &'static str, count: u64) {
        self.changes.get_or_create(&Outcome { outcome }).inc_by(count);
    }
}

impl RelayMetrics {
    fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            entries: Counter::default(),
            retries: Counter::default(),
            epoch_changes: Family::default(),
        };
        registry.register("relay_entries_written", "Relay entries written", metrics.entries.clone());
        registry.register(
            "relay_retries",
            "Entries that Redis did not take at once",
            metrics.retries.clone(),
        );
        registry.register(
            "epoch_changes",
            "Relay epochs begun by writers, by reason",
            metrics.epoch_changes.clone(),
        );
        metrics
    }
}

impl LiveMetrics {
    /// Counts a viewer's word.
    pub fn say(&self, outcome: &'static str) {
        self.words.get_or_create(&Outcome { outcome }).inc();
    }

    fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            viewers: Family::default(),
            frames: Family::default(),
            words: Family::default(),
            closed: Family::default(),
            connects: Family::default(),
            age_seconds: seconds(),
            outbox_bytes: Gauge::default(),
            ring_bytes: Gauge::default(),
            view_products: Gauge::default(),
            relay_entries: Counter::default(),
            unreadable: Counter::default(),
            epochs: Counter::default(),
            repairs: Counter::default(),
        };
        registry.register("viewers", "Viewers connected now", metrics.viewers.clone());
        registry.register("frames", "Frames handed to viewers", metrics.frames.clone());
        registry.register("words", "Words of viewers, said and heard, by outcome", metrics.words.clone());
        registry.register("viewers_closed", "Viewers that went, by reason", metrics.closed.clone());
        registry.register("viewer_connects", "Connections by how they began", metrics.connects.clone());
        registry.register_with_unit(
            "change_age",
            "Time from a Kafka record's timestamp to the encoding of its frame",
            Unit::Seconds,
            metrics.age_seconds.clone(),
        );
        registry.register_with_unit(
            "outbox",
            "Bytes that wait for viewers",
            Unit::Bytes,
            metrics.outbox_bytes.clone(),
        );
        registry.register_with_unit(
            "ring",
            "Bytes of recent relay entries kept",
            Unit::Bytes,
            metrics.ring_bytes.clone(),
        );
        registry.register("view_products", "Products in the view", metrics.view_products.clone());
        registry.register("relay_entries_read", "Relay entries read", metrics.relay_entries.clone());
        registry.register(
            "relay_frames_unreadable",
            "Frames of the relay that could not be read and were left out",
            metrics.unreadable.clone(),
        );
        registry.register("epochs_entered", "Relay epochs entered", metrics.epochs.clone());
        registry.register(
            "repairs",
            "Products whose view was put right; zero outside faults",
            metrics.repairs.clone(),
        );
        metrics
    }
}
