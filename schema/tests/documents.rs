//! The documents of the interfaces, held from outside: each reference leads somewhere, each example fits its schema, and
//! topics, frames, messages and headers are those of the code. That no address is missing is held by the gateway's tests.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't go on panics")]

mod kept;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use schema::client_message::ClientMessage;
use schema::frames::FrameType;
use schema::headers::dead_letter;
use schema::topics::{self, TopicSpec};
use schema::{Product, ProductChanged, ProductRated, Total, documents};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A document as it is.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// All documents and schemas as definitions of one schema, by file name, with their references led there.
static DEFINITIONS: LazyLock<Value> = LazyLock::new(|| {
    let documents = [("openapi.json", documents::OPENAPI), ("asyncapi.json", documents::ASYNCAPI)];
    let documents = documents.map(|(name, text)| (name.to_owned(), text));
    let schemas = documents::SCHEMAS.map(|(name, text)| (format!("events/{name}"), text));
    let all = documents.into_iter().chain(schemas).map(|(name, text)| {
        let mut document = read(text);
        lead(&mut document, &name);
        (name, document)
    });
    Value::Object(all.collect::<Map<_, _>>())
});

/// Turns references of `file` into those from the top.
fn lead(value: &mut Value, file: &str) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(to)) = members.get_mut("$ref") {
                let (named, place) = to.split_once('#').unwrap_or((to, ""));
                let named = if named.is_empty() { file } else { named };
                *to = format!("#/$defs/{}{place}", named.replace('/', "~1"));
            }
            members.values_mut().for_each(|member| lead(member, file));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| lead(item, file)),
        _ => {}
    }
}

/// What a reference leads to; anything else is itself.
fn led(value: &Value) -> &Value {
    let Some(to) = value["$ref"].as_str() else { return value };
    let to = to.strip_prefix("#/$defs").unwrap();
    led(DEFINITIONS.pointer(to).unwrap_or_else(|| panic!("nothing is at {to}")))
}

/// Calls `look` with every object in `value`, and where it is.
fn walk<'v>(value: &'v Value, place: &str, look: &mut impl FnMut(&str, &'v Map<String, Value>)) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            look(place, members);
            members.iter().map(|(name, member)| (name.replace('/', "~1"), member)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => return,
    };
    for (name, member) in members {
        walk(member, &format!("{place}/{name}"), look);
    }
}

fn assert_fits(value: &Value, schema: &Value, place: &str) {
    let whole = json!({ "$schema": DRAFT, "$defs": *DEFINITIONS, "allOf": [schema] });
    let validator = jsonschema::options().should_validate_formats(true).build(&whole).unwrap();
    assert!(validator.is_valid(value), "{place}: {:?}", validator.validate(value).err());
}

fn asyncapi() -> &'static Value {
    &DEFINITIONS["asyncapi.json"]
}

fn names(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn every_reference_leads_somewhere() {
    let mut count = 0;
    walk(&DEFINITIONS, "", &mut |place, object| {
        if let Some(to) = object.get("$ref") {
            let to = to.as_str().unwrap().strip_prefix("#/$defs").unwrap();
            assert!(DEFINITIONS.pointer(to).is_some(), "{place}: nothing is at {to}");
            count += 1;
        }
    });
    assert!(count > 200, "only {count} references were found");
}

#[test]
fn every_example_of_http_fits_its_schema() {
    let mut count = 0;
    walk(&DEFINITIONS["openapi.json"], "", &mut |place, object| {
        let Some(schema) = object.get("schema") else { return };
        let named = object.get("examples").and_then(Value::as_object);
        let named = named.into_iter().flatten().map(|(_, example)| &led(example)["value"]);
        for example in object.get("example").into_iter().chain(named) {
            assert_fits(example, schema, place);
            count += 1;
        }
    });
    assert!(count > 60, "only {count} examples were found");
}

#[test]
fn every_json_body_has_an_example() {
    walk(&DEFINITIONS["openapi.json"], "", &mut |place, object| {
        let json = object.get("content").and_then(|content| content.get("application/json"));
        let bare = json.is_some_and(|json| json["schema"] == json!({ "type": "object" }));
        assert!(bare || json.is_none_or(|json| json.get("example").is_some()), "{place}");
    });
}

#[test]
fn every_message_has_an_example_that_fits() {
    for (name, message) in asyncapi()["components"]["messages"].as_object().unwrap() {
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            assert_fits(&example["payload"], &message["payload"], name);
            if let Some(headers) = example.get("headers") {
                assert_fits(headers, &message["headers"], name);
            }
        }
    }
}

