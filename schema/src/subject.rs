//! What is rated: a product, or the site as a whole.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ProductId;
use crate::raw_event::Text;

/// The text that stands for the site.
const SITE: &str = "site";

/// What is rated. Its text is also the Kafka key of its ratings, so that all of them are on one partition, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The site as a whole: `site`.
    Site,
    /// One product: its id.
    Product(ProductId),
}

/// A text that names no subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `site`, or a product id: a UUID in lower-case with hyphens")]
pub struct SubjectError;

impl Subject {
    /// The product, where it is one.
    pub const fn product_id(self) -> Option<ProductId> {
        match self {
            Self::Site => None,
            Self::Product(id) => Some(id),
        }
    }

    /// Whether `key` is exactly this subject's record key.
    pub fn is_key(self, key: &[u8]) -> bool {
        match self {
            Self::Site => key == SITE.as_bytes(),
            Self::Product(id) => id.is_key(key),
        }
    }
}

impl From<ProductId> for Subject {
    fn from(id: ProductId) -> Self {
        Self::Product(id)
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        if text == SITE {
            return Ok(Self::Site);
        }
        text.parse().map(Self::Product).map_err(|_| SubjectError)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site => f.write_str(SITE),
            Self::Product(id) => id.fmt(f),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer)?.0.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Subject {
    fn schema_name() -> Cow<'static, str> {
        "Subject".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(site|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_the_site_or_a_product() {
        let id = "0190a0b0-0000-7000-8000-00000000000a";
        for text in ["site", id] {
            let subject: Subject = text.parse().unwrap();
            assert_eq!(subject.to_string(), text);
            assert!(subject.is_key(text.as_bytes()) && !subject.is_key(b"other"));
            let json = serde_json::to_string(&subject).unwrap();
            assert_eq!(serde_json::from_str::<Subject>(&json).unwrap(), subject);
        }
        for other in ["", "Site", "site ", "0190A0B0-0000-7000-8000-00000000000A", "0190a0b0"] {
            assert_eq!(other.parse::<Subject>(), Err(SubjectError), "{other}");
        }
    }
}
