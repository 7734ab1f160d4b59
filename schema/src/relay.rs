//! What replicas tell each other through the relay (one Redis stream): entries of frames.
//!
//! An entry is one JSON array of [`RelayFrame`]s. It is internal to the gateways, yet part of the contract, because
//! replicas of two releases share one relay while a new release rolls out: unknown frames are ignored.

use serde::{Deserialize, Serialize};

use crate::frames::{Gap, ReplicasChanged};
use crate::{Product, Version};

/// Longest entry, bytes; a large batch takes several.
pub const MAX_ENTRY_BYTES: usize = 64 * 1024;

/// One frame of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RelayFrame {
    /// A product's stored state.
    ProductChanged(RelayedProduct),
    /// A position that went to the dead letters.
    Gap(Gap),
    /// Who serves which partitions.
    ReplicasChanged(ReplicasChanged),
    /// A frame of a later release.
    #[serde(other)]
    Unknown,
}

/// A product's state as it was stored when the frame was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelayedProduct {
    /// The state.
    #[serde(flatten)]
    pub product: Product,
    /// First version that this frame folds in; `product.version` where nothing was folded.
    pub from: Version,
    /// Timestamp of the newest Kafka record behind the frame, milliseconds since 1970; absent for a frame of repair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_ms: Option<i64>,
}
