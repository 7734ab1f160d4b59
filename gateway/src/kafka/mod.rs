//! Kafka: consuming with manual commits, and dead letters. The one home of rdkafka in the gateway.
//!
//! A lane starts one [`Consumer`]: an OS thread that polls and turns everything that happens into messages over bounded
//! channels ([`Record`]s, and [`Event`]s of the group). Lanes say what is finished ([`Finished`]); the same thread
//! commits it. The module knows records and positions, never products.

mod channels;
mod client;
mod dead_letter;
mod offsets;
mod poll;
mod rebalance;
mod record;
mod status;

pub use channels::{Progress, Records, WriterChannels};
pub use client::{KafkaError, ensure_topics};
pub use dead_letter::{DeadLetter, DeadLetters};
pub use offsets::Finished;
pub use poll::{Consumer, ConsumerSettings};
pub use rebalance::Event;
pub use record::{Position, Record};
pub use status::LaneStatus;
