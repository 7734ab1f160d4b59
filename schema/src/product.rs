//! The current state of a product: as its changes make it, and as snapshots and HTTP answers list it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Currency, Name, PhotoMark, PriceMinor, ProductId, Rating, Stock, Version};

/// A product as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    /// Which product.
    pub product_id: ProductId,
    /// The version of this state; a higher one is newer.
    pub version: Version,
    /// What the product is called.
    pub name: Name,
    /// Its price, in minor units of `currency`.
    pub price_minor: PriceMinor,
    /// The price's currency.
    pub currency: Currency,
    /// Pieces left.
    pub stock: Stock,
    /// When the change that made this version happened, as its producer says (UTC).
    pub occurred_at: DateTime<Utc>,
}

/// A product as snapshots and HTTP answers list it: its state, and what is known of it besides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListedProduct {
    /// The state that its newest change made.
    #[serde(flatten)]
    pub product: Product,
    /// Its photo.
    #[serde(flatten)]
    pub photo: PhotoMark,
    /// What its ratings add up to; null while it was never rated.
    #[serde(default)]
    pub rating: Option<Rating>,
}
