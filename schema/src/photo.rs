//! A product's photo as everybody but its own address sees it: the hash that names its bytes, and a revision.
//!
//! Each photo that is stored or removed gets the next revision of its product, so that of two frames the newer one can be
//! told whatever way they came. A product that never had a photo stands at revision 0.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Bounded, ProductId, Sha256};

/// Counts the photos that a product has had, removals included; 0 before the first one.
pub type PhotoRevision = Bounded<0, 9_007_199_254_740_991>;

/// SHA-256 of a photo's bytes.
pub type PhotoHash = Sha256;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_that_a_server_left_out_is_none() {
        assert_eq!(serde_json::from_str::<PhotoMark>("{}").unwrap(), PhotoMark::NONE);
        assert_eq!(serde_json::to_string(&PhotoMark::NONE).unwrap(), r#"{"photo":null,"photo_revision":0}"#);
    }
}
