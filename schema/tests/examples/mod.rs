//! The examples of `events/` as records, for every test that needs good or bad ones: those of this crate, and those
//! that send them through a real Kafka (`#[path = "…/schema/tests/examples/mod.rs"] mod examples;`).
//!
//! A good example is a file with one value; its record key is the `product_id` in it. A bad one stands in
//! `poison.json` and tells how it differs from `good/plain.json`:
//!
//! | `value` | the record's value |
//! |---|---|
//! | `null` | none: a tombstone |
//! | `{}` | `good/plain.json` as it is: the key or the headers are wrong |
//! | `{"set": {field: value}}`, `{"without": field}` | that file with one field changed, or left out |
//! | `{"replace": [from, to]}` | that file's text with one place changed |
//! | `{"pad_to": n}` | that file with blanks at the end, `n` bytes in all |
//! | `{"text": …}`, `{"hex": …}` | these bytes |
//!
//! `key`: the record's key, `null` for none; without it the key is right. `headers`: by name. `beyond_schema`: why the
//! JSON Schema takes the value all the same.

#![allow(dead_code, reason = "each test binary that includes this file uses its own part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't go on panics")]

use std::collections::BTreeMap;

use schema::PoisonReason;
use serde::Deserialize;
use serde_json::Value;

/// The change from which the bad examples differ.
const PLAIN: &str = include_str!("../../events/good/plain.json");

/// A record that decodes.
pub(crate) struct Good {
    pub(crate) name: &'static str,
    pub(crate) key: String,
    pub(crate) value: &'static [u8],
}

/// A record that must not decode.
#[derive(Debug)]
pub(crate) struct Poison {
    pub(crate) name: String,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) reason: PoisonReason,
    pub(crate) field: Option<String>,
    pub(crate) beyond_schema: Option<String>,
}

impl Poison {
    /// The bytes of the header `name`.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(String::as_bytes)
    }
}

macro_rules! good_files {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../events/good/", $name, ".json")))),*]
    };
}

/// All good examples.
pub(crate) fn good() -> Vec<Good> {
    let files = good_files!(
        "plain",
        "smallest",
        "largest",
        "escapes",
        "unknown_fields",
        "nanoseconds",
        "leap_second"
    );
    files
        .into_iter()
        .map(|(name, text)| Good { name, key: product_id(text), value: text.as_bytes() })
        .collect()
}

/// All bad examples.
pub(crate) fn poison() -> Vec<Poison> {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../events/poison.json")).unwrap();
    cases.into_iter().map(Case::record).collect()
}

/// One line of `poison.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    reason: PoisonReason,
    field: Option<String>,
    value: Option<Rule>,
    #[serde(default = "right_key")]
    key: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    beyond_schema: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Rule {
    set: BTreeMap<String, Value>,
    without: Option<String>,
    replace: Option<[String; 2]>,
    pad_to: Option<usize>,
    text: Option<String>,
    hex: Option<String>,
}

/// The key where a case tells none.
#[expect(clippy::unnecessary_wraps, reason = "the default of a field has its type")]
fn right_key() -> Option<String> {
    Some(product_id(PLAIN))
}

impl Case {
    fn record(self) -> Poison {
        Poison {
            value: self.value.map(|rule| rule.bytes(&self.name)),
            key: self.key.map(String::into_bytes),
            name: self.name,
            headers: self.headers,
            reason: self.reason,
            field: self.field,
            beyond_schema: self.beyond_schema,
        }
    }
}

impl Rule {
    fn bytes(self, name: &str) -> Vec<u8> {
        if let Some(hex) = self.hex {
            return (0..hex.len())
                .step_by(2)
                .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
                .collect();
        }
        if let Some(text) = self.text {
            return text.into_bytes();
        }
        let mut text = PLAIN.trim_end().to_owned();
        if !self.set.is_empty() || self.without.is_some() {
            let mut event: BTreeMap<String, Value> = serde_json::from_str(PLAIN).unwrap();
            event.extend(self.set);
            self.without.map(|field| event.remove(&field).unwrap());
            text = serde_json::to_string(&event).unwrap();
        }
        if let Some([from, to]) = self.replace {
            assert_eq!(text.matches(&from).count(), 1, "{name}: {from:?} must stand once in good/plain.json");
            text = text.replace(&from, &to);
        }
        let pad = self.pad_to.unwrap_or(0).saturating_sub(text.len());
        (text + &" ".repeat(pad)).into_bytes()
    }
}

fn product_id(json: &str) -> String {
    let event: Value = serde_json::from_str(json).unwrap();
    event["product_id"].as_str().unwrap().to_owned()
}
