//! Keeps the documents honest: takes the commands out of them and runs them as a reader would.
//!
//! The tests of this crate also hold the repository's own order (`tests/tidy.rs`).
