//! A client whose connections are open and carry nothing: Kafka is there, and it does not know.

use stack::{Options, Private};

use crate::helpers::{Generator, Topic, Wire, versions_with_repeats, wait_until};

/// Kafka, and a wire to it.
fn behind_a_wire() -> (Private, Topic, Wire) {
    let wire = Wire::listen();
    let servers = Private::start(Options { proxy: Some(wire.port), ..Options::default() }).unwrap();
    wire.lead_to(servers.kafka_behind().unwrap());
    let topic = Topic::on(&format!("127.0.0.1:{}", wire.port));
    (servers, topic, wire)
}

#[test]
fn what_a_deaf_client_held_at_a_stop_is_sent_by_another() {
    let (_servers, topic, wire) = behind_a_wire();
    let generator = Generator::start(&topic, &["--products", "5", "--rate", "200"]);
    generator.wait_for_word("catalogue ready");
    wait_until("all its clients are connected", || !topic.stored().is_empty());
    wire.dumb();
    generator.wait_for_word("kafka does not acknowledge");
    generator.signal("-TERM");
    let ended = generator.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let stored: usize = versions_with_repeats(&topic.stored()).values().sum();
    assert_eq!(stored, ended.number_before(" changes sent"));
}

#[test]
fn a_reader_that_went_deaf_follows_others_again() {
    let (_servers, topic, wire) = behind_a_wire();
    let generator = Generator::start(&topic, &["--products", "1", "--rate", "1"]);
    generator.wait_for_word("catalogue ready");
    wait_until("all its clients are connected", || !topic.stored().is_empty());
    wire.dumb();
    generator.wait_for_word("trying with another client");
    generator.wait_for_word("kafka acknowledges again");
    generator.wait_for_word("reading with another client");
    let product = topic.stored()[0].change.product_id.to_string();
    // one that falls on a tick is a collision, and nothing to follow
    wait_until("it follows a change by hand", || {
        Generator::run(&topic, &["change", "--product", &product, "--stock", "9"]);
        generator.words().contains("somebody else changed a product of ours")
    });
    generator.signal("-TERM");
    assert_eq!(generator.end().code, Some(0));
}
