//! `generator change`: one change by hand.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use generator::catalogue;
use schema::ProductId;

use crate::helpers::{Generator, Topic, wait_until};

fn first_product() -> ProductId {
    catalogue::items(1, 1).next().unwrap().product_id
}

#[test]
fn a_change_by_hand_takes_the_next_version() {
    let topic = Topic::new();
    Generator::run(&topic, &["--products", "5", "--rate", "max", "--count", "50"]);
    let product = first_product();
    let before = topic.gapless_versions()[&product];
    let id = product.key();
    let ended = Generator::run(&topic, &["change", "--product", &id, "--price", "777", "--stock", "3"]);
    assert!(ended.stdout.contains("→ 7.77 EUR"), "{ended:?}");
    assert!(ended.stdout.contains(&format!("version  {before} → {}", before + 1)), "{ended:?}");
    let last = topic.stored().into_iter().rfind(|s| s.change.product_id == product).unwrap();
    assert_eq!(last.change.version.get(), before + 1);
    assert_eq!((last.change.price_minor.get(), last.change.stock.get()), (777, 3));
    assert!(
        ended.stdout.contains(&format!("partition {}, offset {}", last.partition, last.offset)),
        "{ended:?}"
    );

    Generator::run(&topic, &["change", "--product", &id, "--stock", "9"]);
    let last = topic.stored().into_iter().rfind(|s| s.change.product_id == product).unwrap();
    assert_eq!((last.change.price_minor.get(), last.change.stock.get()), (777, 9), "what is not said stays");
    topic.gapless_versions();
}

#[test]
fn an_unknown_product_is_told_and_nothing_is_written() {
    let topic = Topic::new();
    let stranger = ProductId::from_sku("nobody sells this").key();
    let ended = Generator::start(&topic, &["change", "--product", &stranger, "--price", "1"]).end();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains(&format!("there is no topic {}", topic.name)), "{ended:?}");

    Generator::run(&topic, &["--products", "5", "--count", "0"]);
    let ended = Generator::start(&topic, &["change", "--product", &stranger, "--price", "1"]).end();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains(&format!("there is no product {stranger}")), "{ended:?}");
    assert_eq!(topic.stored().len(), 5);
}

#[test]
fn a_running_generator_goes_on_above_a_change_by_hand() {
    let topic = Topic::new();
    // a tick each five seconds; the change by hand lies between two of them
    let generator = Generator::start(&topic, &["--products", "1", "--rate", "0.2"]);
    generator.wait_for_word("catalogue ready");
    wait_until("its first version", || !topic.stored().is_empty());
    let id = first_product().key();
    let mut price = 777;
    let mut by_hand = || {
        price += 1;
        let ended = Generator::run(&topic, &["change", "--product", &id, "--price", &price.to_string()]);
        ended.number_before("\n  written")
    };
    let hears = |version: usize| {
        let told = format!("version={version}");
        generator.words().lines().any(|line| line.contains("somebody else changed") && line.contains(&told))
    };
    // a tick at the same moment takes the same version, and hears of nothing new
    let mut version = by_hand();
    let mut written = Instant::now();
    wait_until("it hears of one", || {
        if written.elapsed() > Duration::from_secs(4) {
            version = by_hand();
            written = Instant::now();
        }
        hears(version)
    });
    let with = |version: usize| {
        topic.stored().iter().filter(|s| s.change.version.get().unsigned_abs() == version as u64).count()
    };
    wait_until("the next tick", || with(version + 1) > 0);
    generator.signal("-TERM");
    assert_eq!(generator.end().code, Some(0));
    assert_eq!(with(version), 1, "the tick took the version after it");
}

#[test]
fn changes_by_hand_at_the_same_moment_each_get_a_version() {
    let topic = Topic::new();
    Generator::run(&topic, &["--products", "1", "--count", "0"]);
    let id = first_product().key();
    let hands: Vec<Generator> = (1..=4)
        .map(|stock| Generator::start(&topic, &["change", "--product", &id, "--stock", &stock.to_string()]))
        .collect();
    for hand in hands {
        let ended = hand.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let winners = winners(&topic);
    let mut stocks: Vec<i64> = winners.values().skip(1).copied().collect();
    stocks.sort_unstable();
    assert_eq!(winners.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(stocks, [1, 2, 3, 4], "each change counts once");
}

/// The stock of each version, the first record of a version counting, as it does in the database.
fn winners(topic: &Topic) -> BTreeMap<i64, i64> {
    let mut winners = BTreeMap::new();
    for stored in topic.stored() {
        winners.entry(stored.change.version.get()).or_insert(stored.change.stock.get());
    }
    winners
}
