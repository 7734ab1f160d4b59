//! What stands on the topic is what the contract says.

use generator::produce::partition;
use schema::topics;

use crate::helpers::{Generator, Stored, Topic};

#[test]
fn every_record_carries_its_headers() {
    let topic = Topic::new();
    Generator::run(&topic, &["--products", "3", "--rate", "max", "--count", "20"]);
    let stored = topic.stored();
    assert_eq!(stored.len(), 23);
    for Stored { headers, change, .. } in &stored {
        assert_eq!(headers["ce_id"], change.event_id.to_string());
        assert_eq!(headers["ce_source"], "/shelfwire/generator");
        assert_eq!(headers["ce_specversion"], "1.0");
        assert_eq!(headers["ce_type"], "shelfwire.ProductChanged.v1");
        assert_eq!(headers["content-type"], "application/json");
        let time = chrono::DateTime::parse_from_rfc3339(&headers["ce_time"]).unwrap();
        assert_eq!(time, change.occurred_at);
        let trace: Vec<&str> = headers["traceparent"].split('-').collect();
        assert_eq!(trace.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2], "{trace:?}");
        assert!(trace.iter().all(|part| part.bytes().all(|b| b"0123456789abcdef".contains(&b))), "{trace:?}");
    }
    let mut ids: Vec<_> = stored.iter().map(|s| s.change.event_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 23, "no event id comes twice");
}

#[test]
fn a_key_lies_where_java_puts_it() {
    let topic = Topic::new();
    Generator::run(&topic, &["--products", "100", "--count", "0"]);
    for Stored { partition, change, .. } in topic.stored() {
        assert_eq!(partition, partition::of_key(change.product_id.key().as_bytes(), topics::PARTITIONS));
    }
}

#[test]
fn the_audit_log_has_a_line_for_each_acknowledged_change() {
    let topic = Topic::new();
    let log = std::env::temp_dir().join(&topic.name);
    let flag = log.to_str().unwrap();
    Generator::run(&topic, &["--products", "5", "--rate", "max", "--count", "1000", "--audit-log", flag]);
    let lines = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    let mut audited: Vec<(i64, i64, String)> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| {
            assert_eq!(line["event"], "produced");
            assert!(line["version"].as_i64().unwrap() >= 1);
            assert!(line["product_id"].is_string());
            let id = line["event_id"].as_str().unwrap().to_owned();
            (line["partition"].as_i64().unwrap(), line["offset"].as_i64().unwrap(), id)
        })
        .collect();
    let stored = topic.stored();
    let mut found: Vec<_> =
        stored.iter().map(|s| (i64::from(s.partition), s.offset, s.change.event_id.to_string())).collect();
    audited.sort_unstable();
    found.sort_unstable();
    assert_eq!(audited.len(), 1005);
    assert_eq!(audited, found);
}
