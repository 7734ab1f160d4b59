//! What a record carries beside the change.

use chrono::SecondsFormat;
use rand::RngExt;
use rdkafka::message::{Header, OwnedHeaders};
use schema::{ProductChanged, headers as names, topics};

/// CloudEvents' binary mode, and a trace that begins here.
pub(super) fn headers(change: &ProductChanged) -> OwnedHeaders {
    let id = change.event_id.hyphenated().to_string();
    let time = change.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut rng = rand::rng();
    // the trace and span ids must not be all zeros (W3C Trace Context, §3.2.2)
    let trace =
        format!("00-{:032x}-{:016x}-01", rng.random_range(1..=u128::MAX), rng.random_range(1..=u64::MAX));
    let event_type = ProductChanged::TYPE.to_string();
    [
        (names::CE_ID, id.as_str()),
        (names::CE_SOURCE, topics::GENERATOR_SOURCE),
        (names::CE_SPECVERSION, "1.0"),
        (names::CE_TIME, &time),
        (names::CE_TYPE, &event_type),
        (names::CONTENT_TYPE, "application/json"),
        (names::TRACEPARENT, &trace),
    ]
    .into_iter()
    .fold(OwnedHeaders::new_with_capacity(7), |all, (key, value)| {
        all.insert(Header { key, value: Some(value) })
    })
}
