//! Changes of made-up products.

use serde_json::json;
use uuid::Uuid;

/// A change as a producer would make it; its fields are free, so that tests can make bad ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) product: Uuid,
    pub(crate) version: i64,
    pub(crate) event: Uuid,
    pub(crate) price: i64,
}

impl Change {
    /// A new event for a version of `product`; the price tells the version.
    pub(crate) fn of(product: Uuid, version: i64) -> Self {
        Self { product, version, event: Uuid::now_v7(), price: 100 + version }
    }

    /// Versions `from..=to` of `product`.
    pub(crate) fn row(product: Uuid, from: i64, to: i64) -> Vec<Self> {
        (from..=to).map(|version| Self::of(product, version)).collect()
    }

    /// The record's key.
    pub(crate) fn key(&self) -> String {
        self.product.to_string()
    }

    /// The record's value.
    pub(crate) fn value(&self) -> Vec<u8> {
        let event = json!({
            "event_id": self.event, "product_id": self.product, "version": self.version,
            "name": "Test blanket", "price_minor": self.price, "currency": "EUR", "stock": 7,
            "occurred_at": "2026-11-21T13:00:00Z",
        });
        serde_json::to_vec(&event).unwrap()
    }

    /// The change as the gateway decodes it.
    pub(crate) fn decoded(&self) -> schema::ProductChanged {
        let key = self.key();
        schema::ProductChanged::decode(Some(key.as_bytes()), Some(&self.value()), None, None).unwrap()
    }
}

/// A product that nobody else has.
pub(crate) fn product() -> Uuid {
    Uuid::now_v7()
}
