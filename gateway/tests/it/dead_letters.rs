//! `gateway dead-letters`: what could not be read or written, from a shell, with no replica's help.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use schema::topics;
use serde_json::{Value, json};

use crate::helpers::{Change, World, change, until};

/// What a call said, and how it ended.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn lines(&self) -> Vec<Value> {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn call(world: &World, args: &[&str]) -> Said {
    call_with(world, args, "")
}

fn call_with(world: &World, args: &[&str], input: &str) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.args(["--kafka", &world.kafka, "--changes-topic", &world.topic]);
    command.args(["--ratings-topic", &world.ratings_topic(), "dead-letters"]).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: ended.status.code(), out: text(ended.stdout), err: text(ended.stderr) }
}

async fn until_letters(world: &World, count: usize) {
    until(&format!("{count} letters"), async || (world.letters().len() >= count).then_some(())).await;
    assert_eq!(world.letters().len(), count);
}

fn place(letter: &Value) -> String {
    format!("{}/{}", letter["partition"], letter["offset"])
}

#[tokio::test]
async fn letters_are_listed_by_reason_and_time_and_shown_whole() {
    let world = World::shared("list", 1).await;
    let (_gateway, producer) = (world.gateway("gw1", &[]), world.producer());
    let long = "x".repeat(10_000);
    producer.raw(Some(0), Some(b"a\x1b[2Jkey"), Some(long.as_bytes()), &[("ce_source", "/by/hand")]).await;
    producer.raw(Some(0), Some(b"gone"), None, &[]).await;
    producer.raw(Some(0), Some(b"here"), Some(b""), &[]).await;
    world.producer_to(&world.ratings_topic()).raw(Some(0), Some(b"site"), Some(b"none"), &[]).await;
    until_letters(&world, 3).await;

    let all = call(&world, &["list", "--json"]).lines();
    let of = |reason: &str| all.iter().find(|letter| letter["reason"] == reason).unwrap();
    assert_eq!(all.len(), 3);
    let (bad, none) = (of("not_json"), of("tombstone"));
    assert_eq!(
        call(&world, &["list", "--json", "--reason", "tombstone"]).lines(),
        std::slice::from_ref(none)
    );
    let two = ["list", "--json", "--reason", "tombstone", "--reason", "empty", "--since", "1h"];
    assert_eq!(call(&world, &two).lines().len(), 2);
    let before = call(&world, &["list", "--json", "--until", "1h"]);
    assert!(before.lines().is_empty() && before.err.contains("no dead letters"), "{before:?}");
    let newest = call(&world, &["list", "--json", "--limit", "1"]);
    assert_eq!(newest.lines(), all[..1], "the newest");
    assert!(newest.err.contains("1 of 3"), "{newest:?}");

    let table = call(&world, &["list"]).out;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines.len() == 4 && lines[0].starts_with("POSITION  WRITTEN"), "{table}");
    assert!(table.contains("a\\u{1b}[2Jkey") && !table.contains('\u{1b}'), "{table}");

    let one: Value = serde_json::from_str(&call(&world, &["show", &place(bad), "--json"]).out).unwrap();
    assert_eq!((&one["value"], &one["value_bytes"]), (&json!(long), &json!(10_000)));
    assert!(bad["value"].as_str().unwrap().len() < 10_000, "a list has the beginning only");
    let told = call(&world, &["show", &place(bad)]).out;
    for part in ["not_json", "ce_source: /by/hand", long.as_str(), bad["source"].as_str().unwrap()] {
        assert!(told.contains(part), "{part}: {told}");
    }

    let ratings = until("the letter of a rating", async || {
        call(&world, &["list", "--topic", "ratings", "--json"]).lines().pop()
    });
    let rating = ratings.await;
    assert_eq!(rating["value"], "none");
    assert!(call(&world, &["show", &place(&rating), "--topic", "ratings"]).out.contains("not_json"));
}

