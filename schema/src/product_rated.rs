//! `ProductRated` v1: the event of the topic `product-ratings`.
//!
//! One rating of one subject. Unlike a change it is a delta: it counts once, so whoever folds the topic must know how far
//! it has come. A rating that was sent again because its outcome was unknown is told by the header
//! [`crate::headers::IDEMPOTENCY_KEY`].

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::headers::{EventType, IDEMPOTENCY_KEY};
use crate::raw_event::{RawEvent, value_of};
use crate::{Poison, PoisonReason, Rate, Sha256, Subject};

/// One rating.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProductRated {
    /// Identity of the rating, a UUID v7.
    #[schemars(extend("pattern" = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$"))]
    pub event_id: Uuid,
    /// What is rated; also the record's key.
    pub subject: Subject,
    /// How good it is, 0 to 10.
    pub rate: Rate,
    /// When it was rated (RFC 3339, UTC), to the microsecond.
    #[schemars(extend("pattern" = "(Z|z|[+-]00:00)$"))]
    pub rated_at: DateTime<Utc>,
}

/// SHA-256 of an idempotency key. The key itself goes nowhere: it is the client's.
pub type KeyHash = Sha256;

const FIELDS: [&str; 4] = ["event_id", "subject", "rate", "rated_at"];

impl ProductRated {
    /// The value of the header `ce_type`.
    pub const TYPE: EventType = EventType { name: "shelfwire.ProductRated", version: 1 };

    /// Reads one record. `ce_type` and `ce_specversion` are the headers of these names; a record without them is
    /// taken as v1.
    ///
    /// # Errors
    /// A [`Poison`] with the first rule that does not hold.
    pub fn decode(
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        ce_type: Option<&[u8]>,
        ce_specversion: Option<&[u8]>,
    ) -> Result<Self, Poison> {
        let json = value_of(Self::TYPE, value, ce_type, ce_specversion)?;
        let mut raw = RawEvent::read(json, FIELDS)?;
        let subject = raw.text("subject")?.parse();
        let rating = Self {
            subject: subject.map_err(|e| Poison::field(PoisonReason::WrongType, "subject", e))?,
            event_id: raw.event_id("event_id")?,
            rate: raw.integer("rate")?,
            rated_at: raw.utc("rated_at")?,
        };
        if !key.is_some_and(|key| rating.subject.is_key(key)) {
            return Err(Poison::record(PoisonReason::KeyMismatch, "the record's key must be the subject"));
        }
        Ok(rating)
    }

    /// Reads the header [`IDEMPOTENCY_KEY`].
    ///
    /// # Errors
    /// It is no SHA-256.
    pub fn decode_key(header: &[u8]) -> Result<KeyHash, Poison> {
        let text = std::str::from_utf8(header).unwrap_or_default();
        text.parse().map_err(|error| Poison::field(PoisonReason::WrongType, IDEMPOTENCY_KEY, error))
    }
}
