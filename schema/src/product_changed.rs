//! `ProductChanged` v1: the event of the topic `product-changes`.
//!
//! It carries the product's whole state, never a delta, so that a writer that comes late can do no harm: the version
//! alone decides. [`ProductChanged::decode`] is the one door through which a record's bytes become an event; what it
//! lets through fits the database and every frame.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::headers::EventType;
use crate::raw_event::{RawEvent, value_of};
use crate::{Currency, Name, Poison, PoisonReason, PriceMinor, Product, ProductId, Stock, Version};

/// The whole state of a product after one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProductChanged {
    /// Identity of the change, a UUID v7; a repeat carries the same one.
    #[schemars(extend("pattern" = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$"))]
    pub event_id: Uuid,
    /// Which product; also the record's key.
    pub product_id: ProductId,
    /// 1, 2, 3 … without a gap per product.
    pub version: Version,
    /// What the product is called.
    pub name: Name,
    /// Its price, in minor units of `currency`.
    pub price_minor: PriceMinor,
    /// The price's currency.
    pub currency: Currency,
    /// Pieces left.
    pub stock: Stock,
    /// When the change happened (RFC 3339, UTC), to the microsecond.
    #[schemars(extend("pattern" = "(Z|z|[+-]00:00)$"))]
    pub occurred_at: DateTime<Utc>,
}

const FIELDS: [&str; 8] =
    ["event_id", "product_id", "version", "name", "price_minor", "currency", "stock", "occurred_at"];

impl ProductChanged {
    /// The value of the header `ce_type`.
    pub const TYPE: EventType = EventType { name: "shelfwire.ProductChanged", version: 1 };

    /// Reads one record. `ce_type` and `ce_specversion` are the headers of these names; a record without them is
    /// taken as v1.
    ///
    /// # Errors
    /// A [`Poison`] with the first rule that does not hold.
    pub fn decode(
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        ce_type: Option<&[u8]>,
        ce_specversion: Option<&[u8]>,
    ) -> Result<Self, Poison> {
        let value = value_of(Self::TYPE, value, ce_type, ce_specversion)?;
        let change = Self::from_json(value)?;
        if !key.is_some_and(|key| change.product_id.is_key(key)) {
            return Err(Poison::record(PoisonReason::KeyMismatch, "the record's key must be the product_id"));
        }
        Ok(change)
    }

    fn from_json(json: &[u8]) -> Result<Self, Poison> {
        let mut raw = RawEvent::read(json, FIELDS)?;
        Ok(Self {
            event_id: raw.event_id("event_id")?,
            product_id: raw
                .text("product_id")?
                .parse()
                .map_err(|e| Poison::field(PoisonReason::WrongType, "product_id", e))?,
            version: raw.integer("version")?,
            name: Name::try_from(raw.text("name")?.as_ref())
                .map_err(|e| Poison::field(PoisonReason::OutOfRange, "name", e))?,
            price_minor: raw.integer("price_minor")?,
            currency: Currency::try_from(raw.text("currency")?.as_ref())
                .map_err(|e| Poison::field(PoisonReason::OutOfRange, "currency", e))?,
            stock: raw.integer("stock")?,
            occurred_at: raw.utc("occurred_at")?,
        })
    }

    /// The state that the product has after this change.
    pub fn product(&self) -> Product {
        Product {
            product_id: self.product_id,
            version: self.version,
            name: self.name.clone(),
            price_minor: self.price_minor,
            currency: self.currency,
            stock: self.stock,
            occurred_at: self.occurred_at,
        }
    }
}
