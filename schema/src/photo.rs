//! A product's photo as everybody but its own address sees it: the hash that names its bytes, and a revision.
//!
//! Each photo that is stored or removed gets the next revision of its product, so that of two frames the newer one can be
//! told whatever way they came. A product that never had a photo stands at revision 0.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Bounded, ProductId};

/// Counts the photos that a product has had, removals included; 0 before the first one.
pub type PhotoRevision = Bounded<0, 9_007_199_254_740_991>;

/// SHA-256 of a photo's bytes; its text is 64 hexadecimal digits in lower-case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhotoHash([u8; 32]);

/// A text that is no photo's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a SHA-256 in 64 hexadecimal digits, lower-case")]
pub struct PhotoHashError;

/// Which photo a product has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhotoMark {
    /// The photo's hash; null without a photo.
    #[serde(rename = "photo", default)]
    pub hash: Option<PhotoHash>,
    /// Of two marks the one with the higher revision is newer.
    #[serde(rename = "photo_revision", default = "PhotoMark::none_yet")]
    pub revision: PhotoRevision,
}

/// A product's photo was stored or removed. The same for viewers and on the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhotoChanged {
    /// Whose.
    pub product_id: ProductId,
    /// The photo's hash; null when it was removed.
    #[serde(rename = "photo")]
    pub hash: Option<PhotoHash>,
    /// A lower one than what is held is old news.
    pub revision: PhotoRevision,
}

impl PhotoMark {
    /// Of a product that never had a photo.
    pub const NONE: Self = Self { hash: None, revision: PhotoRevision::MIN };

    fn none_yet() -> PhotoRevision {
        PhotoRevision::MIN
    }
}

impl PhotoChanged {
    /// What the product has now.
    pub const fn mark(&self) -> PhotoMark {
        PhotoMark { hash: self.hash, revision: self.revision }
    }
}

impl PhotoHash {
    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for PhotoHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<&[u8]> for PhotoHash {
    type Error = PhotoHashError;

    fn try_from(bytes: &[u8]) -> Result<Self, PhotoHashError> {
        bytes.try_into().map(Self).map_err(|_| PhotoHashError)
    }
}

impl FromStr for PhotoHash {
    type Err = PhotoHashError;

    fn from_str(text: &str) -> Result<Self, PhotoHashError> {
        let (digits, rest) = text.as_bytes().as_chunks::<2>();
        let mut bytes = [0; 32];
        if digits.len() != bytes.len() || !rest.is_empty() {
            return Err(PhotoHashError);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(digits) {
            *byte = (nibble(*high)? << 4) | nibble(*low)?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, PhotoHashError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(PhotoHashError),
    }
}

impl fmt::Display for PhotoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        let mut text = [0; 64];
        let (pairs, _) = text.as_chunks_mut::<2>();
        for (pair, byte) in pairs.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for PhotoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PhotoHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PhotoHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for PhotoHash {
    fn schema_name() -> Cow<'static, str> {
        "PhotoHash".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_one_text() {
        let hash = PhotoHash::from(std::array::from_fn(|at| u8::try_from(at * 8).unwrap()));
        let text = hash.to_string();
        assert_eq!(text.len(), 64);
        assert!(text.starts_with("0008101820") && text.ends_with("f0f8"), "{text}");
        assert_eq!(text.parse(), Ok(hash));
        let bad = [text.to_uppercase(), format!("{text}0"), format!("{text}00"), text.replace("00", "0g")];
        for bad in bad.iter().map(String::as_str).chain(["", "00", "é"]) {
            assert_eq!(bad.parse::<PhotoHash>(), Err(PhotoHashError), "{bad}");
        }
    }

    #[test]
    fn a_mark_that_a_server_left_out_is_none() {
        assert_eq!(serde_json::from_str::<PhotoMark>("{}").unwrap(), PhotoMark::NONE);
        assert_eq!(serde_json::to_string(&PhotoMark::NONE).unwrap(), r#"{"photo":null,"photo_revision":0}"#);
    }
}
