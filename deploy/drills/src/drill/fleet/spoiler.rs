//! Records that are not as agreed, among good ones, to products of the drill's own.
//!
//! Each bad record says in a header for what reason it should be refused; the header comes back with the dead letter. Good
//! records between them keep the products alive, so that a hole after a gap would be seen. Among ratings there is a bad one
//! each round.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use super::viewer::Guide;
use crate::drill::world::kafka::Producer;

/// The header that says the reason.
pub(crate) const EXPECT: &str = "drill-expect";
const EVERY: Duration = Duration::from_millis(400);

/// A change of a product of the drill's own.
pub(crate) fn change(product: Uuid, version: i64) -> serde_json::Value {
    json!({
        "event_id": Uuid::now_v7(), "product_id": product, "version": version, "name": "Drill blanket",
        "price_minor": 100 + version, "currency": "EUR", "stock": 7, "occurred_at": "2026-01-01T00:00:00Z",
    })
}

/// The bad record number `n` of `product`: its reason and value.
pub(crate) fn poison(product: Uuid, version: i64, n: usize) -> (&'static str, Vec<u8>) {
    let with = |field: &str, value: serde_json::Value| {
        let mut change = change(product, version);
        if let Some(fields) = change.as_object_mut() {
            fields.insert(field.to_owned(), value);
        }
        change.to_string().into_bytes()
    };
    match n % 6 {
        0 => ("not_json", b"{ no JSON".to_vec()),
        1 => ("not_utf8", b"{\"name\":\"\xff\"}".to_vec()),
        2 => ("out_of_range", with("price_minor", json!(-1))),
        3 => ("wrong_type", with("stock", json!("seven"))),
        4 => ("key_mismatch", with("product_id", json!(Uuid::now_v7()))),
        _ => ("missing_field", json!({ "product_id": product, "version": version }).to_string().into_bytes()),
    }
}

/// Sends a good and a bad record every moment until the load ends.
pub(crate) async fn spoil(guide: Guide, changes: Producer, ratings: Producer) {
    let products: Vec<Uuid> = (0..5).map(|_| Uuid::now_v7()).collect();
    let mut n = 0;
    while *guide.load.borrow() {
        let _sent = ratings.send("site", b"{ no JSON", &[(EXPECT, "not_json")]).await;
        for product in &products {
            n += 1;
            let version = i64::try_from(n / products.len() + 1).unwrap_or(1);
            let key = product.to_string();
            let good = change(*product, version).to_string();
            // a producer that gives up here would be one that a version is missing from
            let _sent = changes.send(&key, good.as_bytes(), &[]).await;
            let (reason, value) = poison(*product, version + 1, n);
            let _sent = changes.send(&key, &value, &[(EXPECT, reason)]).await;
            sleep(EVERY).await;
            if !*guide.load.borrow() {
                return;
            }
        }
    }
}
