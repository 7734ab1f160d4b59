//! The generator against the real Kafka: each test drives the real binary on a topic of its own.
//!
//! `make test` starts the servers for the whole run; by hand, the first test starts a private stack. Tests that pause
//! or stop the broker start one of their own.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't go on panics")]

mod helpers;

mod broker_away;
mod by_hand;
mod contract;
mod deaf;
mod replay;
mod resume;
mod shards;
mod stop;
mod usage;
