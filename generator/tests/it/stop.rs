//! A generator that is asked to stop keeps its word about what it sent.

use std::time::{Duration, Instant};

use stack::{Options, Private};

use crate::helpers::{Generator, Topic, wait_until};

#[test]
fn sigterm_flushes_what_is_in_flight() {
    for signal in ["-TERM", "-INT"] {
        let topic = Topic::new();
        let generator = Generator::start(&topic, &["--products", "50", "--rate", "max"]);
        generator.wait_for_word("catalogue ready");
        wait_until("it is at work", || topic.stored().len() > 100);
        generator.signal(signal);
        let ended = generator.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let sent = ended.number_before(" changes sent");
        assert_eq!(ended.number_before(" acknowledged"), sent);
        assert_eq!(topic.changes_of(&ended), sent, "what it says is what is there");
        assert!(sent > 100, "{sent}");
    }
}

#[test]
fn sigterm_says_what_a_broker_that_is_away_did_not_acknowledge() {
    let servers = Private::start(Options::default()).unwrap();
    let topic = Topic::on(&servers.kafka());
    let generator = Generator::start(&topic, &["--products", "5", "--rate", "100"]);
    generator.wait_for_word("catalogue ready");
    std::thread::sleep(Duration::from_millis(500));
    servers.pause("kafka1").unwrap();
    generator.wait_for_word("kafka does not acknowledge");
    let asked = Instant::now();
    generator.signal("-TERM");
    let ended = generator.end();
    let took = asked.elapsed();
    servers.resume("kafka1").unwrap();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.number_before(" of ") > 0, "{ended:?}");
    assert!(ended.stderr.contains("changes not acknowledged by Kafka"), "{ended:?}");
    assert!((9..20).contains(&took.as_secs()), "it waits about 10 s: {took:?}");
    Generator::run(&topic, &["--products", "5", "--rate", "max", "--count", "50"]);
    topic.gapless_versions();
}

#[test]
fn a_generator_that_still_waits_for_kafka_can_be_stopped() {
    let port = stack::ports::free(1).unwrap()[0];
    let generator = Generator::start_at(&format!("127.0.0.1:{port}"), "changes", &[], None);
    generator.wait_for_word("kafka is away; waiting for it");
    generator.signal("-TERM");
    let ended = generator.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("stopped: 0 changes sent, 0 acknowledged"), "{ended:?}");
}
