//! A client whose connections are open and carry nothing: Kafka is there, and it does not know.

use stack::{Options, Private};

use crate::helpers::{Generator, Topic, Wire, wait_until};

/// Kafka, and a generator whose connections to it have just become dumb.
fn gone_deaf(args: &[&str]) -> (Private, Topic, Generator) {
    let wire = Wire::listen();
    let servers = Private::start(Options { proxy: Some(wire.port), ..Options::default() }).unwrap();
    wire.lead_to(servers.kafka_behind().unwrap());
    let topic = Topic::on(&format!("127.0.0.1:{}", wire.port));
    let generator = Generator::start(&topic, args);
    generator.wait_for_word("catalogue ready");
    wait_until("all its clients are connected", || !topic.stored().is_empty());
    wire.dumb();
    (servers, topic, generator)
}

#[test]
fn what_a_deaf_client_held_at_a_stop_is_sent_by_another() {
    let (_servers, topic, generator) = gone_deaf(&["--products", "5", "--rate", "200"]);
    generator.wait_for_word("kafka does not acknowledge");
    let ended = generator.stop_whole(&topic);
    assert!(ended.stderr.contains("trying with another client"), "{ended:?}");
}

#[test]
fn a_reader_that_went_deaf_follows_others_again() {
    let (_servers, topic, generator) = gone_deaf(&["--products", "1", "--rate", "1"]);
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
