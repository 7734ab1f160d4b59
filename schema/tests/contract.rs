//! The contract, held from outside: the examples of `events/` decode or are refused as they say, the kept JSON Schemas
//! are those of the types, and decoding is the inverse of encoding, whatever the values.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't go on panics")]

mod examples;
mod kept;

use std::path::Path;
use std::sync::LazyLock;

use chrono::DateTime;
use jsonschema::Validator;
use proptest::prelude::*;
use schema::frames::{
    Away, ErrorFrame, FrameType, Gap, GoingAway, Hello, Limits, Moved, Outcomes, RatingChanged, Replica,
    ReplicasChanged, Said, Snapshot, Status,
};
use schema::relay::{RelayFrame, RelayedProduct};
use schema::{
    Currency, ListedProduct, Name, PhotoChanged, PhotoMark, PhotoRevision, Poison, PoisonReason, PriceMinor,
    Product, ProductChanged, ProductId, Rating, Stock, Subject, Version, frames, headers, topics,
};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use uuid::Uuid;

fn decode(key: &str, value: &[u8]) -> Result<ProductChanged, Poison> {
    ProductChanged::decode(Some(key.as_bytes()), Some(value), None, None)
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap()
}

fn event_schema() -> Value {
    let settings = SchemaSettings::draft2020_12();
    SchemaGenerator::new(settings).into_root_schema_for::<ProductChanged>().to_value()
}

// --- examples ------------------------------------------------------------------------------------------------------

#[test]
fn every_good_example_decodes_and_fits_the_schema() {
    let schema = validator(&event_schema());
    for good in examples::good() {
        let change = decode(&good.key, good.value).unwrap_or_else(|e| panic!("{}: {e}", good.name));
        let json: Value = serde_json::from_slice(good.value).unwrap();
        assert!(schema.is_valid(&json), "{}: {:?}", good.name, schema.validate(&json));
        let again = decode(&good.key, &serde_json::to_vec(&change).unwrap()).unwrap();
        assert_eq!(again, change, "{}: a decoded change is in its final form", good.name);
    }
}

#[test]
fn every_good_example_on_disk_is_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events/good");
    let mut on_disk: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut tested: Vec<&str> = examples::good().iter().map(|good| good.name).collect();
    on_disk.sort();
    tested.sort_unstable();
    assert_eq!(on_disk, tested, "add the file to good_files! in tests/examples/mod.rs");
}

#[test]
fn every_poison_example_is_refused_for_its_reason() {
    for poison in examples::poison() {
        let result = ProductChanged::decode(
            poison.key.as_deref(),
            poison.value.as_deref(),
            poison.header(headers::CE_TYPE),
            poison.header(headers::CE_SPECVERSION),
        );
        let told = result.expect_err(&poison.name);
        assert_eq!(
            (told.reason, told.field),
            (poison.reason, poison.field.as_deref()),
            "{}: {told}",
            poison.name
        );
        assert!(told.detail.len() < 300, "{}: the detail goes into a header: {told}", poison.name);
    }
}

#[test]
fn every_reason_of_decoding_has_a_poison_example() {
    let shown: Vec<PoisonReason> = examples::poison().iter().map(|poison| poison.reason).collect();
    for reason in PoisonReason::ALL {
        let found_later = matches!(reason, PoisonReason::Conflict | PoisonReason::Rejected);
        assert_eq!(shown.contains(&reason), !found_later, "{reason}");
    }
}

#[test]
fn the_schema_refuses_every_poison_example_that_is_not_beyond_it() {
    let schema = validator(&event_schema());
    for poison in examples::poison() {
        let json = poison.value.as_deref().and_then(|value| serde_json::from_slice::<Value>(value).ok());
        let Some(json) = json else { continue };
        assert_eq!(
            schema.is_valid(&json),
            poison.beyond_schema.is_some(),
            "{}: `beyond_schema` must say whether the JSON Schema takes it",
            poison.name
        );
    }
}

