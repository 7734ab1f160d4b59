//! Kafka: consuming with manual commits, and dead letters. The one home of rdkafka in the gateway.
//!
//! A [`Lane`] is one consumer, an OS thread that polls and turns everything that happens into messages over bounded
//! channels ([`Record`]s, and events of the group), and the writers behind it, which gather batches and serve the group
//! while the lane's [`Work`] is at them. Work says what is [`Finished`], and that is committed. The module knows
//! records and positions, never products.

mod backpressure;
mod channels;
mod client;
mod consumer;
mod dead_letter;
mod ends;
mod lane;
mod letter;
mod letters;
mod offsets;
mod poll;
mod producer;
mod pulse;
mod rebalance;
mod record;
mod redrive;
mod statistics;
mod status;
mod turn;
mod wake;
mod writer;

pub use client::{KafkaError, ensure_topics};
pub use consumer::ConsumerSettings;
pub use dead_letter::{DeadLetter, DeadLetters};
pub use ends::end_of;
pub use lane::Lane;
pub use letter::{Failure, Letter};
pub use letters::Letters;
pub use offsets::Finished;
pub use producer::{Produced, Producer};
pub use record::{Position, Record, audit_all};
pub use redrive::{Redrive, RedriveError};
pub use status::LaneStatus;
pub use writer::Work;
