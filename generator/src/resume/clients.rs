//! How the client library is told to read.

use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;

use crate::produce::topic::Quiet;

/// Most bytes that are fetched ahead, KiB.
const AHEAD_KIB: u32 = 16 * 1024;

fn settings(kafka: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", kafka)
        .set("client.id", "shelfwire-generator")
        .set("reconnect.backoff.max.ms", "1000");
    config
}

/// A client for questions.
pub(super) fn asking(kafka: &str) -> Result<BaseConsumer<Quiet>, KafkaError> {
    settings(kafka).create_with_context(Quiet)
}

/// A client that reads what it is assigned.
pub(super) fn reading(kafka: &str) -> Result<BaseConsumer<Quiet>, KafkaError> {
    settings(kafka)
        // the client library wants a name to read at all; nothing joins or commits under it
        .set("group.id", "shelfwire-generator-resume")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("queued.max.messages.kbytes", AHEAD_KIB.to_string())
        .create_with_context(Quiet)
}
