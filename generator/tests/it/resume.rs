//! The topic is the generator's memory.

use std::fs::{self, File};
use std::sync::Mutex;
use std::time::Duration;

use generator::catalogue;
use generator::resume::{End, Reader, Settle};
use generator::stop::Stop;
use schema::ProductId;

use crate::helpers::{Generator, Topic, wait_until};

#[test]
fn the_first_start_announces_every_product_once() {
    let topic = Topic::new();
    let ended = Generator::run(&topic, &["--products", "50", "--count", "0"]);
    assert_eq!(ended.number_before(" changes sent"), 50);
    let versions = topic.gapless_versions();
    assert!(versions.values().all(|last| *last == 1));
    let ids: Vec<ProductId> = versions.into_keys().collect();
    let mut wanted: Vec<ProductId> = catalogue::items(1, 50).map(|item| item.product_id).collect();
    wanted.sort_unstable();
    assert_eq!(ids, wanted);
}

#[test]
fn a_restarted_generator_goes_on_at_the_next_version() {
    let topic = Topic::new();
    for start in 1..=3 {
        let ended = Generator::run(&topic, &["--products", "7", "--rate", "max", "--count", "100"]);
        assert_eq!(ended.number_before(" changes sent"), if start == 1 { 107 } else { 100 });
    }
    assert_eq!(topic.gapless_versions().values().sum::<i64>(), 307);
    // not only the version is taken up, but the state it stands on
    let (mut before, mut steps) = (std::collections::HashMap::new(), 0);
    for stored in topic.stored() {
        let change = stored.change;
        if let Some((price, stock)) = before.insert(change.product_id, (change.price_minor, change.stock)) {
            assert!((price, stock) != (change.price_minor, change.stock), "each change changes something");
            assert!(change.stock.get() >= stock.get() - 3, "at most three pieces are sold at once");
            steps += 1;
        }
    }
    assert_eq!(steps, 300);
}

#[test]
fn a_killed_generator_leaves_no_gap_and_its_successor_none_either() {
    let topic = Topic::new();
    for _ in 0..3 {
        let generator = Generator::start(&topic, &["--products", "20", "--rate", "max"]);
        generator.wait_for_word("catalogue ready");
        std::thread::sleep(Duration::from_millis(300));
        generator.signal("-KILL");
        generator.end();
    }
    Generator::run(&topic, &["--products", "20", "--rate", "max", "--count", "100"]);
    let versions = topic.gapless_versions();
    assert_eq!(versions.len(), 20);
    assert!(versions.values().sum::<i64>() > 500, "{versions:?}");
}

#[test]
fn a_larger_catalogue_announces_only_what_is_missing() {
    let topic = Topic::new();
    Generator::run(&topic, &["--products", "10", "--count", "0"]);
    let ended = Generator::run(&topic, &["--products", "30", "--count", "0"]);
    assert_eq!(ended.number_before(" changes sent"), 20);
    assert_eq!(topic.gapless_versions().len(), 30);
}

#[test]
fn records_that_are_no_events_do_not_disturb_it() {
    let topic = Topic::new();
    Generator::run(&topic, &["--products", "3", "--count", "0"]);
    let product = catalogue::items(1, 1).next().unwrap().product_id.key();
    topic.put(&product, b"");
    topic.put(&product, b"{\"version\": 900");
    topic.put(&product, br#"{"product_id":"somebody else","version":12}"#);
    topic.put("no product", &[0xff, 0xfe]);
    Generator::run(&topic, &["--products", "3", "--rate", "max", "--count", "30"]);
    assert_eq!(topic.gapless_versions().values().sum::<i64>(), 33);
}

#[test]
fn a_header_name_that_is_not_text_ends_no_start() {
    let topic = Topic::new();
    Generator::run(&topic, &["--products", "5", "--count", "0"]);
    // only a program that does not look at the bytes can send this; the generator's client library panics at it
    let script = r"printf '%s' '{}' | kcat -P -q -b $0 -t $1 -p 0 -k some -H $(printf '\377name')=value";
    let status =
        std::process::Command::new("bash").args(["-c", script, &topic.kafka, &topic.name]).status().unwrap();
    assert!(status.success());
    let ended = Generator::run(&topic, &["--products", "5", "--rate", "max", "--count", "10"]);
    assert_eq!(ended.number_before(" changes sent"), 10, "{ended:?}");
}

/// For the client library a partition that was missing once, or had no leader, is missing for a quarter of an hour.
#[test]
fn a_partition_that_is_not_there_yet_is_asked_for_anew() {
    let topic = Topic::new();
    topic.make(1);
    let log = std::env::temp_dir().join(format!("shelfwire-{}", topic.name));
    let told = tracing_subscriber::fmt().with_writer(Mutex::new(File::create(&log).unwrap())).finish();
    let mut reader = Reader::new(&topic.kafka, &topic.name, 0..2).unwrap();
    let reading = std::thread::spawn(move || {
        let read = || reader.read_to_end(|_| true, |_| {}, Settle::Now, &Stop::default());
        tracing::subscriber::with_default(told, read).unwrap()
    });
    let refused = "kafka does not say where the topic ends";
    wait_until("it is refused", || fs::read_to_string(&log).unwrap().contains(refused));
    topic.widen(2);
    wait_until("it reads to the end", || reading.is_finished());
    fs::remove_file(&log).unwrap();
    assert_eq!(reading.join().unwrap(), End::Reached);
}
