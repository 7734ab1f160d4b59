//! Frames: what viewers receive and send. The same JSON travels over WebSocket and SSE.
//!
//! A WebSocket message is `{"type":…,"cursor":…,"data":…}`; an SSE event has the type as `event:`, the cursor as `id:`
//! and the data as `data:`. The types below are the `data` of each, named by [`FrameType`].

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ListedProduct, PhotoMark, Product, ProductId, Rating, Saying, Subject, Version};

/// The name of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameType {
    /// [`Hello`]: first on every connection.
    Hello,
    /// [`Snapshot`]: the state of all products that the viewer asked for, in pages.
    Snapshot,
    /// [`ProductChanged`].
    ProductChanged,
    /// [`crate::PhotoChanged`].
    PhotoChanged,
    /// [`RatingChanged`].
    RatingChanged,
    /// [`ReplicasChanged`].
    ReplicasChanged,
    /// [`Said`].
    Said,
    /// [`Gap`].
    Gap,
    /// [`Status`].
    Status,
    /// An empty object: the connection lives; carries the cursor.
    Heartbeat,
    /// [`GoingAway`]: last on a connection that the server ends.
    GoingAway,
    /// [`ErrorFrame`].
    Error,
}

impl FrameType {
    /// Every frame.
    pub const ALL: [Self; 12] = [
        Self::Hello,
        Self::Snapshot,
        Self::ProductChanged,
        Self::PhotoChanged,
        Self::RatingChanged,
        Self::ReplicasChanged,
        Self::Said,
        Self::Gap,
        Self::Status,
        Self::Heartbeat,
        Self::GoingAway,
        Self::Error,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Snapshot => "snapshot",
            Self::ProductChanged => "product_changed",
            Self::PhotoChanged => "photo_changed",
            Self::RatingChanged => "rating_changed",
            Self::ReplicasChanged => "replicas_changed",
            Self::Said => "said",
            Self::Gap => "gap",
            Self::Status => "status",
            Self::Heartbeat => "heartbeat",
            Self::GoingAway => "going_away",
            Self::Error => "error",
        }
    }
}

/// Who answers, and how the connection starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    /// The replica that answers.
    pub replica: String,
    /// How others see this viewer, in `said`; another one on each connection.
    #[serde(default)]
    pub viewer: String,
    /// The relay's epoch; cursors of another one start with a reset.
    pub epoch: String,
    /// Whether the viewer's cursor was taken up: what it missed follows.
    pub resumed: bool,
    /// Whether the viewer's cursor was refused: a snapshot follows, and holes before it are not told otherwise.
    pub reset: bool,
    /// Relay entries between the cursor and now; absent when they are read from the stream, which does not count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
    /// Time between two heartbeats, milliseconds.
    pub heartbeat_ms: u64,
    /// What the server holds a viewer to.
    pub limits: Limits,
}

/// What the server holds a viewer to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Most product ids of one subscription.
    pub products: usize,
    /// Most bytes that may wait for this viewer before it is closed as too slow.
    pub outbox_bytes: usize,
    /// Longest message that a viewer may send, bytes.
    pub message_bytes: usize,
}

/// One page of the state of the products that the viewer asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The products of this page, by id.
    pub products: Vec<ListedProduct>,
    /// Whether what the viewer held before is void.
    pub reset: bool,
    /// Whether this is the last page; that one carries the cursor.
    pub last: bool,
}

/// A product's new state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProductChanged {
    /// The state.
    #[serde(flatten)]
    pub product: Product,
    /// The photo that the product has.
    #[serde(flatten)]
    pub photo: PhotoMark,
    /// What its ratings add up to; null while it was never rated.
    #[serde(default)]
    pub rating: Option<Rating>,
    /// First version that this frame folds in.
    pub from: Version,
    /// Time from the Kafka record's timestamp to the encoding of this frame, milliseconds; absent for a repair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<i64>,
    /// When the change was taken up by its replica, written to the database and put on the relay: milliseconds after the
    /// Kafka record's timestamp, each as that machine's clock says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_ms: Option<[i64; 3]>,
}

/// Ratings of a subject were counted. The same for viewers and on the relay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RatingChanged {
    /// What was rated.
    pub subject: Subject,
    /// What its ratings add up to. A count that is not above the one that is held is old news.
    #[serde(flatten)]
    pub rating: Rating,
}

/// A word of one viewer to all, at most once and never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// The viewer that said it, as its `hello` named it.
    pub from: String,
    /// What it said, 1 to 280 characters.
    #[schemars(with = "String")]
    pub text: Saying,
    /// When its replica heard it.
    pub at: DateTime<Utc>,
}

/// A position that went to the dead letters: a version of its product may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// The source topic.
    pub topic: String,
    /// The source partition.
    pub partition: i32,
    /// The source offset.
    pub offset: i64,
    /// Why: the name of a [`crate::PoisonReason`], or of one that a later release knows.
    pub reason: Cow<'static, str>,
    /// The product, where the record's key names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<ProductId>,
}

/// Who serves which partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicasChanged {
    /// All replicas that live, by name.
    pub replicas: Vec<Replica>,
    /// Partitions that changed hands.
    pub moved: Vec<Moved>,
}

/// One gateway replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replica {
    /// Its name.
    pub replica: String,
    /// Where it listens, `ip:port`.
    pub addr: String,
    /// The partitions of the changes topic that it owns, ascending.
    pub partitions: Vec<i32>,
    /// Records of these partitions that it has not committed yet.
    pub lag: i64,
    /// The same of each partition, in their order.
    #[serde(default)]
    pub lags: Vec<i64>,
    /// Viewers connected to it.
    pub viewers: usize,
    /// Assignments and revocations that it has seen.
    pub rebalances: u64,
    /// Since when it has its present partitions.
    pub since: DateTime<Utc>,
    /// Whether it is on its way out.
    pub draining: bool,
    /// What became of the records that it read since it started.
    #[serde(default)]
    pub outcomes: Outcomes,
}

/// What became of records, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcomes {
    /// Written.
    pub new: u64,
    /// Below the stored version: skipped.
    pub stale: u64,
    /// The stored version again, by the same event: skipped.
    pub replay: u64,
    /// The stored version again, by another event: a dead letter.
    pub conflict: u64,
    /// Not as agreed: a dead letter.
    pub poison: u64,
    /// Refused by the database: a dead letter.
    pub rejected: u64,
}

/// A partition that changed hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Moved {
    /// Which partition.
    pub partition: i32,
    /// Who had it; absent when nobody had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Who has it; absent when nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How long nobody had it, milliseconds, as the teller saw it.
    pub idle_ms: i64,
}

/// What is away; empty when all is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The services that this replica can't reach.
    pub away: Vec<Away>,
    /// Age of the newest state that this replica can vouch for, milliseconds; absent when all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_ms: Option<u64>,
}

/// A service that can't be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Away {
    /// `kafka`, `postgres` or `redis`.
    pub what: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// The server ends this connection; come back after the delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoingAway {
    /// How long to wait before connecting again, milliseconds.
    pub reconnect_after_ms: u64,
    /// `drain`, `too_slow`, `not_ready`, `full`, `misuse` or `too_large`.
    pub reason: String,
}

/// What the viewer sent was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorFrame {
    /// A stable name of the error.
    pub code: String,
    /// For a person: the field and the rule.
    pub message: String,
    /// The field that is wrong, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}
