//! The audit log: JSON lines that let a checker prove the guarantees from outside.
//!
//! Each batch and stage is one unbuffered write, so a process that dies may lack the line of the step in which it died
//! and no other. Without a file every call is a no-op.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::Serialize;

/// Where audit lines go; clones share the file.
#[derive(Debug, Clone, Default)]
pub struct Audit(Option<Arc<Mutex<File>>>);

/// One line.
#[derive(Debug, Serialize)]
struct Line<'a, T> {
    at_us: i64,
    replica: &'a str,
    #[serde(flatten)]
    what: &'a T,
}

impl Audit {
    /// Opens `path` for appending; no path, no log.
    ///
    /// # Errors
    /// What the system says when the file can't be opened.
    pub fn open(path: Option<&Path>) -> std::io::Result<Self> {
        let Some(path) = path else { return Ok(Self(None)) };
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(Some(Arc::new(Mutex::new(file)))))
    }

    /// Whether anybody listens: lets callers skip the making of lines.
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Writes the lines of one batch and stage in one go.
    pub fn write<T: Serialize>(&self, replica: &str, lines: &[T]) {
        let Some(file) = &self.0 else { return };
        let at_us = chrono::Utc::now().timestamp_micros();
        let mut text = Vec::new();
        for what in lines {
            if serde_json::to_writer(&mut text, &Line { at_us, replica, what }).is_ok() {
                text.push(b'\n');
            }
        }
        let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Err(error) = file.write_all(&text) {
            tracing::error!(%error, "the audit log can't be written");
        }
    }
}