#[test]
fn a_value_of_exactly_64_kib_is_good() {
    let plain = &examples::good()[0];
    let mut value = plain.value.to_vec();
    value.resize(topics::MAX_VALUE_BYTES, b' ');
    assert!(decode(&plain.key, &value).is_ok());
}

#[test]
fn a_time_is_kept_as_the_database_keeps_it() {
    let told = |name: &str| {
        let good = examples::good().into_iter().find(|good| good.name == name).unwrap();
        decode(&good.key, good.value).unwrap().occurred_at.to_rfc3339()
    };
    assert_eq!(told("nanoseconds"), "2026-11-21T13:00:07.123456+00:00", "microseconds");
    assert_eq!(told("leap_second"), "2017-01-01T00:00:00.500+00:00", "no leap seconds");
}

// --- any value -----------------------------------------------------------------------------------------------------

fn any_change() -> impl Strategy<Value = ProductChanged> {
    let id = (any::<u128>(), any::<u128>()).prop_map(|(event, product)| {
        let v7 = event & !(0xf000 << 64) | 0x7000 << 64;
        (Uuid::from_u128(v7), ProductId::from(Uuid::from_u128(product)))
    });
    let version = prop_oneof![Just(1), Just(Version::MAX.get()), 1..=Version::MAX.get()];
    let name = prop_oneof!["[^\0]{1,200}", "[\u{1}-\u{1f}\"\\\\]{1,200}", "[a-z ]{1,200}"];
    let price = 0..=PriceMinor::MAX.get();
    let currency = prop_oneof![Just("EUR"), Just("USD"), Just("JPY"), Just("KWD")];
    let stock = 0..=Stock::MAX.get();
    // the years 0 to 9999, to the microsecond
    let time = -62_167_219_200_000_000..=253_402_300_799_999_999_i64;
    (id, version, name, price, currency, stock, time).prop_map(
        |((event_id, product_id), version, name, price, currency, stock, micros)| ProductChanged {
            event_id,
            product_id,
            version: Version::try_from(version).unwrap(),
            name: Name::try_from(name.as_str()).unwrap(),
            price_minor: PriceMinor::try_from(price).unwrap(),
            currency: Currency::try_from(currency).unwrap(),
            stock: Stock::try_from(stock).unwrap(),
            occurred_at: DateTime::from_timestamp_micros(micros).unwrap(),
        },
    )
}

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| validator(&event_schema()));

proptest! {
    #[test]
    fn an_encoded_change_decodes_to_itself_and_fits_the_schema(change in any_change()) {
        let json = serde_json::to_vec(&change).unwrap();
        prop_assert!(json.len() <= topics::MAX_VALUE_BYTES);
        prop_assert_eq!(&decode(&change.product_id.key(), &json), &Ok(change.clone()));
        let value: Value = serde_json::from_slice(&json).unwrap();
        prop_assert!(SCHEMA.is_valid(&value), "{:?}", SCHEMA.validate(&value).err());
    }

    #[test]
    fn any_bytes_decode_or_are_poison(key in any::<Option<Vec<u8>>>(), value in any::<Option<Vec<u8>>>()) {
        let _ = ProductChanged::decode(key.as_deref(), value.as_deref(), None, None);
    }

    #[test]
    fn a_damaged_change_decodes_or_is_poison(
        change in any_change(),
        at in any::<prop::sample::Index>(),
        until in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut json = serde_json::to_vec(&change).unwrap();
        let at = at.index(json.len());
        json[at] = byte;
        json.truncate(until.index(json.len()) + 1);
        if let Ok(other) = decode(&change.product_id.key(), &json) {
            prop_assert_eq!(other.product_id, change.product_id, "the key guards the id");
            let again = serde_json::to_vec(&other).unwrap();
            prop_assert_eq!(decode(&other.product_id.key(), &again), Ok(other));
        }
    }

    #[test]
    fn a_relay_entry_reads_back_as_it_was_written(change in any_change(), from in 1..1000_i64, age in any::<Option<i64>>()) {
        let product = change.product();
        let from = Version::try_from(from).unwrap();
        let relayed = RelayedProduct { product: product.clone(), from, recorded_ms: age, path_ms: age.map(|age| [age; 2]) };
        let entry = vec![
            RelayFrame::ProductChanged(relayed),
            RelayFrame::PhotoChanged(photo_changed(product.product_id)),
            RelayFrame::RatingChanged(RatingChanged { subject: Subject::Site, rating: rating() }),
            RelayFrame::Gap(gap(Some(product.product_id))),
        ];
        let json = serde_json::to_string(&entry).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<RelayFrame>>(&json).unwrap(), entry);

        let rating = Some(rating());
        let path_ms = age.map(|age| [age; 3]);
        let frame = frames::ProductChanged { product, photo: mark(), rating, from, age_ms: age, path_ms };
        let json = serde_json::to_string(&frame).unwrap();
        prop_assert_eq!(serde_json::from_str::<frames::ProductChanged>(&json).unwrap(), frame);
    }
}

