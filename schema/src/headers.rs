//! Record headers: CloudEvents' binary mode for Kafka, W3C trace context, and those of dead letters.
//!
//! Source of the first: CloudEvents 1.0, *Kafka Protocol Binding*, §3.2; of the second: W3C *Trace Context*.

use crate::{Poison, PoisonReason};

/// Header: the event's id.
pub const CE_ID: &str = "ce_id";
/// Header: who produced the event.
pub const CE_SOURCE: &str = "ce_source";
/// Header: the version of CloudEvents, `1.0`.
pub const CE_SPECVERSION: &str = "ce_specversion";
/// Header: when the event happened, RFC 3339.
pub const CE_TIME: &str = "ce_time";
/// Header: the event's type, see [`EventType`].
pub const CE_TYPE: &str = "ce_type";
/// Header: the media type of the value.
pub const CONTENT_TYPE: &str = "content-type";
/// Header: W3C trace context.
pub const TRACEPARENT: &str = "traceparent";

/// Header of a rating: SHA-256 of the key by which a rating that is sent again counts once, see [`crate::KeyHash`].
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Headers that a dead letter carries besides those of its source record.
pub mod dead_letter {
    /// The source record's key, byte for byte; absent when it had none.
    pub const KEY: &str = "dlq-key";
    /// Why: a [`crate::PoisonReason`].
    pub const REASON: &str = "dlq-reason";
    /// The rule that does not hold, for a person.
    pub const ERROR: &str = "dlq-error";
    /// The source topic.
    pub const TOPIC: &str = "dlq-topic";
    /// The source partition, decimal.
    pub const PARTITION: &str = "dlq-partition";
    /// The source offset, decimal.
    pub const OFFSET: &str = "dlq-offset";
    /// The source record's timestamp, milliseconds since 1970, decimal.
    pub const TIMESTAMP: &str = "dlq-timestamp";
    /// When the dead letter was written, RFC 3339.
    pub const AT: &str = "dlq-at";
    /// The replica that wrote it.
    pub const REPLICA: &str = "dlq-replica";
    /// How often the record was driven back before, decimal.
    pub const REDRIVES: &str = "dlq-redrives";
    /// Original length of the value in bytes, decimal; present when value, key or headers had to be cut to fit, or the
    /// headers could not be read.
    pub const CUT: &str = "dlq-cut";

    /// What tells of one failure. A record that is driven back has that of its first one along, see [`first`].
    pub const FAILURE: [&str; 8] = [REASON, ERROR, TOPIC, PARTITION, OFFSET, TIMESTAMP, AT, REPLICA];
    const FIRST: &str = "dlq-first-";

    /// The header that tells the same of the first failure: `dlq-first-reason` for [`REASON`].
    pub fn first(name: &str) -> String {
        format!("{FIRST}{}", name.trim_start_matches("dlq-"))
    }

    /// Whether a header of a record goes into its dead letter, and of a letter into what is driven back: all but those
    /// of its latest failure.
    pub fn travels(name: &str) -> bool {
        !name.starts_with("dlq-") || name.starts_with(FIRST)
    }
}

/// A type of event with its version; on the wire `name.vN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// The name, without the version.
    pub name: &'static str,
    /// The version, from 1.
    pub version: u32,
}

impl EventType {
    /// Checks the headers `ce_type` and `ce_specversion` of a record; absent ones are taken as right.
    ///
    /// # Errors
    /// `unknown_type` or `unknown_version`.
    pub fn check(self, ce_type: Option<&[u8]>, ce_specversion: Option<&[u8]>) -> Result<(), Poison> {
        if let Some(version) = ce_specversion.filter(|v| *v != b"1.0") {
            let detail = format!("must be 1.0, not {}", version.escape_ascii());
            return Err(Poison::field(PoisonReason::UnknownVersion, CE_SPECVERSION, detail));
        }
        let Some(ce_type) = ce_type else { return Ok(()) };
        let version = ce_type.strip_prefix(self.name.as_bytes()).and_then(|rest| rest.strip_prefix(b".v"));
        let reason = match version {
            Some(v) if v == self.version.to_string().as_bytes() => return Ok(()),
            Some(v) if !v.is_empty() && v.iter().all(u8::is_ascii_digit) => PoisonReason::UnknownVersion,
            _ => PoisonReason::UnknownType,
        };
        Err(Poison::field(reason, CE_TYPE, format!("must be {self}, not {}", ce_type.escape_ascii())))
    }
}

impl std::fmt::Display for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.v{}", self.name, self.version)
    }
}
