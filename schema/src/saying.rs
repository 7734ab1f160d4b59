//! A word of one viewer to all others.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most characters (Unicode scalar values) of a word.
pub const MAX_SAYING_CHARS: usize = 280;

/// What a viewer says: 1 to [`MAX_SAYING_CHARS`] characters without blanks around them and without control characters,
/// which could make a line of a log or a terminal out of it that nobody said. Any other character stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Saying(String);

/// A text that can't be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {MAX_SAYING_CHARS} characters besides blanks around them, and no control characters")]
pub struct SayingError;

impl Saying {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Saying {
    type Error = SayingError;

    fn try_from(text: &str) -> Result<Self, SayingError> {
        let text = text.trim();
        // counted only as far as it matters
        let count = text.chars().take(MAX_SAYING_CHARS + 1).count();
        if (1..=MAX_SAYING_CHARS).contains(&count) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SayingError)
        }
    }
}

impl TryFrom<String> for Saying {
    type Error = SayingError;

    fn try_from(text: String) -> Result<Self, SayingError> {
        Self::try_from(text.as_str())
    }
}

impl From<Saying> for String {
    fn from(saying: Saying) -> Self {
        saying.0
    }
}

impl fmt::Display for Saying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_character_but_control_characters_can_be_said() {
        let longest = "\u{1F469}".repeat(MAX_SAYING_CHARS);
        for text in
            ["a", "«Grüße» 你好 مرحبا", "👩\u{200D}👩\u{200D}👧", "e\u{301}\u{FFFD}\u{10FFFF}", &longest]
        {
            assert_eq!(Saying::try_from(text).unwrap().as_str(), text);
        }
        assert_eq!(Saying::try_from(" \t two  words\u{3000}\n").unwrap().as_str(), "two  words");
        let longer = format!("{longest}x");
        for wrong in ["", " \n ", "a\nb", "a\0b", "\u{1B}[31m", "a\u{7F}b", "a\u{85}b", &longer] {
            assert_eq!(Saying::try_from(wrong), Err(SayingError), "{wrong:?}");
        }
    }
}
