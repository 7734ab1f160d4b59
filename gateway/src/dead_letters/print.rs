//! How dead letters are printed.
//!
//! What they hold was written by anybody: a control character of theirs must not reach a terminal as one.

use std::borrow::Cow;
use std::io::{self, Write as _};

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use crate::kafka::Letter;

/// Most characters of a key and of an error in a table.
const SHOWN: (usize, usize) = (36, 100);
const HEADINGS: [&str; 7] = ["POSITION", "WRITTEN", "REASON", "SOURCE", "SENT BACK", "KEY", "ERROR"];

/// One line of standard output.
pub(super) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// One line for machines.
pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// A line for each letter, in columns.
pub(super) fn table(letters: &[Letter]) -> io::Result<()> {
    if letters.is_empty() {
        return Ok(());
    }
    let mut rows: Vec<[String; 7]> = vec![HEADINGS.map(str::to_owned)];
    rows.extend(letters.iter().map(row));
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let padded = |row: &[String; 7]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().try_for_each(|row| line(padded(row).trim_end()))
}

/// One letter with all that it holds.
pub(super) fn whole(letter: &Letter) -> io::Result<()> {
    let field = |name: &str, value: Option<String>| match value {
        Some(value) => line(&format!("{name:<10}  {}", escaped(&value))),
        None => Ok(()),
    };
    let failure = letter.failure();
    field("position", Some(format!("{}/{}", letter.partition, letter.offset)))?;
    field("reason", failure.reason)?;
    field("error", failure.error)?;
    field("source", Some(failure.source))?;
    field("written", failure.at)?;
    field("by", failure.replica)?;
    field("produced", letter.recorded_ms().map(time))?;
    field("sent back", Some(format!("{} times", letter.redrives)))?;
    if let Some(first) = letter.first() {
        field("at first", first.reason)?;
        field("", first.error)?;
        field("", Some(first.source))?;
        field("", first.at)?;
    }
    field("key", letter.key())?;
    for (name, value) in letter.headers() {
        field("header", Some(format!("{name}: {}", value.unwrap_or_else(|| "null".to_owned()))))?;
    }
    field("cut", letter.cut.map(|bytes| format!("to fit; the value had {bytes} bytes")))?;
    match letter.value() {
        Some(value) => line(&format!("\n{}", escaped(&value))),
        None => line("\n(null)"),
    }
}

fn row(letter: &Letter) -> [String; 7] {
    let failure = letter.failure();
    [
        format!("{}/{}", letter.partition, letter.offset),
        letter.written_ms.map(time).unwrap_or_default(),
        escaped(&failure.reason.unwrap_or_default()).into_owned(),
        escaped(&failure.source).into_owned(),
        letter.redrives.to_string(),
        start(&escaped(&letter.key().unwrap_or_default()), SHOWN.0),
        start(&escaped(&failure.error.unwrap_or_default()), SHOWN.1),
    ]
}

/// Something about what is printed; nobody may be there to hear it.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// `text` with its control characters written out.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let visible = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(visible).collect())
}

fn start(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn time(ms: i64) -> String {
    let time = DateTime::from_timestamp_millis(ms);
    time.map_or_else(|| ms.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_a_terminal_is_written_out() {
        assert_eq!(escaped("Tee für 3 €"), "Tee für 3 €");
        assert_eq!(escaped("a\u{1b}[2Jb\n\u{9b}"), "a\\u{1b}[2Jb\\n\\u{9b}");
        assert_eq!((start("abcd", 4), start("abcde", 4)), ("abcd".to_owned(), "abc…".to_owned()));
    }
}
