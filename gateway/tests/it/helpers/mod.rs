//! What the tests stand on: a [`World`] of names and addresses, processes in it, and looks into each server.
//!
//! - [`World`] starts replicas ([`Gateway`]) and generators, and holds one SQL connection;
//! - [`kafka`]: producing any record, committed offsets, whole topics with headers;
//! - [`change`]: changes of made-up products;
//! - [`audit`]: the lines that replicas write, and what must hold among them;
//! - [`client`]: a client of HTTP; [`rate`]: what ratings must add up to;
//! - [`relay`]: the stream's frames, and the rule by which a viewer follows them;
//! - [`Viewer`]: a WebSocket or SSE client ([`line`]) that remembers what must not be ([`book`]);
//! - [`proxy`]: a wire to a server, which a test can cut;
//! - [`http`]: any request, with headers and bytes; [`photos`]: pictures, and what replicas say of them;
//! - [`Gate`]: decides what stands in one batch.

#![allow(dead_code, reason = "helpers are made for the tests to come, too")]

pub(crate) mod audit;
pub(crate) mod book;
pub(crate) mod change;
pub(crate) mod client;
pub(crate) mod gate;
pub(crate) mod http;
pub(crate) mod kafka;
pub(crate) mod line;
pub(crate) mod photos;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod rate;
pub(crate) mod relay;
pub(crate) mod slow_redis;
pub(crate) mod sql;
pub(crate) mod viewer;
mod wait;
mod world;

pub(crate) use change::Change;
pub(crate) use gate::Gate;
pub(crate) use line::Kind;
pub(crate) use viewer::Viewer;
pub(crate) use wait::{LONG, until, until_ok};
pub(crate) use world::World;
