//! The generator plays the upstream price-and-stock system.
//!
//! A worker on a timer takes a random product of its catalogue, changes its price or its stock, and produces the
//! product's whole new state, keyed by the product's id, with the next version. Read in this order:
//!
//! 1. [`config`]: what can be set; [`worker`]: the loop.
//! 2. [`catalogue`], [`choose`], [`change`], [`pace`], [`shard`]: which product changes, how, and when. Pure: time and
//!    randomness come as arguments.
//! 3. [`resume`]: what the topic already says, so that a restart goes on at the next version.
//! 4. [`produce`]: the way to Kafka, with every acknowledgement accounted for.
//! 5. [`replay`] and [`by_hand`]: recorded changes, and a single one, instead of random ones.
//! 6. [`photos`]: a picture for each product, uploaded to the gateway.
//!
//! **Invariant:** per product the versions on the topic are 1, 2, 3 … in this order, without a gap; a version that was
//! handed to Kafka is never used again for another change.

pub mod config;
pub mod start;
pub mod worker;

pub mod by_hand;
pub mod replay;

pub mod catalogue;
pub mod change;
pub mod choose;
pub mod pace;
pub mod shard;

pub mod resume;

pub mod photos;

pub mod audit;
pub mod produce;
pub mod report;
pub mod stop;
