//! What replicas tell each other through the relay (one Redis stream): entries of frames.
//!
//! An entry is one JSON array of [`RelayFrame`]s. It is internal to the gateways, yet part of the contract, because
//! replicas of two releases share one relay while a new release rolls out: unknown frames are ignored.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::frames::{Gap, RatingChanged, ReplicasChanged};
use crate::{Currency, Name, PhotoChanged, PriceMinor, Product, ProductId, Stock, Version};

/// Longest entry, bytes; a large batch takes several.
pub const MAX_ENTRY_BYTES: usize = 64 * 1024;

/// One frame of an entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RelayFrame {
    /// A product's stored state.
    ProductChanged(RelayedProduct),
    /// A product's photo was stored or removed.
    PhotoChanged(PhotoChanged),
    /// Ratings of a subject were counted.
    RatingChanged(RatingChanged),
    /// A position that went to the dead letters.
    Gap(Gap),
    /// Who serves which partitions.
    ReplicasChanged(ReplicasChanged),
    /// A frame of a later release.
    Unknown,
}

impl RelayFrame {
    /// Reads one frame. In two looks, for its type and then for its fields: what serde derives for a type inside the
    /// object keeps a tree of it in between, and every replica reads every change.
    ///
    /// # Errors
    /// It is not JSON, or a frame of a known type lacks what it must have.
    pub fn read(json: &str) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(rename = "type", borrow)]
            kind: Cow<'a, str>,
        }
        let head: Head<'_> = serde_json::from_str(json)?;
        match head.kind.as_ref() {
            "product_changed" => serde_json::from_str(json).map(Self::ProductChanged),
            "photo_changed" => serde_json::from_str(json).map(Self::PhotoChanged),
            "rating_changed" => serde_json::from_str(json).map(Self::RatingChanged),
            "gap" => serde_json::from_str(json).map(Self::Gap),
            "replicas_changed" => serde_json::from_str(json).map(Self::ReplicasChanged),
            _ => Ok(Self::Unknown),
        }
    }
}

impl<'de> Deserialize<'de> for RelayFrame {
    /// From JSON text only.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(<&RawValue>::deserialize(deserializer)?.get()).map_err(serde::de::Error::custom)
    }
}

/// A product's state as it was stored when the frame was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Flat")]
pub struct RelayedProduct {
    /// The state.
    #[serde(flatten)]
    pub product: Product,
    /// First version that this frame folds in; `product.version` where nothing was folded.
    pub from: Version,
    /// Timestamp of the newest Kafka record behind the frame, milliseconds since 1970; absent for a frame of repair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_ms: Option<i64>,
    /// When the batch of the newest record was taken up, and when it was written: milliseconds after `recorded_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_ms: Option<[i64; 2]>,
}

/// The fields as they stand in the JSON: a flattened struct is read by way of a tree.
#[derive(Deserialize)]
struct Flat {
    product_id: ProductId,
    version: Version,
    name: Name,
    price_minor: PriceMinor,
    currency: Currency,
    stock: Stock,
    occurred_at: DateTime<Utc>,
    from: Version,
    #[serde(default)]
    recorded_ms: Option<i64>,
    #[serde(default)]
    path_ms: Option<[i64; 2]>,
}

impl From<Flat> for RelayedProduct {
    fn from(flat: Flat) -> Self {
        let Flat { product_id, version, name, price_minor, currency, stock, occurred_at, .. } = flat;
        let product = Product { product_id, version, name, price_minor, currency, stock, occurred_at };
        Self { product, from: flat.from, recorded_ms: flat.recorded_ms, path_ms: flat.path_ms }
    }
}