#[test]
fn a_reason_of_a_later_release_makes_no_entry_unreadable() {
    let told = Gap { reason: "too_beautiful".into(), ..gap(None) };
    let entry = serde_json::to_string(&vec![RelayFrame::Gap(told.clone())]).unwrap();
    assert_eq!(serde_json::from_str::<Vec<RelayFrame>>(&entry).unwrap(), [RelayFrame::Gap(told)]);
}

// --- frames --------------------------------------------------------------------------------------------------------

fn gap(product_id: Option<ProductId>) -> Gap {
    let reason = PoisonReason::KeyMismatch.into();
    Gap { topic: "product-changes".into(), partition: 3, offset: 17, reason, product_id }
}

fn mark() -> PhotoMark {
    PhotoMark { hash: Some([0xab; 32].into()), revision: PhotoRevision::saturating(3) }
}

fn rating() -> Rating {
    Rating { average: Some(20.0 / 3.0), window: 10, count: 3, sum: 20 }
}

fn photo_changed(product_id: ProductId) -> PhotoChanged {
    PhotoChanged { product_id, hash: None, revision: PhotoRevision::saturating(4) }
}

fn product() -> Product {
    let plain = &examples::good()[0];
    decode(&plain.key, plain.value).unwrap().product()
}

/// The schema of a frame's data, and data that it must take.
fn frame_schema(frame: FrameType, types: &mut SchemaGenerator) -> (schemars::Schema, Value) {
    let at = DateTime::from_timestamp(1_795_266_000, 0).unwrap();
    let product = product();
    let version = product.version;
    let limits = Limits { products: 1000, outbox_bytes: 1 << 20, message_bytes: 64 << 10 };
    match frame {
        FrameType::Hello => (
            types.subschema_for::<Hello>(),
            json!(Hello {
                replica: "gw1".into(),
                viewer: "gw1-17".into(),
                epoch: "7c9e66797425".into(),
                resumed: true,
                reset: false,
                missed: Some(4),
                heartbeat_ms: 15_000,
                limits
            }),
        ),
        FrameType::Snapshot => (
            types.subschema_for::<Snapshot>(),
            json!(Snapshot {
                products: vec![ListedProduct { product, photo: mark(), rating: None }],
                reset: true,
                last: true
            }),
        ),
        FrameType::ProductChanged => (
            types.subschema_for::<frames::ProductChanged>(),
            json!(frames::ProductChanged {
                product,
                photo: mark(),
                rating: Some(rating()),
                from: version,
                age_ms: Some(4),
                path_ms: Some([1, 2, 3])
            }),
        ),
        FrameType::PhotoChanged => {
            (types.subschema_for::<PhotoChanged>(), json!(photo_changed(product.product_id)))
        }
        FrameType::RatingChanged => {
            let changed = RatingChanged { subject: product.product_id.into(), rating: rating() };
            (types.subschema_for::<RatingChanged>(), json!(changed))
        }
        FrameType::ReplicasChanged => (
            types.subschema_for::<ReplicasChanged>(),
            json!(ReplicasChanged {
                replicas: vec![Replica {
                    replica: "gw1".into(),
                    addr: "127.0.0.1:8081".into(),
                    partitions: vec![0, 1, 2],
                    lag: 0,
                    lags: vec![0, 0, 0],
                    viewers: 2,
                    rebalances: 1,
                    since: at,
                    draining: false,
                    outcomes: Outcomes { new: 7, ..Outcomes::default() },
                }],
                moved: vec![Moved { partition: 2, from: None, to: Some("gw1".into()), idle_ms: 6100 }],
            }),
        ),
        FrameType::Said => (
            types.subschema_for::<Said>(),
            json!(Said { from: "gw1-17".into(), text: "Is this the last one?".try_into().unwrap(), at }),
        ),
        FrameType::Gap => (types.subschema_for::<Gap>(), json!(gap(None))),
        FrameType::Status => (
            types.subschema_for::<Status>(),
            json!(Status { away: vec![Away { what: "redis".into(), since: at }], stale_ms: Some(900) }),
        ),
        FrameType::Heartbeat => (schemars::json_schema!({ "type": "object" }), json!({})),
        FrameType::GoingAway => (
            types.subschema_for::<GoingAway>(),
            json!(GoingAway { reconnect_after_ms: 250, reason: "drain".into() }),
        ),
        FrameType::Error => (
            types.subschema_for::<ErrorFrame>(),
            json!(ErrorFrame { code: "bad_id".into(), message: "products: no".into(), field: None }),
        ),
    }
}

