//! JSON Schemas that are kept in `events/`: each must be the one that its type makes.

#![allow(clippy::unwrap_used, reason = "a test that can't go on panics")]

use std::path::Path;

use serde_json::Value;

/// Panics when the kept `file` is not `schema`; with `UPDATE_SCHEMAS` set it is renewed.
pub(crate) fn assert_kept(file: &str, schema: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(file);
    let fresh = format!("{schema:#}\n");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == fresh,
        "schema/events/{file} is stale: the types say otherwise. If the change is meant, renew it with \
         `UPDATE_SCHEMAS=1 cargo test -p schema` and commit it."
    );
}
