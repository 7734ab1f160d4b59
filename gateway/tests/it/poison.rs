//! Records that are no changes: each becomes one dead letter, and none holds up what comes behind it.

use std::collections::{BTreeMap, HashSet};

use schema::PoisonReason;
use schema::relay::RelayFrame;
use schema::topics::{self, TopicSpec};

use crate::helpers::process::Gateway;
use crate::helpers::{Change, World, change, kafka, until};

#[path = "../../../schema/tests/examples/mod.rs"]
#[allow(unused_imports, reason = "this file has no use for the good ones")]
mod examples;

/// Longer than a dead letter's value may be, shorter than the broker's longest record.
const LONGER_THAN_A_LETTER: usize = 950 * 1024;

#[tokio::test]
async fn poison_lands_in_the_dead_letters_while_the_next_good_change_is_applied() {
    // not compacted: a topic that is would not take the records without a key
    let topic = TopicSpec { partitions: 2, ..topics::redrive("") };
    let world = World::with_topic(&stack::shared().unwrap(), "poison", topic).await;
    let (gateway, producer) = (world.gateway("gw1", &[]), world.producer());
    let bad = examples::poison();
    let kinds: HashSet<PoisonReason> = bad.iter().map(|poison| poison.reason).collect();
    assert!(bad.len() >= 20 && kinds.len() == PoisonReason::ALL.len() - 2, "all but conflict and rejected");

    // one partition, and between any two bad ones a good one, so each bad one has a good one right behind it
    let product = change::product();
    let mut places = BTreeMap::new();
    for (version, poison) in (1..).zip(&bad) {
        let headers: Vec<_> = poison.headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let offset = producer.raw(Some(1), poison.key.as_deref(), poison.value.as_deref(), &headers).await;
        places.insert(offset, poison);
        producer.changes_to(1, &[Change::of(product, version)]).await;
    }
    world.until_stored(product, bad.len() as i64).await;
    world.until_all_committed().await;

    assert_eq!(world.history(product).await, (1..=bad.len() as i64).collect::<Vec<_>>());
    let letters = world.letters();
    let keys: HashSet<_> = letters.iter().map(|letter| letter.key.clone()).collect();
    assert_eq!((letters.len(), keys.len()), (bad.len(), bad.len()), "one letter each");
    for letter in &letters {
        let offset = letter.header("dlq-offset").unwrap().parse().unwrap();
        let poison = places[&offset];
        assert_letter(&world, letter, offset, poison);
        assert_eq!(letter.header("dlq-replica").as_deref(), Some(gateway.name.as_str()));
    }

    let gaps = world.frames().await.into_iter().filter_map(|frame| match frame {
        RelayFrame::Gap(gap) => Some((gap.offset, gap.reason)),
        _ => None,
    });
    let gaps: BTreeMap<_, _> = gaps.collect();
    let told: BTreeMap<_, _> =
        places.iter().map(|(offset, poison)| (*offset, poison.reason.into())).collect();
    assert_eq!(gaps, told, "viewers are told of each");
}

fn assert_letter(world: &World, letter: &kafka::Stored, offset: i64, poison: &examples::Poison) {
    let name = &poison.name;
    assert_eq!(letter.key, Some(format!("{}/1/{offset}", world.topic).into_bytes()), "{name}");
    assert_eq!(letter.header("dlq-topic").as_ref(), Some(&world.topic), "{name}");
    assert_eq!(letter.header("dlq-partition").as_deref(), Some("1"), "{name}");
    assert_eq!(letter.header("dlq-reason").as_deref(), Some(poison.reason.as_str()), "{name}");
    assert_eq!(letter.header("dlq-redrives").as_deref(), Some("0"), "{name}");
    let error = letter.header("dlq-error").unwrap();
    assert!(poison.field.as_ref().is_none_or(|field| error.contains(field)), "{name}: {error}");
    assert_eq!(letter.header("dlq-key").map(String::into_bytes), poison.key, "{name}: the source's key");
    assert_eq!(letter.value, poison.value, "{name}: the source's value");
    for (header, value) in &poison.headers {
        assert_eq!(letter.header(header).as_ref(), Some(value), "{name}: the source's headers");
    }
}

#[tokio::test]
async fn a_value_that_no_letter_can_hold_is_cut_and_marked() {
    let world = World::shared("cut", 1).await;
    let (_gateway, producer, product) = (world.gateway("gw1", &[]), world.producer(), change::product());
    let value = vec![b'x'; LONGER_THAN_A_LETTER];
    producer.raw(Some(0), Some(b"a key"), Some(&value), &[]).await;
    producer.changes_to(0, &[Change::of(product, 1)]).await;
    world.until_stored(product, 1).await;

    let letters = world.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].header("dlq-reason").as_deref(), Some("too_large"));
    assert_eq!(letters[0].header("dlq-cut"), Some(LONGER_THAN_A_LETTER.to_string()));
    assert!(value.starts_with(letters[0].value.as_ref().unwrap()));
}

