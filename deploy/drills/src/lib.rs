//! Drills, and tests of the repository itself.
//!
//! [`drill`] breaks things under load and judges what comes of it (the program `drill`).
//!
//! [`document`] turns a document into a script, [`reader`] runs it beside a private stack. The program
//! `readme-commands` does both for the files it is given. The tests of this crate also hold the repository's own
//! order (`tests/tidy.rs`).

pub mod document;
pub mod drill;
pub mod reader;
