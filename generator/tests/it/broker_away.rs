//! A broker that is away delays changes, and nothing else.

use std::time::Duration;

use stack::{Options, Private};

use crate::helpers::{Generator, Topic, wait_until};

#[test]
fn a_broker_that_is_away_delays_changes_and_loses_none() {
    let servers = Private::start(Options::default()).unwrap();
    let topic = Topic::on(&servers.kafka());
    let generator = Generator::start(&topic, &["--products", "5", "--rate", "200"]);
    generator.wait_for_word("catalogue ready");
    std::thread::sleep(Duration::from_millis(500));
    servers.pause("kafka1").unwrap();
    generator.wait_for_word("kafka does not acknowledge");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(generator.words().matches("kafka does not acknowledge").count(), 1, "it is said once");
    servers.resume("kafka1").unwrap();
    generator.wait_for_word("kafka acknowledges again");
    std::thread::sleep(Duration::from_millis(500));
    generator.stop_whole(&topic);
}

#[test]
fn a_client_that_is_given_up_hands_all_it_held_to_the_next() {
    let servers = Private::start(Options::default()).unwrap();
    let topic = Topic::on(&servers.kafka());
    let generator = Generator::start(&topic, &["--products", "5", "--rate", "200"]);
    generator.wait_for_word("catalogue ready");
    // what is on its way when the broker stops arrives in the end, and again by the next client
    servers.pause("kafka1").unwrap();
    generator.wait_for_word("trying with another client");
    servers.resume("kafka1").unwrap();
    generator.wait_for_word("kafka acknowledges again");
    generator.stop_whole(&topic);
}

#[test]
fn a_killed_broker_costs_no_version() {
    let servers = Private::start(Options { durable: true, ..Options::default() }).unwrap();
    let topic = Topic::on(&servers.kafka());
    let generator = Generator::start(&topic, &["--products", "5", "--rate", "200"]);
    generator.wait_for_word("catalogue ready");
    std::thread::sleep(Duration::from_millis(500));
    servers.kill("kafka1").unwrap();
    generator.wait_for_word("kafka does not acknowledge");
    servers.start_again("kafka1").unwrap();
    generator.wait_for_word("kafka acknowledges again");
    generator.stop_whole(&topic);
}

#[test]
fn a_full_buffer_is_said_once_and_takes_no_memory_without_end() {
    let servers = Private::start(Options::default()).unwrap();
    let topic = Topic::on(&servers.kafka());
    // more than the buffer takes; at the end of a count the flush has no limit, however slow the machine
    let generator = Generator::start(&topic, &["--products", "100", "--rate", "max", "--count", "150000"]);
    generator.wait_for_word("catalogue ready");
    servers.pause("kafka1").unwrap();
    generator.wait_for_word("the buffer is full");
    let before = generator.resident_bytes();
    std::thread::sleep(Duration::from_secs(1));
    let after = generator.resident_bytes();
    assert_eq!(generator.words().matches("the buffer is full").count(), 1, "it is said once");
    assert!(after < before + (8 << 20), "{before} bytes became {after}");
    assert!(after < 400 << 20, "{after} bytes");
    servers.resume("kafka1").unwrap();
    generator.wait_for_word("kafka acknowledges again");
    let ended = generator.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(topic.changes_of(&ended), ended.number_before(" changes sent"));
}

#[test]
fn a_generator_waits_for_a_broker_that_comes_later() {
    let servers = Private::start(Options::default()).unwrap();
    servers.stop("kafka1").unwrap();
    let topic = Topic::on(&servers.kafka());
    let generator = Generator::start(&topic, &["--products", "5", "--rate", "50", "--count", "20"]);
    wait_until("it tries again", || generator.words().matches("kafka is away; waiting for it").count() >= 2);
    servers.start_again("kafka1").unwrap();
    let ended = generator.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(topic.gapless_versions().values().sum::<i64>(), 25);
}
