//! The compose file, as far as it can be read without an engine: it is YAML, our services are told only what they know,
//! and both are told the same as the native stack where one can't see it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't go on panics")]

use std::collections::BTreeSet;

use serde_json::Value;

const COMPOSE: &str = include_str!("../../compose/compose.yaml");
/// Every variable that our programs know.
const KNOWN: &str = include_str!("../../../.env.example");

fn services() -> Value {
    serde_saphyr::from_str::<Value>(COMPOSE).unwrap()["services"].clone()
}

fn variables(service: &Value) -> BTreeSet<&str> {
    let variables = service["environment"].as_object().unwrap();
    variables.keys().map(String::as_str).filter(|name| name.starts_with("SHELFWIRE_")).collect()
}

#[test]
fn our_services_are_told_only_what_they_know() {
    let services = services();
    let known: BTreeSet<&str> = KNOWN
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once('='))
        .map(|(name, _)| name)
        .collect();
    for service in ["gateway", "generator"] {
        let told = variables(&services[service]);
        assert!(told.len() > 3, "{service}: {told:?}");
        let strange: Vec<_> = told.difference(&known).collect();
        assert!(strange.is_empty(), "{service} does not know {strange:?}");
    }
}

#[test]
fn each_service_says_how_it_is_kept() {
    for (name, service) in services().as_object().unwrap() {
        assert!(service["image"].is_string(), "{name} has no image");
        assert!(service["restart"].is_string(), "{name} does not say when it is started again");
    }
}
