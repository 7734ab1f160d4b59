//! How the client library is told to produce.

use rdkafka::ClientConfig;

use super::Traffic;

/// Most changes that wait for their acknowledgement.
const BUFFER_MESSAGES: u32 = 100_000;
/// Most bytes of changes that wait for their acknowledgement, KiB.
const BUFFER_KIB: u32 = 64 * 1024;

/// The producer's settings, each with its reason.
pub(super) fn of(kafka: &str, traffic: Traffic) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", kafka)
        .set("client.id", "shelfwire-generator")
        .set("acks", "all")
        // no change is given up because of its age
        .set("message.timeout.ms", "0")
        // Java and other clients put a key on the same partition
        .set("partitioner", "murmur2_random")
        .set("queue.buffering.max.messages", BUFFER_MESSAGES.to_string())
        .set("queue.buffering.max.kbytes", BUFFER_KIB.to_string())
        .set("compression.type", "lz4")
        .set("socket.nagle.disable", "true")
        // a broker that comes back is found within a second (default 10 s)
        .set("reconnect.backoff.max.ms", "1000");
    if traffic != Traffic::Single {
        config
            // retries neither double a change nor swap two of one partition
            .set("enable.idempotence", "true")
            // a change that cannot be delivered stops the ones behind it: versions have no gaps
            .set("enable.gapless.guarantee", "true");
    }
    match traffic {
        Traffic::Paced | Traffic::Single => config.set("linger.ms", "0"),
        Traffic::Bulk => config.set("linger.ms", "5").set("batch.size", "262144"),
    };
    config
}
