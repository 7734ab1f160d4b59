//! The audit log: what Kafka acknowledged, as JSON lines, for a checker outside.
//!
//! One unbuffered write per batch of acknowledgements, appended: a line is there or not, never half of one between two
//! others, and none waits in a buffer of ours when the process is killed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::produce::Delivered;

/// An open audit log.
#[derive(Debug)]
pub struct AuditLog {
    file: File,
    /// The batch in hand; kept for its allocation.
    lines: Vec<u8>,
}

#[derive(Serialize)]
struct Line<'a> {
    at_us: i64,
    event: &'a str,
    product_id: schema::ProductId,
    version: schema::Version,
    event_id: uuid::Uuid,
    partition: i32,
    offset: i64,
}

impl AuditLog {
    /// Opens `path` for appending; makes it when it is missing.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().create(true).append(true).open(path)?, lines: Vec::new() })
    }

    /// Writes one line for each of `delivered`.
    pub fn produced(&mut self, delivered: &[Delivered]) -> io::Result<()> {
        if delivered.is_empty() {
            return Ok(());
        }
        self.lines.clear();
        let at_us = chrono::Utc::now().timestamp_micros();
        for Delivered { change, partition, offset } in delivered {
            let line = Line {
                at_us,
                event: "produced",
                product_id: change.product_id,
                version: change.version,
                event_id: change.event_id,
                partition: *partition,
                offset: *offset,
            };
            serde_json::to_writer(&mut self.lines, &line)?;
            self.lines.push(b'\n');
        }
        self.file.write_all(&self.lines)
    }
}
