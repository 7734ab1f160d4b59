//! The name of a product.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::raw_event::Text;

/// A product's name: 1 to 200 characters (Unicode scalar values), without NUL, which PostgreSQL's `text` cannot
/// hold. Shared, because the same name goes into every frame and row of its product.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(Arc<str>);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or longer than [`Name::MAX_CHARS`].
    #[error("must have 1 to 200 characters, not {0}")]
    Length(usize),
    /// Contains U+0000.
    #[error("must not contain NUL")]
    Nul,
}

impl Name {
    /// Most characters a name may have.
    pub const MAX_CHARS: usize = 200;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Name {
    type Error = NameError;

    fn try_from(text: &str) -> Result<Self, NameError> {
        // a text of at most 200 bytes needs no count of its characters
        if text.is_empty() || (text.len() > Self::MAX_CHARS && text.chars().count() > Self::MAX_CHARS) {
            return Err(NameError::Length(text.chars().count()));
        }
        if text.contains('\0') {
            return Err(NameError::Nul);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        Self::try_from(text.as_ref()).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\u0000]*$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters() {
        assert!(Name::try_from("é".repeat(200).as_str()).is_ok());
        assert_eq!(Name::try_from("é".repeat(201).as_str()), Err(NameError::Length(201)));
        assert_eq!(Name::try_from(""), Err(NameError::Length(0)));
    }

    #[test]
    fn nul_is_refused() {
        assert_eq!(Name::try_from("a\0b"), Err(NameError::Nul));
    }
}
