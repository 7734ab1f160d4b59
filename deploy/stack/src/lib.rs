//! The private stack: real Kafka, PostgreSQL, Redis and HAProxy, and our own replicas, started, scaled, killed and
//! stopped by one small supervisor, without containers.
//!
//! Two users, one code. `make up` runs the binary, which keeps a supervisor in the background with its state in `.run/`.
//! Tests and benches use the library: [`Private`] is a stack of their own in a temporary folder, on free ports, gone when
//! the value is dropped; [`shared`] is the one that a whole test run has in common.
//!
//! What holds:
//! - Nothing of the machine's own is touched: own ports, own data, and only processes that we started are ended.
//! - No process outlives its supervisor, however that one ends: the kernel sends SIGKILL (`PDEATHSIG`), and what is left
//!   over all the same is found by its working folder at the next start.
//! - A server counts as ready when it answers in its own protocol **and** the answering socket belongs to our child.
//!
//! Reading order: [`service`] says what a process is, [`servers`] which ones there are, [`supervisor`] keeps them.

#[cfg(not(target_os = "linux"))]
compile_error!("the native stack reads /proc and needs Linux; elsewhere use `make up STACK=docker`");

pub mod service;
pub mod supervisor;

pub mod servers;

pub mod child;
pub mod control;
pub mod daemon;
pub mod layout;
pub mod ports;
pub mod probe;
pub mod proc;
pub mod settings;
pub mod wire;

mod private;
mod shared;

pub use private::{Options, Private};
pub use shared::{Shared, shared};
