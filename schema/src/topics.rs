//! The topics: names, partitions, settings.

/// Longest value of an event, bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;
/// Partitions of `product-changes`: divisible by 1, 2, 3, 4, 6 and 12 replicas.
pub const PARTITIONS: i32 = 12;
/// Default name of the topic of changes.
pub const PRODUCT_CHANGES: &str = "product-changes";

/// Default name of the topic of ratings.
pub const PRODUCT_RATINGS: &str = "product-ratings";

/// The source of events by the gateway, for `ce_source`.
pub const GATEWAY_SOURCE: &str = "/shelfwire/gateway";
/// The source of events by the generator, for `ce_source`.
pub const GENERATOR_SOURCE: &str = "/shelfwire/generator";

/// A topic as it is created when it does not exist; an existing one is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// The topic's name.
    pub name: String,
    /// How many partitions.
    pub partitions: i32,
    /// Settings of Kafka's topic configuration.
    pub config: &'static [(&'static str, &'static str)],
}

const DAY_7_MS: &str = "604800000";
const DAY_14_MS: &str = "1209600000";

/// Changes: compacted, so that the newest state of each product stays for ever; nothing younger than a week goes.
pub fn changes(base: &str) -> TopicSpec {
    let config = &[("cleanup.policy", "compact"), ("min.compaction.lag.ms", DAY_7_MS)];
    TopicSpec { name: base.to_owned(), partitions: PARTITIONS, config }
}

/// Changes driven back from the dead letters: read by the same lane, not compacted, because compaction keeps a
/// key's last record, and an old version must never be that one.
pub fn redrive(base: &str) -> TopicSpec {
    let config = &[("cleanup.policy", "delete"), ("retention.ms", DAY_14_MS)];
    TopicSpec { name: format!("{base}.redrive"), partitions: PARTITIONS, config }
}

/// Ratings: not compacted, for each one counts. What was counted stands in the database; the topic keeps what came last.
pub fn ratings(base: &str) -> TopicSpec {
    let config = &[("cleanup.policy", "delete"), ("retention.ms", DAY_14_MS)];
    TopicSpec { name: base.to_owned(), partitions: PARTITIONS, config }
}

/// Dead letters of `base`: values may be as large as any record that the broker took, plus headers.
pub fn dead_letters(base: &str) -> TopicSpec {
    let config = &[("cleanup.policy", "delete"), ("retention.ms", DAY_14_MS)];
    TopicSpec { name: format!("{base}.dlq"), partitions: PARTITIONS, config }
}