#[test]
fn both_transports_tell_every_frame() {
    let frames: BTreeSet<&str> = FrameType::ALL.iter().map(|frame| frame.as_str()).collect();
    for (operation, prefix) in [("tellByWebSocket", "ws"), ("tellByEvents", "sse")] {
        let told = asyncapi()["operations"][operation]["messages"].as_array().unwrap();
        let told: BTreeSet<&str> =
            told.iter().map(|message| led(message)["name"].as_str().unwrap()).collect();
        assert_eq!(told, frames, "{operation}");
        for frame in &frames {
            let message = &asyncapi()["components"]["messages"][format!("{prefix}.{frame}")];
            let payload = message["payload"]["$ref"].as_str().unwrap();
            let (place, is_envelope) = match payload.strip_suffix("/properties/data") {
                Some(place) => (place, false),
                None => (payload, true),
            };
            assert_eq!(led(&json!({ "$ref": place }))["title"], **frame, "the envelope that is referred to");
            assert_eq!(is_envelope, prefix == "ws", "{prefix}.{frame}");
        }
    }
}

#[test]
fn what_viewers_may_say_is_understood() {
    let heard = asyncapi()["operations"]["hearFromViewers"]["messages"].as_array().unwrap();
    let understood: BTreeSet<&str> = heard
        .iter()
        .map(|message| {
            let message = led(message);
            let example = &message["examples"][0]["payload"];
            let name = match ClientMessage::parse(&example.to_string()).unwrap() {
                ClientMessage::Subscribe(_) => "subscribe",
                ClientMessage::Unsubscribe(_) => "unsubscribe",
                ClientMessage::Say(_) => "say",
                ClientMessage::Ping => "ping",
            };
            assert_eq!(message["name"], name);
            name
        })
        .collect();
    assert_eq!(understood, BTreeSet::from(["subscribe", "unsubscribe", "say", "ping"]));
}

#[test]
fn topics_are_described_as_they_are_made() {
    let (changes, ratings) = (topics::PRODUCT_CHANGES, topics::PRODUCT_RATINGS);
    let made: [(TopicSpec, &str); 5] = [
        (topics::changes(changes), "ProductChanged"),
        (topics::redrive(changes), "ProductChanged"),
        (topics::dead_letters(changes), "DeadLetter"),
        (topics::ratings(ratings), "ProductRated"),
        (topics::dead_letters(ratings), "DeadLetter"),
    ];
    let channels = asyncapi()["channels"].as_object().unwrap().values();
    let described: Vec<&Value> =
        channels.filter(|channel| channel["bindings"]["kafka"].is_object()).collect();
    assert_eq!(described.len(), made.len());
    for (topic, message) in made {
        let channel = described.iter().find(|channel| channel["address"] == topic.name).unwrap();
        let kafka = &channel["bindings"]["kafka"];
        assert_eq!((&kafka["topic"], &kafka["partitions"]), (&json!(topic.name), &json!(topic.partitions)));
        assert_eq!(names(&channel["messages"]), BTreeSet::from([message]), "{}", topic.name);
        let set = |name| topic.config.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let told = &kafka["topicConfiguration"];
        assert_eq!(told["cleanup.policy"][0].as_str(), set("cleanup.policy"), "{}", topic.name);
        let retention = told["retention.ms"].as_i64().map(|ms| ms.to_string());
        assert_eq!(retention.as_deref(), set("retention.ms"), "{}", topic.name);
    }
}

#[test]
fn headers_are_described_as_they_are_sent() {
    let headers = |message: &str| &asyncapi()["components"]["messages"][message]["headers"]["properties"];
    let types = [("ProductChanged", ProductChanged::TYPE), ("ProductRated", ProductRated::TYPE)];
    for (message, event_type) in types {
        assert_eq!(headers(message)["ce_type"]["const"], event_type.to_string());
    }
    let of_letters = [dead_letter::KEY, dead_letter::REDRIVES, dead_letter::CUT].map(str::to_owned);
    let failure = dead_letter::FAILURE.iter().flat_map(|name| [(*name).to_owned(), dead_letter::first(name)]);
    let of_letters: BTreeSet<String> = of_letters.into_iter().chain(failure).collect();
    assert_eq!(names(headers("DeadLetter")), of_letters.iter().map(String::as_str).collect());
}

#[test]
fn the_documents_are_of_this_release() {
    for document in [documents::OPENAPI, documents::ASYNCAPI].map(read) {
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn every_schema_on_disk_is_served() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let files =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let on_disk: BTreeSet<String> = files.filter(|name| name.ends_with(".schema.json")).collect();
    assert_eq!(on_disk, documents::SCHEMAS.iter().map(|(name, _)| (*name).to_owned()).collect());
    let described = &DEFINITIONS["openapi.json"]["components"]["parameters"]["file"]["schema"]["enum"];
    assert_eq!(json!(on_disk), *described);
}

#[test]
fn the_kept_schema_of_answers_is_that_of_the_types() {
    let mut types = SchemaGenerator::new(SchemaSettings::draft2020_12().for_serialize());
    types.subschema_for::<Product>();
    types.subschema_for::<Total>();
    let schema = json!({
        "$schema": DRAFT,
        "title": "Answers",
        "description": "Parts of HTTP answers that are no part of a frame.",
        "$defs": types.take_definitions(true),
    });
    kept::assert_kept("answers.schema.json", &schema);
}
