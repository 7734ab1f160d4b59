//! The identity of a product.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::raw_event::Text;

/// A product's id: a UUID whose only valid text is lower-case with hyphens, so that one product has one Kafka key
/// and with it one partition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ProductId(Uuid);

/// A text that is no product id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID in lower-case with hyphens")]
pub struct ProductIdError;

/// The namespace under which a stock-keeping unit's text becomes a product id (UUID v5, RFC 9562 §5.5).
const SKU_NAMESPACE: Uuid = Uuid::from_u128(0x8f0b_7f0e_5a3c_4d2b_9a54_73e1_0c1e_66d1);

impl ProductId {
    /// The id of the product with this stock-keeping unit; the same text gives the same id everywhere.
    pub fn from_sku(sku: &str) -> Self {
        Self(Uuid::new_v5(&SKU_NAMESPACE, sku.as_bytes()))
    }

    /// The UUID itself.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// The record key on Kafka: the id's text.
    pub fn key(self) -> String {
        self.0.hyphenated().to_string()
    }

    /// Whether `key` is exactly this id's record key.
    pub fn is_key(self, key: &[u8]) -> bool {
        let mut text = Uuid::encode_buffer();
        self.0.hyphenated().encode_lower(&mut text).as_bytes() == key
    }
}

impl From<Uuid> for ProductId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl FromStr for ProductId {
    type Err = ProductIdError;

    fn from_str(text: &str) -> Result<Self, ProductIdError> {
        let id = Uuid::try_parse(text).map(Self).map_err(|_| ProductIdError)?;
        if id.is_key(text.as_bytes()) { Ok(id) } else { Err(ProductIdError) }
    }
}

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for ProductId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer)?.0.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ProductId {
    fn schema_name() -> Cow<'static, str> {
        "ProductId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "uuid",
            "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_text_names_a_product() {
        let text = "0190a0b0-0000-7000-8000-00000000000a";
        let id = text.parse::<ProductId>().unwrap();
        assert_eq!((id.key(), format!("{id} {id:?}")), (text.to_owned(), format!("{text} {text}")));
        for other in
            [text.to_uppercase(), text.replace('-', ""), format!("{{{text}}}"), format!("urn:uuid:{text}")]
        {
            assert_eq!(other.parse::<ProductId>(), Err(ProductIdError), "{other}");
        }
    }

    #[test]
    fn a_sku_always_gives_the_same_product() {
        assert_eq!(ProductId::from_sku("A-1"), ProductId::from_sku("A-1"));
        assert_ne!(ProductId::from_sku("A-1"), ProductId::from_sku("A-2"));
    }
}
