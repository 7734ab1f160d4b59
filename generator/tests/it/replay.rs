//! `--replay`: recorded changes instead of random ones.

use std::time::{Duration, Instant};

use schema::ProductId;

use crate::helpers::{Generator, Topic, wait_until};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/changes.csv");
const HEADER: &str = "sku,name,price_minor,currency,stock,occurred_at\n";

const FROM_INPUT: [&str; 4] = ["--replay", "-", "--speed", "max"];

fn line(sku: &str, price: &str, second: u32) -> String {
    format!("{sku},Tea,{price},EUR,5,2026-05-09T08:00:{second:02}Z\n")
}

#[test]
fn the_sample_is_replayed_as_it_was_recorded() {
    let topic = Topic::new();
    let ended = Generator::run(&topic, &["--replay", SAMPLE, "--speed", "max", "--strict"]);
    let lines = std::fs::read_to_string(SAMPLE).unwrap().lines().count() - 1;
    assert_eq!(ended.number_before(" changes sent"), lines);
    assert_eq!(topic.gapless_versions().len(), 7);
    let last = topic
        .stored()
        .into_iter()
        .rfind(|s| s.change.product_id == ProductId::from_sku("BRE-SOU-750"))
        .unwrap();
    assert_eq!((last.change.price_minor.get(), last.change.stock.get()), (390, 0));
    assert_eq!(
        last.change.occurred_at.to_rfc3339(),
        "2026-05-09T08:10:00+00:00",
        "the recorded time is kept"
    );
}

#[test]
fn a_replay_goes_on_at_the_next_version() {
    let topic = Topic::new();
    for _ in 0..2 {
        Generator::run(&topic, &["--replay", SAMPLE, "--speed", "max"]);
    }
    assert_eq!(topic.gapless_versions().values().sum::<i64>(), 60);
}

#[test]
fn a_bad_replay_line_is_named_and_skipped() {
    let topic = Topic::new();
    let input =
        [HEADER, &line("A", "100", 0), &line("A", "1.50", 1), "\n", "A,Tea\n", &line("A", "200", 2)].concat();
    let ended = Generator::start_with(&topic, &FROM_INPUT, &input).end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("line 3: price_minor must be a whole number; skipped"), "{ended:?}");
    assert!(
        ended.stderr.contains("line 5: must have 6 fields, as the header has, not 2; skipped"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("2 changes sent, 2 acknowledged, 2 bad lines skipped"), "{ended:?}");
    let prices: Vec<i64> = topic.stored().iter().map(|s| s.change.price_minor.get()).collect();
    assert_eq!(prices, [100, 200]);
    topic.gapless_versions();
}

#[test]
fn strict_replay_stops_at_the_bad_line() {
    let topic = Topic::new();
    let input = [HEADER, &line("A", "100", 0), &line("A", "-1", 1), &line("A", "200", 2)].concat();
    let ended = Generator::start_with(&topic, &[&FROM_INPUT[..], &["--strict"]].concat(), &input).end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let told =
        "stopped at a bad line: line 3: price_minor must be a whole number from 0 to 1000000000000, not -1";
    assert!(ended.stderr.contains(told), "{ended:?}");
    let prices: Vec<i64> = topic.stored().iter().map(|s| s.change.price_minor.get()).collect();
    assert_eq!(prices, [100], "what stood before it is flushed, what stands behind it is not sent");
}

#[test]
fn json_lines_are_replayed_too() {
    let topic = Topic::new();
    let input = concat!(
        r#"{"sku":"A","name":"Tea","price_minor":100,"currency":"EUR","stock":5,"occurred_at":"2026-05-09T08:00:00Z"}"#,
        "\n",
        r#"{"sku":"A","name":"Tea","price_minor":"free","currency":"EUR","stock":5,"occurred_at":"2026-05-09T08:00:01Z"}"#,
        "\n",
        r#"{"sku":"A","name":"Tea","price_minor":90,"currency":"EUR","stock":4,"occurred_at":"2026-05-09T08:00:02Z"}"#,
    );
    let ended = Generator::start_with(&topic, &FROM_INPUT, input).end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("line 2: price_minor must be a whole number; skipped"), "{ended:?}");
    assert_eq!(topic.gapless_versions()[&ProductId::from_sku("A")], 2);
}

#[test]
fn a_recording_without_a_header_is_refused_as_a_whole() {
    let topic = Topic::new();
    let ended = Generator::start_with(&topic, &FROM_INPUT, &line("A", "100", 0)).end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("line 1: sku is not in the header"), "{ended:?}");
    assert!(topic.stored().is_empty());
}

#[test]
fn speed_stretches_the_distances() {
    let topic = Topic::new();
    let input = [HEADER, &line("A", "100", 0), &line("A", "200", 20)].concat();
    let start = Instant::now();
    let ended = Generator::start_with(&topic, &["--replay", "-", "--speed", "10"], &input).end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        start.elapsed() >= Duration::from_secs(2),
        "20 s at ten times the speed, not {:?}",
        start.elapsed()
    );
}

#[test]
fn a_replay_that_waits_can_be_stopped() {
    let topic = Topic::new();
    let input = [HEADER, &line("A", "100", 0), &line("A", "200", 59)].concat();
    let generator = Generator::start_with(&topic, &["--replay", "-"], &input);
    generator.wait_for_word("topic read to its end");
    wait_until("the first line is there", || !topic.stored().is_empty());
    generator.signal("-TERM");
    let ended = generator.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.number_before(" changes sent"), 1);
}
