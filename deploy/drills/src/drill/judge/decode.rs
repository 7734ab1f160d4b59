//! The judge's own reading of records, written from the contract's text: it must not trust the services' decoding.
//!
//! Only whether a record is as agreed matters here, not which rule it breaks first.

use serde::Deserialize;
use uuid::Uuid;

use crate::drill::evidence::Record;
use crate::drill::evidence::seen::Shown;
use crate::drill::evidence::tables::Product;

/// Longest value, bytes.
const MAX_VALUE: usize = 65_536;
/// Largest version: 2^53 − 1.
const MAX_VERSION: i64 = (1 << 53) - 1;

/// A change that is as agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) product: Uuid,
    pub(super) version: i64,
    pub(super) event: Uuid,
    /// All of it, as a table should hold it.
    pub(super) stored: Product,
}

/// A rating that is as agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rating {
    pub(super) subject: String,
    pub(super) rate: i64,
    /// SHA-256 of the idempotency key, hexadecimal.
    pub(super) key: Option<String>,
}

#[derive(Deserialize)]
struct RawChange {
    event_id: String,
    product_id: String,
    version: i64,
    name: String,
    price_minor: i64,
    currency: String,
    stock: i64,
    occurred_at: String,
}

#[derive(Deserialize)]
struct RawRating {
    event_id: String,
    subject: String,
    rate: i64,
    rated_at: String,
}

/// The change that a record holds; none: it is poison.
pub(super) fn change(record: &Record) -> Option<Change> {
    let raw: RawChange = value(record, b"shelfwire.ProductChanged.v1")?;
    let (product, event) = (id(&raw.product_id)?, id(&raw.event_id)?);
    let right = event.get_version_num() == 7
        && record.key.as_deref() == Some(raw.product_id.as_bytes())
        && (1..=MAX_VERSION).contains(&raw.version)
        && (1..=200).contains(&raw.name.chars().count())
        && !raw.name.contains('\0')
        && (0..=1_000_000_000_000).contains(&raw.price_minor)
        && raw.currency.len() == 3
        && raw.currency.bytes().all(|letter| letter.is_ascii_uppercase())
        && (0..=i64::from(i32::MAX)).contains(&raw.stock)
        && utc(&raw.occurred_at);
    let shown = Shown { version: raw.version, price: raw.price_minor, stock: raw.stock };
    let occurred_at = micros(&raw.occurred_at);
    let stored = Product { shown, event, name: raw.name, currency: raw.currency, occurred_at };
    right.then_some(Change { product, version: raw.version, event, stored })
}

/// The rating that a record holds; none: it is poison.
pub(super) fn rating(record: &Record) -> Option<Rating> {
    let raw: RawRating = value(record, b"shelfwire.ProductRated.v1")?;
    let key = match record.header("idempotency-key") {
        None => None,
        Some(key) => Some(std::str::from_utf8(key).ok().filter(|key| key.len() == 64)?.to_owned()),
    };
    let right = id(&raw.event_id)?.get_version_num() == 7
        && record.key.as_deref() == Some(raw.subject.as_bytes())
        && (raw.subject == "site" || id(&raw.subject).is_some())
        && (0..=10).contains(&raw.rate)
        && utc(&raw.rated_at);
    right.then_some(Rating { subject: raw.subject, rate: raw.rate, key })
}

fn value<'r, T: Deserialize<'r>>(record: &'r Record, kind: &[u8]) -> Option<T> {
    let value = record.value.as_deref().filter(|value| value.len() <= MAX_VALUE)?;
    let said = |name, wanted: &[u8]| record.header(name).is_none_or(|said| said == wanted);
    if !said("ce_type", kind) || !said("ce_specversion", b"1.0") {
        return None;
    }
    serde_json::from_slice(value).ok()
}

/// A UUID in its one form.
fn id(text: &str) -> Option<Uuid> {
    text.parse::<Uuid>().ok().filter(|id| id.to_string() == text)
}

/// The same time without its zone, with six digits of a second.
fn micros(utc: &str) -> String {
    let clock = utc.to_ascii_uppercase();
    let clock = clock.trim_end_matches('Z').trim_end_matches("+00:00");
    let (seconds, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    format!("{seconds}.{fraction:0<6.6}")
}

/// A time of RFC 3339 in UTC, by its form.
fn utc(text: &str) -> bool {
    let (day, clock) = text.split_at_checked(11).unwrap_or_default();
    let clock = clock.strip_suffix('Z').or_else(|| clock.strip_suffix("+00:00")).unwrap_or_default();
    let digits = |text: &str, between: char, parts: usize| {
        let split: Vec<&str> = text.split(between).collect();
        split.len() == parts
            && split.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty())
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    day.strip_suffix(['T', 't']).is_some_and(|day| digits(day, '-', 3))
        && digits(clock, ':', 3)
        && digits(fraction, ':', 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::fleet::spoiler;

    #[test]
    fn a_time_is_written_as_the_tables_are_read() {
        let same =
            ["2026-01-01T00:00:00.1Z", "2026-01-01t00:00:00.100000+00:00", "2026-01-01T00:00:00.1000009z"];
        for text in same {
            assert_eq!(micros(text), "2026-01-01T00:00:00.100000", "{text}");
        }
        assert_eq!(micros("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00.000000");
    }

    #[test]
    fn good_records_are_read_and_every_kind_of_poison_is_known() {
        let product = Uuid::now_v7();
        let record = |value: Vec<u8>| Record {
            key: Some(product.to_string().into_bytes()),
            value: Some(value),
            ..Record::default()
        };
        let good = record(spoiler::change(product, 7).to_string().into_bytes());
        let read = change(&good).unwrap();
        assert_eq!((read.version, read.stored.shown.price, &*read.stored.currency), (7, 107, "EUR"));
        for n in 0..6 {
            let (reason, value) = spoiler::poison(product, 7, n);
            assert_eq!(change(&record(value)), None, "{reason}");
        }
        assert_eq!(change(&Record { key: None, ..good.clone() }), None);
        let header = |name: &str, value: &str| vec![(name.to_owned(), value.as_bytes().to_vec())];
        assert_eq!(
            change(&Record { headers: header("ce_type", "shelfwire.ProductChanged.v2"), ..good }),
            None
        );
    }
}
