//! A viewer's place in the relay: epoch and stream entry.
//!
//! Viewers get it as a token that they hand back, on any replica, when they connect again; they must not read it. It is
//! made of characters that stand unescaped in a URL and in an SSE `id:`. A token that this code would not have written
//! is refused, so that a client's mistake shows at once instead of as a hole.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::redis::EntryId;

/// Longest token: 32 hexadecimal digits, and two numbers of at most 20 digits.
const MAX_CHARS: usize = 32 + 1 + 20 + 1 + 20;

/// A place in one epoch's stream: everything up to this entry was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The stream.
    pub(super) epoch: Uuid,
    /// The last entry that was seen.
    pub(super) id: EntryId,
}

impl Cursor {
    /// Of no epoch.
    pub(super) const UNKNOWN: Self = Self { epoch: Uuid::nil(), id: EntryId { ms: 0, seq: 0 } };
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a cursor as this service handed it out")]
pub(super) struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch.simple(), self.id)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        if text.len() > MAX_CHARS {
            return Err(CursorError);
        }
        let (epoch, id) = text.split_once('.').ok_or(CursorError)?;
        let epoch = Uuid::try_parse(epoch).map_err(|_| CursorError)?;
        let id = id.parse().map_err(|()| CursorError)?;
        let cursor = Self { epoch, id };
        if cursor.to_string() == text { Ok(cursor) } else { Err(CursorError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_the_same_place() {
        let cursor = Cursor { epoch: Uuid::from_u128(7), id: EntryId { ms: u64::MAX, seq: u64::MAX } };
        let text = cursor.to_string();
        assert_eq!(text.len(), MAX_CHARS);
        assert_eq!(text.parse(), Ok(cursor));
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-'), "{text}");
    }

    #[test]
    fn only_what_was_handed_out_is_taken() {
        let good = Cursor { epoch: Uuid::from_u128(0xab), id: EntryId { ms: 5, seq: 0 } }.to_string();
        let bad = [
            String::new(),
            ".".into(),
            "5-0".into(),
            good.to_uppercase(),
            format!("{good} "),
            format!("{good}0"),
            good.replace("5-0", "05-0"),
            good.replace("5-0", "+5-0"),
            good.replace("5-0", "5"),
            good.replace("5-0", "18446744073709551616-0"),
            format!("{}.5-0", Uuid::from_u128(0xab)),
            "a".repeat(1000),
        ];
        for text in bad {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }
}