fn frames_schema() -> Value {
    let mut types = SchemaGenerator::new(SchemaSettings::draft2020_12().for_serialize());
    let one_of: Vec<Value> = FrameType::ALL
        .into_iter()
        .map(|frame| {
            let (data, _) = frame_schema(frame, &mut types);
            json!({
                "title": frame.as_str(),
                "type": "object",
                "properties": { "type": { "const": frame.as_str() }, "cursor": { "type": "string" }, "data": data },
                "required": ["type", "data"],
            })
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Frame",
        "description": "What viewers receive: a WebSocket message. An SSE event has the type as `event:`, the cursor as \
                        `id:` and the data as `data:`.",
        "oneOf": one_of,
        "$defs": types.take_definitions(true),
    })
}

#[test]
fn every_frame_fits_the_schema_of_frames() {
    let schema = validator(&frames_schema());
    let mut types = SchemaGenerator::default();
    for frame in FrameType::ALL {
        assert_eq!(serde_json::to_value(frame).unwrap(), frame.as_str());
        let (_, data) = frame_schema(frame, &mut types);
        let good = json!({ "type": frame.as_str(), "cursor": "e.1-0", "data": data });
        assert!(schema.is_valid(&good), "{frame:?}: {:?}", schema.validate(&good));
        assert!(!schema.is_valid(&json!({ "type": "no_such_frame", "data": data })), "{frame:?}");
    }
}

#[test]
fn a_frame_of_a_later_release_does_not_spoil_a_relay_entry() {
    let entry = r#"[{"type":"of_a_later_release","product_id":"x","revision":2},{"type":"gap","topic":"t","partition":0,
        "offset":1,"reason":"empty","of_a_later_release":true}]"#;
    let frames: Vec<RelayFrame> = serde_json::from_str(entry).unwrap();
    assert!(matches!(frames.as_slice(), [RelayFrame::Unknown, RelayFrame::Gap(_)]), "{frames:?}");
}

// --- kept files ----------------------------------------------------------------------------------------------------

#[test]
fn the_kept_schema_of_product_changed_is_that_of_the_type() {
    kept::assert_kept("product-changed.v1.schema.json", &event_schema());
}

#[test]
fn the_kept_schema_of_frames_is_that_of_the_types() {
    kept::assert_kept("frames.schema.json", &frames_schema());
}