#[tokio::test]
async fn what_is_driven_back_twice_is_written_once() {
    let world = World::shared("twice", 2).await;
    let taste = "ALTER TABLE products ADD CONSTRAINT taste CHECK (price_minor < 1000)";
    world.sql.run(taste).await;
    let (gateway, producer) = (world.gateway("gw1", &[]), world.producer());
    let products: Vec<_> = (0..3).map(|_| change::product()).collect();
    for product in &products {
        for version in 1..=2 {
            producer.change(&Change { price: 5_000, ..Change::of(*product, version) }).await;
        }
    }
    producer.raw(None, Some(b"other"), Some(b"no change"), &[]).await;
    until_letters(&world, 7).await;
    world.sql.run("ALTER TABLE products DROP CONSTRAINT taste").await;

    let redrive = topics::redrive(&world.topic).name;
    let sent = || world.ends(&redrive).values().sum::<i64>();
    let dry = call(&world, &["redrive", "--reason", "rejected", "--dry-run", "--json"]).lines();
    assert_eq!((dry.len(), sent()), (6, 0), "{dry:?}");
    assert!(dry.iter().all(|line| line["result"] == "would be sent"), "{dry:?}");

    let started = Instant::now();
    let lines = call(&world, &["redrive", "--reason", "rejected", "--rate", "5", "--json"]).lines();
    assert!(started.elapsed() >= Duration::from_millis(950), "six at five a second");
    assert!(lines.iter().all(|line| line["result"] == "sent" && line["redrives"] == 1), "{lines:?}");
    for product in &products {
        world.until_stored(*product, 2).await;
        assert_eq!(world.history(*product).await, [1, 2], "sent in the order of their versions");
    }
    let rows = "SELECT product_id, version, event_id, previous FROM products ORDER BY 1";
    let stored = world.sql.rows(rows).await;

    let again = call(&world, &["redrive", "--since", "1h", "--reason", "rejected"]);
    assert!(again.code == Some(0) && again.err.contains("6 of 6"), "{again:?}");
    assert_eq!(sent(), 12);
    let told = |event: &'static str| {
        let audit = gateway.audit();
        audit.into_iter().filter(move |line| line.event == event).filter(|line| line.topic == redrive).count()
    };
    until("all twelve have an outcome", async || {
        (told("new") + told("replay") + told("stale") == 12).then_some(())
    })
    .await;
    assert_eq!(told("new"), 6);
    assert_eq!(world.sql.rows(rows).await, stored, "the second time changes nothing");
    assert_eq!(world.sql.number("SELECT count(*) FROM product_changes").await, 6);
    until_letters(&world, 7).await;
}

#[tokio::test]
async fn a_record_that_fails_again_keeps_its_first_failure() {
    let world = World::shared("again", 1).await;
    let (_gateway, producer, product) = (world.gateway("gw1", &[]), world.producer(), change::product());
    let change = Change::of(product, 1);
    let broken = String::from_utf8(change.value()).unwrap().replace("\"EUR\"", "\"eur\"");
    let headers = [("ce_source", "/by/hand")];
    producer.raw(Some(0), Some(change.key().as_bytes()), Some(broken.as_bytes()), &headers).await;
    until_letters(&world, 1).await;
    let first = call(&world, &["list", "--json"]).lines().remove(0);
    assert_eq!((&first["first"], &first["redrives"]), (&Value::Null, &json!(0)));

    for redrives in 1..=2 {
        // of a record that failed several times one letter is sent, the last one
        assert_eq!(call(&world, &["redrive", "--all", "--json"]).lines().len(), 1);
        until_letters(&world, redrives + 1).await;
        let letters = call(&world, &["list", "--json"]).lines();
        let last = letters.iter().find(|letter| letter["redrives"] == json!(redrives)).unwrap();
        assert!(last["source"].as_str().unwrap().starts_with(&format!("{}.redrive/", world.topic)), "{last}");
        let was = &last["first"];
        for field in ["source", "reason", "error", "at", "replica"] {
            assert_eq!(was[field], first[field], "{field}");
        }
        assert_eq!(last["headers"], json!({"ce_source": "/by/hand"}));
    }

    let place = place(&first);
    let corrected = String::from_utf8(change.value()).unwrap();
    let sent = call_with(&world, &["redrive", &place, "--value", "-"], &corrected);
    assert!(sent.out.contains("sent, 1 times now"), "{sent:?}");
    world.until_stored(product, 1).await;
    assert!(call(&world, &["show", &place]).out.contains("\"eur\""), "the letter stays as it was");
}

#[tokio::test]
async fn wrong_usage_ends_with_2_and_a_failure_with_1() {
    let world = World::shared("wrong", 1).await;
    let wrong: [&[&str]; 8] = [
        &["redrive"],
        &["redrive", "0/1", "--all"],
        &["redrive", "--all", "--value", "x"],
        &["redrive", "0/1", "--value", "/nowhere/at/all"],
        &["redrive", "--all", "--rate", "0"],
        &["show", "0"],
        &["list", "--reason", "bad"],
        &["list", "--since", "yesterday"],
    ];
    for args in wrong {
        let said = call(&world, args);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{args:?}: {said:?}");
        assert!(said.err.starts_with("error: "), "{args:?}: {said:?}");
    }

    let fails = |args: &[&str], why: &str| {
        let said = call(&world, args);
        assert!(said.code == Some(1) && said.err.contains(why), "{args:?}: {said:?}");
    };
    fails(&["show", "0/7"], "there is no dead letter 0/7");
    fails(&["redrive", "0/7"], "there is no dead letter 0/7");
    let mut elsewhere = Command::new(env!("CARGO_BIN_EXE_gateway"));
    let missing =
        elsewhere.args(["--kafka", &world.kafka, "--changes-topic", "nobodys", "dead-letters", "list"]);
    let said = missing.output().unwrap();
    assert_eq!(said.status.code(), Some(1));
    assert!(String::from_utf8(said.stderr).unwrap().contains("there is no topic nobodys.dlq"));
    let mut nobody = Command::new(env!("CARGO_BIN_EXE_gateway"));
    let said = nobody.args(["--kafka", "127.0.0.1:1", "dead-letters", "list"]).output().unwrap();
    assert_eq!(said.status.code(), Some(1));
    assert!(String::from_utf8(said.stderr).unwrap().starts_with("error: 127.0.0.1:1: Kafka: "));
}
