//! Keeps the documents honest: takes the shell commands out of them and runs them as a reader would.
//!
//! [`document`] turns a document into a script, [`reader`] runs it beside a private stack. The program
//! `readme-commands` does both for the files it is given. The tests of this crate also hold the repository's own
//! order (`tests/tidy.rs`).

pub mod document;
pub mod reader;
