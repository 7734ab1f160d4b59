//! Whole numbers that know their range.
//!
//! One generic type serves every number of the contract, so that a range is written once, in its type, and the
//! JSON Schema, the decoder and the error message cannot disagree about it.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// A whole number in `MIN..=MAX`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Bounded<const MIN: i64, const MAX: i64>(i64);

/// A product's version: 1, 2, 3 … without a gap; at most 2^53−1, the largest whole number that every JSON
/// reader holds exactly (RFC 8259 §6).
pub type Version = Bounded<1, 9_007_199_254_740_991>;
/// A price in minor units of its currency (cents for EUR), at most 10^12.
pub type PriceMinor = Bounded<0, 1_000_000_000_000>;
/// Pieces in stock; the upper end is PostgreSQL's `integer`.
pub type Stock = Bounded<0, 2_147_483_647>;
/// A rating, from 0 (bad) to 10 (good).
pub type Rate = Bounded<0, 10>;

/// A number outside its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from {min} to {max}, not {value}")]
pub struct OutOfRange {
    /// The number that was given.
    pub value: i64,
    /// Smallest valid number.
    pub min: i64,
    /// Largest valid number.
    pub max: i64,
}

impl<const MIN: i64, const MAX: i64> Bounded<MIN, MAX> {
    /// The smallest value.
    pub const MIN: Self = Self(MIN);
    /// The largest value.
    pub const MAX: Self = Self(MAX);

    /// The number itself.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// `value`, moved to the nearest end when it lies outside.
    pub fn saturating(value: i64) -> Self {
        Self(value.clamp(MIN, MAX))
    }

    /// The number that follows; `None` at the upper end.
    pub fn next(self) -> Option<Self> {
        Self::try_from(self.0.checked_add(1)?).ok()
    }
}

impl<const MIN: i64, const MAX: i64> TryFrom<i64> for Bounded<MIN, MAX> {
    type Error = OutOfRange;

    fn try_from(value: i64) -> Result<Self, OutOfRange> {
        if (MIN..=MAX).contains(&value) {
            Ok(Self(value))
        } else {
            Err(OutOfRange { value, min: MIN, max: MAX })
        }
    }
}

impl<const MIN: i64, const MAX: i64> fmt::Display for Bounded<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: i64, const MAX: i64> fmt::Debug for Bounded<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for Bounded<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(i64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl<const MIN: i64, const MAX: i64> JsonSchema for Bounded<MIN, MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Integer_{MIN}_{MAX}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_valid_and_their_neighbours_are_not() {
        assert!(Version::try_from(0).is_err());
        assert_eq!(Version::try_from(1).map(Version::get), Ok(1));
        assert_eq!(Version::try_from((1 << 53) - 1), Ok(Version::MAX));
        assert!(Version::try_from(1 << 53).is_err());
    }

    #[test]
    fn the_last_version_has_no_next_one() {
        assert_eq!(Version::MAX.next(), None);
        assert_eq!(Version::MIN.next().map(Version::get), Some(2));
    }

    #[test]
    fn json_outside_the_range_is_refused() {
        assert!(serde_json::from_str::<Stock>("-1").is_err());
        assert_eq!(serde_json::from_str::<Stock>("7").unwrap().get(), 7);
    }
}