#[tokio::test]
async fn a_key_and_headers_that_no_letter_can_hold_are_cut_and_marked() {
    let world = World::shared("cut_more", 1).await;
    let (_gateway, producer, product) = (world.gateway("gw1", &[]), world.producer(), change::product());
    let long = "x".repeat(LONGER_THAN_A_LETTER);
    producer.raw(Some(0), Some(long.as_bytes()), None, &[]).await;
    producer.raw(Some(0), Some(b"a key"), Some(b"{}"), &[("long", &long), ("short", "kept")]).await;
    producer.changes_to(0, &[Change::of(product, 1)]).await;
    world.until_stored(product, 1).await;

    let letters = world.letters();
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().all(|letter| letter.header("dlq-cut").is_some()), "both are marked");
    let keyless = letters.iter().find(|l| l.header("dlq-reason").as_deref() == Some("tombstone")).unwrap();
    let key = keyless.header("dlq-key").unwrap();
    assert!(!key.is_empty() && long.starts_with(&key) && key.len() < long.len());
    let other = letters.iter().find(|l| l.header("dlq-reason").as_deref() == Some("missing_field")).unwrap();
    assert_eq!(other.header("long"), None);
    assert_eq!(other.header("short").as_deref(), Some("kept"));
    assert_eq!(other.value.as_deref(), Some(b"{}".as_slice()));
}

#[tokio::test]
async fn a_header_name_that_is_not_text_ends_no_process() {
    let world = World::shared("header", 1).await;
    let (gateway, producer, product) = (world.gateway("gw1", &[]), world.producer(), change::product());
    // only a program that does not look at the bytes can send this; the client library of the gateway can't even read it
    let send = r"printf '%s' '{}' | kcat -P -q -b $0 -t $1 -p 0 -k some -H $(printf '\377name')=value";
    let sent =
        std::process::Command::new("bash").args(["-c", send, &world.kafka, &world.topic]).status().unwrap();
    assert!(sent.success());
    producer.changes_to(0, &[Change::of(product, 1)]).await;
    world.until_stored(product, 1).await;

    let letters = world.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].header("dlq-reason").as_deref(), Some("not_utf8"));
    assert_eq!(letters[0].header("dlq-cut").as_deref(), Some("2"), "its headers could not be kept");
    assert!(gateway.process.log().contains("dead letters"), "the process that met it wrote the letter");
}

/// Waits until a letter was refused so often that whoever does not wait for it has gone on.
async fn until_letters_were_refused(gateway: &Gateway) {
    let retries = "shelfwire_ingest_retries_total{stage=\"dead_letters\"}";
    until("letters are refused", async || (gateway.metric(retries).await >= 5.0).then_some(())).await;
}

#[tokio::test]
async fn poison_is_not_committed_before_its_letter_is_written() {
    let world = World::shared("unwritten", 1).await;
    let (gateway, producer, product) = (world.gateway("gw1", &[]), world.producer(), change::product());
    world.limit_records(&world.dead_letters(), 1).await;
    producer.raw(Some(0), Some(b"no product"), Some(b"{"), &[]).await;
    producer.changes_to(0, &[Change::of(product, 1)]).await;
    until_letters_were_refused(&gateway).await;
    assert_eq!(world.committed(&world.topic)[&0], 0);
    world.limit_records(&world.dead_letters(), 1_048_588).await;
    world.until_stored(product, 1).await;
    world.until_all_committed().await;
    assert_eq!(world.letters().len(), 1);
}

#[tokio::test]
async fn a_poison_rating_is_not_committed_before_its_letter_is_written() {
    let world = World::shared("unwritten_rating", 1).await;
    let (gateway, topic) = (world.gateway("gw1", &[]), world.ratings_topic());
    let letters = topics::dead_letters(&topic).name;
    world.limit_records(&letters, 1).await;
    world.producer_to(&topic).raw(Some(0), Some(b"site"), Some(b"{"), &[]).await;
    until_letters_were_refused(&gateway).await;
    assert_eq!(world.committed_by(&format!("{}-ratings", world.group), &topic)[&0], 0);
    assert!(world.db().progress(&topic).await.unwrap().is_empty(), "nor is it left behind");
    world.limit_records(&letters, 1_048_588).await;
    world.until_all_folded().await;
    assert_eq!(world.rating_letters().len(), 1);
}

#[tokio::test]
async fn a_redriven_change_goes_the_same_way() {
    let world = World::shared("redrive", 1).await;
    let (_gateway, product) = (world.gateway("gw1", &[]), change::product());
    let redrive = topics::redrive(&world.topic).name;
    world.producer_to(&redrive).changes_to(0, &Change::row(product, 1, 2)).await;
    world.until_stored(product, 2).await;
    assert_eq!(world.history(product).await, [1, 2]);
}
