//! A record of the topic, read as the gateway reads it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use schema::{Poison, PoisonReason, ProductChanged, headers};

/// Judged as by the gateway, so that both hold the same records for changes.
pub(super) fn decode(message: &BorrowedMessage<'_>) -> Result<ProductChanged, Poison> {
    // the newest header of a name counts
    let header = |name: &str| {
        let found = message.headers()?.iter().filter(|header| header.key == name).last()?;
        found.value
    };
    // the library panics at a name that is not UTF-8, and Kafka takes any: one record must not end every start
    let named =
        catch_unwind(AssertUnwindSafe(|| (header(headers::CE_TYPE), header(headers::CE_SPECVERSION))));
    let Ok((event_type, spec)) = named else {
        return Err(Poison::record(PoisonReason::NotUtf8, "a header's name is not UTF-8"));
    };
    ProductChanged::decode(message.key(), message.payload(), event_type, spec)
}
