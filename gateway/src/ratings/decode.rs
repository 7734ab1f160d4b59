//! Records become ratings, or poison.

use schema::headers::{CE_SPECVERSION, CE_TYPE, IDEMPOTENCY_KEY};
use schema::{Poison, PoisonReason, ProductRated};

use crate::db::IncomingRating;
use crate::kafka::{DeadLetter, Record};

/// A batch after decoding.
#[derive(Debug, Default)]
pub(super) struct Decoded<'b> {
    /// Ratings with their events, in the order of the batch.
    pub(super) ratings: Vec<(ProductRated, IncomingRating)>,
    /// Records that are no ratings.
    pub(super) poison: Vec<DeadLetter<'b>>,
}

/// Decodes every record of `batch`.
pub(super) fn decode(batch: &[Record]) -> Decoded<'_> {
    let mut decoded = Decoded { ratings: Vec::with_capacity(batch.len()), poison: Vec::new() };
    for record in batch {
        match decode_one(record) {
            Ok(rating) => decoded.ratings.push(rating),
            Err(poison) => {
                let error = poison.to_string();
                decoded.poison.push(DeadLetter { record, reason: poison.reason, error });
            }
        }
    }
    decoded
}

fn decode_one(record: &Record) -> Result<(ProductRated, IncomingRating), Poison> {
    if !record.has_readable_headers() {
        return Err(Poison::record(PoisonReason::NotUtf8, "a header's name is not UTF-8"));
    }
    let (key, value) = (record.key.as_deref(), record.value.as_deref());
    let rated = ProductRated::decode(key, value, record.header(CE_TYPE), record.header(CE_SPECVERSION))?;
    let incoming = IncomingRating {
        partition: record.position.partition,
        offset: record.offset,
        subject: rated.subject,
        rate: rated.rate,
        key: record.header(IDEMPOTENCY_KEY).map(ProductRated::decode_key).transpose()?,
    };
    Ok((rated, incoming))
}
