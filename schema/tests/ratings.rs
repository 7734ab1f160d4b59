//! The contract of ratings, held from outside: what decodes, what is refused and why, and the kept JSON Schema.

#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

mod kept;

use chrono::DateTime;
use proptest::prelude::*;
use schema::{PoisonReason, ProductId, ProductRated, Rate, Subject};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use uuid::Uuid;

const PRODUCT: &str = "0190a0b0-0000-7000-8000-00000000000a";
const EVENT: &str = "0190a0b0-0000-7000-8000-0000000000ee";

fn plain() -> Value {
    json!({"event_id": EVENT, "subject": PRODUCT, "rate": 7, "rated_at": "2026-11-21T13:00:00.123456Z"})
}

fn with(field: &str, value: Value) -> Value {
    let mut rating = plain();
    rating.as_object_mut().unwrap().insert(field.to_owned(), value);
    rating
}

fn decode(key: &str, value: &str) -> Result<ProductRated, schema::Poison> {
    ProductRated::decode(Some(key.as_bytes()), Some(value.as_bytes()), None, None)
}

fn event_schema() -> Value {
    let settings = SchemaSettings::draft2020_12();
    SchemaGenerator::new(settings).into_root_schema_for::<ProductRated>().to_value()
}

#[test]
fn a_rating_of_a_product_or_of_the_site_decodes() {
    let rated = decode(PRODUCT, &plain().to_string()).unwrap();
    assert_eq!((rated.subject.to_string().as_str(), rated.rate.get()), (PRODUCT, 7));
    assert_eq!(serde_json::to_value(&rated).unwrap(), plain());
    let site = decode("site", &with("subject", json!("site")).to_string()).unwrap();
    assert_eq!(site.subject, Subject::Site);
    assert!(decode(PRODUCT, &with("of_a_later_release", json!([1])).to_string()).is_ok());
}

#[test]
fn what_is_no_rating_is_refused_for_its_reason() {
    use PoisonReason as R;
    let text = plain().to_string();
    let cases = [
        ("{", R::NotJson, None),
        ("[]", R::WrongType, None),
        (&text.replace("\"rate\":7", "\"rate\":7,\"rate\":7"), R::DuplicateKey, Some("rate")),
        (&text.replace("rate\":", "grade\":"), R::MissingField, Some("rate")),
        (&with("rate", json!(11)).to_string(), R::OutOfRange, Some("rate")),
        (&with("rate", json!(-1)).to_string(), R::OutOfRange, Some("rate")),
        (&with("rate", json!(7.0)).to_string(), R::WrongType, Some("rate")),
        (&with("rate", json!("7")).to_string(), R::WrongType, Some("rate")),
        (&with("subject", json!("shop")).to_string(), R::WrongType, Some("subject")),
        (&with("subject", json!(PRODUCT.to_uppercase())).to_string(), R::WrongType, Some("subject")),
        (&with("subject", json!("site")).to_string(), R::KeyMismatch, None),
        (&with("event_id", json!(Uuid::nil())).to_string(), R::OutOfRange, Some("event_id")),
        (&with("rated_at", json!("yesterday")).to_string(), R::WrongType, Some("rated_at")),
        (&with("rated_at", json!("2026-11-21T13:00:00+01:00")).to_string(), R::OutOfRange, Some("rated_at")),
    ];
    for (value, reason, field) in cases {
        let poison = decode(PRODUCT, value).unwrap_err();
        assert_eq!((poison.reason, poison.field), (reason, field), "{value}: {poison}");
    }
    let typed = |ce_type: &str| {
        let (key, value) = (Some(PRODUCT.as_bytes()), Some(text.as_bytes()));
        ProductRated::decode(key, value, Some(ce_type.as_bytes()), Some(b"1.0"))
            .map_err(|poison| poison.reason)
    };
    assert!(typed("shelfwire.ProductRated.v1").is_ok());
    assert_eq!(typed("shelfwire.ProductRated.v2"), Err(R::UnknownVersion));
    assert_eq!(typed("shelfwire.ProductChanged.v1"), Err(R::UnknownType));
    assert_eq!(ProductRated::decode(None, None, None, None).unwrap_err().reason, R::Tombstone);
}

#[test]
fn the_kept_schema_of_product_rated_is_that_of_the_type() {
    kept::assert_kept("product-rated.v1.schema.json", &event_schema());
}

proptest! {
    #[test]
    fn an_encoded_rating_decodes_to_itself_and_fits_the_schema(
        (event, product) in any::<(u128, Option<u128>)>(),
        rate in 0..=10_i64,
        micros in 0..=253_402_300_799_999_999_i64,
    ) {
        let subject =
            product.map_or(Subject::Site, |id| Subject::Product(ProductId::from(Uuid::from_u128(id))));
        let rated = ProductRated {
            event_id: Uuid::from_u128(event & !(0xf000 << 64) | 0x7000 << 64),
            subject,
            rate: Rate::try_from(rate).unwrap(),
            rated_at: DateTime::from_timestamp_micros(micros).unwrap(),
        };
        let json = serde_json::to_string(&rated).unwrap();
        prop_assert_eq!(decode(&subject.to_string(), &json), Ok(rated));
        let schema = jsonschema::validator_for(&event_schema()).unwrap();
        prop_assert!(schema.is_valid(&serde_json::from_str(&json).unwrap()));
    }

    #[test]
    fn any_bytes_decode_or_are_poison(key in any::<Option<Vec<u8>>>(), value in any::<Option<Vec<u8>>>()) {
        let _ = ProductRated::decode(key.as_deref(), value.as_deref(), None, None);
    }
}
