//! Where a partition ends, asked without a group.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::client::{self, KafkaError};

/// Longest wait for the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The offset behind the newest record of a partition. A client of its own, for this one question: it is a rare one.
///
/// # Errors
/// The broker is away, or does not know the partition.
pub async fn end_of(brokers: &str, topic: &str, partition: i32) -> Result<i64, KafkaError> {
    let (config, topic) = (client::base(brokers, "gateway-ends"), topic.to_owned());
    let ask = tokio::task::spawn_blocking(move || {
        let client: BaseConsumer = config.create()?;
        let (_, end) = client.fetch_watermarks(&topic, partition, ANSWER_WITHIN)?;
        Ok(end)
    });
    ask.await.unwrap_or(Err(KafkaError::Panicked))
}
