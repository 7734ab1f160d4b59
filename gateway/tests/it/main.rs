//! The gateway's promises, each tried on the real binary with a real Kafka, PostgreSQL and Redis.
//!
//! A test has its own [`helpers::World`]: topic, database, group and key prefix under a name that nobody else has, so all
//! tests run beside each other on the servers of `stack::shared`. One that stops or pauses a server starts a
//! `stack::Private`. Nothing waits for a time: [`helpers::until`] waits for a condition, with a deadline far above what is
//! expected; a fixed wait stands only where *nothing happens* is what is shown.
//!
//! Batches are made on purpose with a [`helpers::Gate`]: it holds one product's row, so the writer that has a change of it
//! in hand waits while the next batch gathers behind it.
//!
//! Run: `cargo build -p generator && cargo test -p gateway --test it`, or all at once with `make test`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't go on panics")]
#![expect(
    clippy::cast_possible_wrap,
    clippy::float_cmp,
    clippy::option_option,
    clippy::similar_names,
    reason = "counts are small, counters are whole, and what a book holds is told apart by hand"
)]

mod helpers;

mod away;
mod conversation;
mod crash;
mod dead_letters;
mod drain;
#[cfg(feature = "drill")]
mod drill;
mod fresh_view;
mod handshake;
mod letters;
mod news;
mod order;
mod outcomes;
mod photo_cache;
mod photo_catalogue;
mod photo_faults;
mod photo_news;
mod photo_uploads;
mod poison;
mod postgres_faults;
mod ratings;
mod ratings_faults;
mod rebalance;
mod redelivery;
mod redis_faults;
mod refused;
mod resume;
mod roaming;
mod send_away;
mod settings;
mod slow_viewer;
mod start;
mod talk;
