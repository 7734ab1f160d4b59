//! What makes a record unreadable: named reasons that become dead letters and metrics.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A record that is not an event of the contract: why, where, and in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Poison {
    /// The class of the defect.
    pub reason: PoisonReason,
    /// The field that is wrong, where one is.
    pub field: Option<&'static str>,
    /// The rule that does not hold, for a person.
    pub detail: String,
}

impl Poison {
    /// A defect of the record as a whole.
    pub fn record(reason: PoisonReason, detail: impl Into<String>) -> Self {
        Self { reason, field: None, detail: detail.into() }
    }

    /// A defect of one field.
    pub fn field(reason: PoisonReason, field: &'static str, detail: impl fmt::Display) -> Self {
        Self { reason, field: Some(field), detail: detail.to_string() }
    }
}

impl fmt::Display for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(f, "{}: {field} {}", self.reason, self.detail),
            None => write!(f, "{}: {}", self.reason, self.detail),
        }
    }
}

/// Why a record went to the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoisonReason {
    /// The value has no bytes.
    Empty,
    /// The value is null: products are not deleted.
    Tombstone,
    /// The value is longer than [`crate::topics::MAX_VALUE_BYTES`].
    TooLarge,
    /// The value is not UTF-8.
    NotUtf8,
    /// The value is not JSON.
    NotJson,
    /// A field stands twice.
    DuplicateKey,
    /// A field is not there.
    MissingField,
    /// A field, or the whole value, has another type.
    WrongType,
    /// A field breaks its rule.
    OutOfRange,
    /// The record's key is not the event's product id.
    KeyMismatch,
    /// `ce_type` names another event.
    UnknownType,
    /// `ce_type` or `ce_specversion` names a version that is not known here.
    UnknownVersion,
    /// A stored version came again with another event id.
    Conflict,
    /// The database refused the values.
    Rejected,
}

impl PoisonReason {
    /// Every reason, in the contract's order.
    pub const ALL: [Self; 14] = [
        Self::Empty,
        Self::Tombstone,
        Self::TooLarge,
        Self::NotUtf8,
        Self::NotJson,
        Self::DuplicateKey,
        Self::MissingField,
        Self::WrongType,
        Self::OutOfRange,
        Self::KeyMismatch,
        Self::UnknownType,
        Self::UnknownVersion,
        Self::Conflict,
        Self::Rejected,
    ];

    /// The reason's name in headers, metrics and frames.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Tombstone => "tombstone",
            Self::TooLarge => "too_large",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::DuplicateKey => "duplicate_key",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::OutOfRange => "out_of_range",
            Self::KeyMismatch => "key_mismatch",
            Self::UnknownType => "unknown_type",
            Self::UnknownVersion => "unknown_version",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
        }
    }
}

/// For frames, whose readers may be of an earlier release: there a reason is a text that may be new.
impl From<PoisonReason> for Cow<'static, str> {
    fn from(reason: PoisonReason) -> Self {
        Self::Borrowed(reason.as_str())
    }
}

impl fmt::Display for PoisonReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_one_name_everywhere() {
        for reason in PoisonReason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
