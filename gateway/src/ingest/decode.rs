//! Records become changes, or poison.

use schema::headers::{CE_SPECVERSION, CE_TYPE};
use schema::{Poison, PoisonReason, ProductChanged, ProductId};

use crate::kafka::Record;

/// A batch after decoding. Numbers are places in the batch.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    /// Changes, in the order of the batch.
    pub(super) changes: Vec<(usize, ProductChanged)>,
    /// Records that are no changes.
    pub(super) poison: Vec<(usize, Poison)>,
}

/// Decodes every record of `batch`.
pub(super) fn decode(batch: &[Record]) -> Decoded {
    let mut decoded = Decoded { changes: Vec::with_capacity(batch.len()), poison: Vec::new() };
    for (at, record) in batch.iter().enumerate() {
        match decode_one(record) {
            Ok(change) => decoded.changes.push((at, change)),
            Err(poison) => decoded.poison.push((at, poison)),
        }
    }
    decoded
}

fn decode_one(record: &Record) -> Result<ProductChanged, Poison> {
    if !record.has_readable_headers() {
        return Err(Poison::record(PoisonReason::NotUtf8, "a header's name is not UTF-8"));
    }
    let (key, value) = (record.key.as_deref(), record.value.as_deref());
    ProductChanged::decode(key, value, record.header(CE_TYPE), record.header(CE_SPECVERSION))
}

/// The product that a record's key names, where it names one.
pub(super) fn product_of(record: &Record) -> Option<ProductId> {
    std::str::from_utf8(record.key.as_deref()?).ok()?.parse().ok()
}
