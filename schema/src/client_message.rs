//! What a viewer may send over WebSocket: `{"type":…,"data":{…}}`.
//!
//! Unknown fields are ignored, so that a client of a later release can talk to this one. Everything else that is not as
//! written here is answered by an [`ErrorFrame`] that names the field and the rule; the connection lives on.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::frames::ErrorFrame;
use crate::{ProductId, Saying};

/// Most products of one subscription: who follows more follows all.
pub const MAX_SUBSCRIPTION: usize = 1000;
/// Longest message, bytes: [`MAX_SUBSCRIPTION`] ids take 39 KB.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Products that a viewer names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Products {
    /// All, those to come included.
    All,
    /// These.
    Only(BTreeSet<ProductId>),
}

/// A message of a viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientMessage {
    /// `subscribe {products: [id…] | "all"}`: follow these, too; a snapshot of what is new among them follows.
    Subscribe(Products),
    /// `unsubscribe {products: [id…]}`: follow these no more.
    Unsubscribe(BTreeSet<ProductId>),
    /// `say {text}`: every viewer of every replica gets it as `said`, if it is connected now.
    Say(Saying),
    /// `ping {}`: answered by a heartbeat.
    Ping,
}

impl ClientMessage {
    /// Reads a message.
    ///
    /// # Errors
    /// What to answer: the field that is wrong, and the rule.
    pub fn parse(text: &str) -> Result<Self, ErrorFrame> {
        let message: Value = serde_json::from_str(text).map_err(|error| {
            refusal("not_json", None, &format!("the message must be a JSON object: {error}"))
        })?;
        if !message.is_object() {
            return Err(refusal("not_json", None, "the message must be a JSON object"));
        }
        let products = message.pointer("/data/products");
        match message.get("type").and_then(Value::as_str) {
            Some("ping") => Ok(Self::Ping),
            Some("subscribe") => Ok(Self::Subscribe(match products.and_then(Value::as_str) {
                Some("all") => Products::All,
                _ => Products::Only(ids(products, "must be a list of product ids, or \"all\"")?),
            })),
            Some("unsubscribe") => Ok(Self::Unsubscribe(ids(products, "must be a list of product ids")?)),
            Some("say") => {
                let text = message.pointer("/data/text").and_then(Value::as_str);
                let text = text.ok_or_else(|| refusal("invalid", Some("data.text"), "must be a text"))?;
                let saying = Saying::try_from(text);
                saying.map(Self::Say).map_err(|rule| refusal("invalid", Some("data.text"), &rule.to_string()))
            }
            _ => {
                let rule = "must be \"subscribe\", \"unsubscribe\", \"say\" or \"ping\"";
                Err(refusal("invalid", Some("type"), rule))
            }
        }
    }
}

impl Products {
    /// Reads a list as it stands in a URL: ids separated by commas; nothing means all.
    ///
    /// # Errors
    /// The rule that does not hold.
    pub fn from_list(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::All);
        }
        let mut ids = BTreeSet::new();
        for (at, id) in text.split(',').enumerate() {
            if at >= MAX_SUBSCRIPTION {
                return Err(too_many());
            }
            ids.insert(id.parse().map_err(|error| format!("item {at} {error}"))?);
        }
        Ok(Self::Only(ids))
    }
}

/// The rule that a subscription to too many products breaks.
pub fn too_many() -> String {
    format!("must name at most {MAX_SUBSCRIPTION} products; leave it out to follow all")
}

fn ids(list: Option<&Value>, rule: &str) -> Result<BTreeSet<ProductId>, ErrorFrame> {
    let field = "data.products";
    let list = list.and_then(Value::as_array).ok_or_else(|| refusal("invalid", Some(field), rule))?;
    if list.len() > MAX_SUBSCRIPTION {
        return Err(refusal("too_many", Some(field), &too_many()));
    }
    let id = |(at, id): (usize, &Value)| {
        let id = id.as_str().and_then(|id| id.parse().ok());
        id.ok_or_else(|| {
            refusal("invalid", Some(&format!("{field}[{at}]")), "must be a UUID in lower-case with hyphens")
        })
    };
    list.iter().enumerate().map(id).collect()
}

/// An answer to what a viewer sent: a stable name, the field and the rule.
pub fn refusal(code: &str, field: Option<&str>, rule: &str) -> ErrorFrame {
    let message = field.map_or_else(|| rule.to_owned(), |field| format!("{field} {rule}"));
    ErrorFrame { code: code.to_owned(), message, field: field.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190a0b0-0000-7000-8000-00000000000a";

    #[test]
    fn messages_are_read() {
        let only = || [ID.parse().unwrap()].into();
        let cases = [
            (r#"{"type":"ping"}"#.to_owned(), ClientMessage::Ping),
            (
                r#"{"type":"subscribe","data":{"products":"all","every_ms":5}}"#.to_owned(),
                ClientMessage::Subscribe(Products::All),
            ),
            (
                format!(r#"{{"type":"subscribe","data":{{"products":["{ID}","{ID}"]}}}}"#),
                ClientMessage::Subscribe(Products::Only(only())),
            ),
            (
                format!(r#"{{"type":"unsubscribe","data":{{"products":["{ID}"]}}}}"#),
                ClientMessage::Unsubscribe(only()),
            ),
            (
                r#"{"type":"say","data":{"text":" h\u00e9 "}}"#.to_owned(),
                ClientMessage::Say("h\u{e9}".try_into().unwrap()),
            ),
        ];
        for (text, message) in cases {
            assert_eq!(ClientMessage::parse(&text), Ok(message), "{text}");
        }
    }

    #[test]
    fn a_refusal_names_the_field_and_the_rule() {
        let many =
            format!(r#"{{"type":"subscribe","data":{{"products":[{}1]}}}}"#, "1,".repeat(MAX_SUBSCRIPTION));
        let cases = [
            ("", "not_json", None),
            ("[]", "not_json", None),
            ("{}", "invalid", Some("type")),
            (r#"{"type":"shout"}"#, "invalid", Some("type")),
            (r#"{"type":"say"}"#, "invalid", Some("data.text")),
            (r#"{"type":"say","data":{"text":7}}"#, "invalid", Some("data.text")),
            (r#"{"type":"say","data":{"text":" "}}"#, "invalid", Some("data.text")),
            (r#"{"type":"say","data":{"text":"a\u0000"}}"#, "invalid", Some("data.text")),
            (r#"{"type":"subscribe"}"#, "invalid", Some("data.products")),
            (r#"{"type":"subscribe","data":{"products":"some"}}"#, "invalid", Some("data.products")),
            (r#"{"type":"unsubscribe","data":{"products":"all"}}"#, "invalid", Some("data.products")),
            (r#"{"type":"subscribe","data":{"products":["x"]}}"#, "invalid", Some("data.products[0]")),
            (many.as_str(), "too_many", Some("data.products")),
        ];
        for (text, code, field) in cases {
            let error = ClientMessage::parse(text).unwrap_err();
            assert_eq!((error.code.as_str(), error.field.as_deref()), (code, field), "{text}");
            assert!(error.message.contains("must"), "{}", error.message);
        }
    }

    #[test]
    fn a_list_in_a_url_is_read() {
        assert_eq!(Products::from_list(""), Ok(Products::All));
        assert_eq!(Products::from_list(ID), Ok(Products::Only([ID.parse().unwrap()].into())));
        assert!(Products::from_list(&format!("{ID},")).unwrap_err().starts_with("item 1 must"));
        assert_eq!(Products::from_list(&vec![ID; MAX_SUBSCRIPTION + 1].join(",")), Err(too_many()));
    }
}
