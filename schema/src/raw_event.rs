//! Reads a JSON object's known fields as scalars, and says exactly what is wrong with them.
//!
//! A derived `Deserialize` stops at the first defect and hides its kind in a sentence. Dead letters need the kind, so
//! this reader accepts any JSON object, keeps the scalars of the fields it was asked for, remembers a duplicate, and
//! leaves the judgement to typed getters. Strings without escapes are borrowed from the input.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use uuid::Uuid;

use crate::headers::EventType;
use crate::topics::MAX_VALUE_BYTES;
use crate::{Poison, PoisonReason, ProductId};

/// The bytes of a record that may be an event of type `event`, by its headers `ce_type` and `ce_specversion`. Errors:
/// `tombstone`, `empty`, `too_large`, `unknown_type`, `unknown_version`.
pub(crate) fn value_of<'a>(
    event: EventType,
    value: Option<&'a [u8]>,
    ce_type: Option<&[u8]>,
    ce_specversion: Option<&[u8]>,
) -> Result<&'a [u8], Poison> {
    let value = value.ok_or_else(|| Poison::record(PoisonReason::Tombstone, "the value is null"))?;
    if value.is_empty() {
        return Err(Poison::record(PoisonReason::Empty, "the value has no bytes"));
    }
    if value.len() > MAX_VALUE_BYTES {
        let detail = format!("the value has {} bytes, the most is {MAX_VALUE_BYTES}", value.len());
        return Err(Poison::record(PoisonReason::TooLarge, detail));
    }
    event.check(ce_type, ce_specversion)?;
    Ok(value)
}

/// The value of one field, as far as the contract needs it.
#[derive(Debug)]
enum Scalar<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    /// A whole number that 64 bits do not hold.
    Huge,
    /// null, a boolean, a fraction, an array or an object.
    Other(&'static str),
}

/// The fields `names` of one JSON object.
pub(crate) struct RawEvent<'a, const N: usize> {
    names: [&'static str; N],
    values: [Option<Scalar<'a>>; N],
    duplicate: Option<&'static str>,
}

impl<'a, const N: usize> RawEvent<'a, N> {
    /// Reads `json`, keeping the fields `names`. Errors: `not_utf8`, `not_json`, `wrong_type` (not an object),
    /// `duplicate_key`.
    pub(crate) fn read(json: &'a [u8], names: [&'static str; N]) -> Result<Self, Poison> {
        let text = std::str::from_utf8(json).map_err(|e| {
            Poison::record(PoisonReason::NotUtf8, format!("byte {} is not UTF-8", e.valid_up_to()))
        })?;
        let mut raw = Self { names, values: std::array::from_fn(|_| None), duplicate: None };
        let mut parser = serde_json::Deserializer::from_str(text);
        let read = parser
            .deserialize_any(ObjectVisitor(&mut raw))
            .and_then(|is_object| parser.end().map(|()| is_object));
        match read {
            Err(error) => Err(Poison::record(PoisonReason::NotJson, error.to_string())),
            Ok(false) => Err(Poison::record(PoisonReason::WrongType, "the value must be a JSON object")),
            Ok(true) => match raw.duplicate {
                Some(field) => Err(Poison::field(PoisonReason::DuplicateKey, field, "stands twice")),
                None => Ok(raw),
            },
        }
    }

    fn take(&mut self, field: &'static str) -> Result<Scalar<'a>, Poison> {
        let slot = self.names.iter().position(|name| *name == field).and_then(|at| self.values.get_mut(at));
        slot.and_then(Option::take)
            .ok_or_else(|| Poison::field(PoisonReason::MissingField, field, "is not there"))
    }

    /// The text of `field`; `missing_field` or `wrong_type` where there is none.
    pub(crate) fn text(&mut self, field: &'static str) -> Result<Cow<'a, str>, Poison> {
        match self.take(field)? {
            Scalar::Text(text) => Ok(text),
            Scalar::Integer(_) | Scalar::Huge => Err(wrong_type(field, "a string", "a number")),
            Scalar::Other(what) => Err(wrong_type(field, "a string", what)),
        }
    }

    /// The whole number in `field`; `missing_field`, `wrong_type` or `out_of_range` where there is none.
    pub(crate) fn integer<T>(&mut self, field: &'static str) -> Result<T, Poison>
    where
        T: TryFrom<i64, Error: fmt::Display>,
    {
        match self.take(field)? {
            Scalar::Integer(n) => {
                T::try_from(n).map_err(|e| Poison::field(PoisonReason::OutOfRange, field, e))
            }
            Scalar::Huge => Err(Poison::field(PoisonReason::OutOfRange, field, "does not fit 64 bits")),
            Scalar::Text(_) => Err(wrong_type(field, "a whole number", "a string")),
            Scalar::Other(what) => Err(wrong_type(field, "a whole number", what)),
        }
    }

    /// The UUID of version 7 in `field`, in its one form.
    pub(crate) fn event_id(&mut self, field: &'static str) -> Result<Uuid, Poison> {
        let id = self.text(field)?.parse::<ProductId>();
        let id = id.map_err(|e| Poison::field(PoisonReason::WrongType, field, e))?.uuid();
        if id.get_version_num() == 7 {
            Ok(id)
        } else {
            Err(Poison::field(PoisonReason::OutOfRange, field, "must be a UUID of version 7"))
        }
    }

    /// The time (RFC 3339, UTC) in `field`, to the microsecond.
    pub(crate) fn utc(&mut self, field: &'static str) -> Result<DateTime<Utc>, Poison> {
        let time = DateTime::parse_from_rfc3339(&self.text(field)?).map_err(|e| {
            Poison::field(PoisonReason::WrongType, field, format!("must be a time of RFC 3339: {e}"))
        })?;
        if time.offset().local_minus_utc() != 0 {
            return Err(Poison::field(PoisonReason::OutOfRange, field, "must be in UTC"));
        }
        // PostgreSQL keeps microseconds and has no leap seconds: what is shown and what is stored must be equal
        DateTime::from_timestamp_micros(time.timestamp_micros())
            .ok_or_else(|| Poison::field(PoisonReason::OutOfRange, field, "is too far from now"))
    }
}

fn wrong_type(field: &'static str, wanted: &str, got: &str) -> Poison {
    Poison::field(PoisonReason::WrongType, field, format!("must be {wanted}, not {got}"))
}

/// Fills a [`RawEvent`]; the value says whether the JSON was an object at all.
struct ObjectVisitor<'r, 'a, const N: usize>(&'r mut RawEvent<'a, N>);

impl<'de, const N: usize> Visitor<'de> for ObjectVisitor<'_, 'de, N> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let raw = self.0;
        while let Some(Text(key)) = map.next_key()? {
            let Some(at) = raw.names.iter().position(|name| *name == key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<Scalar<'de>>()?;
            if let (Some(slot), Some(name)) = (raw.values.get_mut(at), raw.names.get(at)) {
                if slot.is_some() {
                    raw.duplicate = raw.duplicate.or(Some(name));
                }
                *slot = Some(value);
            }
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

/// A text, borrowed from the input where it has no escapes; serde's own `Cow` is always a copy.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Text)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Integer(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(n).map_or(Scalar::Huge, Scalar::Integer))
    }

    fn visit_f64<E>(self, x: f64) -> Result<Self::Value, E> {
        // digits that 64 bits do not hold arrive as a float: 2^63 is the first of them
        Ok(if x.abs() >= 9_223_372_036_854_775_808.0 { Scalar::Huge } else { Scalar::Other("a fraction") })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Other("a boolean"))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("an object"))
    }
}
