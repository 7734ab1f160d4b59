//! The wires between one replica and each server: cut, silent in one direction, slow.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::LocalBoxFuture;

use super::{Row, Scene, Servers};
use crate::drill::world::WIRED;
use crate::drill::world::proxy::{Mode, Proxy};
use crate::drill::world::wires::Wires;

const DELAY: Duration = Duration::from_millis(150);
/// A trickle: less than the replica's share of the load needs.
const TRICKLE: u32 = 20_000;

type Run = for<'s> fn(&'s mut Scene<'_>) -> LocalBoxFuture<'s, anyhow::Result<()>>;

const fn row(name: &'static str, about: &'static str, run: Run) -> Row {
    Row { name, about, servers: Servers::One, seconds: 9, run }
}

pub(super) const ROWS: &[Row] = &[
    row("net-kafka-cut", "one replica without Kafka", |s| Box::pin(break_wire(s, |w| &w.kafka, Mode::Cut))),
    row("net-kafka-one-way", "one replica hears nothing of Kafka", |s| {
        Box::pin(break_wire(s, |w| &w.kafka, Mode::OneWay))
    }),
    row("net-kafka-delay", "one replica far from Kafka", |s| {
        Box::pin(break_wire(s, |w| &w.kafka, Mode::Delayed(DELAY)))
    }),
    row("net-kafka-trickle", "one replica with a thin wire to Kafka", |s| {
        Box::pin(break_wire(s, |w| &w.kafka, Mode::Throttled(TRICKLE)))
    }),
    row("net-postgres-cut", "one replica without Postgres", |s| {
        Box::pin(break_wire(s, |w| &w.postgres, Mode::Cut))
    }),
    row("net-postgres-one-way", "one replica hears nothing of Postgres", |s| {
        Box::pin(break_wire(s, |w| &w.postgres, Mode::OneWay))
    }),
    row("net-postgres-delay", "one replica far from Postgres", |s| {
        Box::pin(break_wire(s, |w| &w.postgres, Mode::Delayed(DELAY)))
    }),
    row("net-postgres-trickle", "one replica with a thin wire to Postgres", |s| {
        Box::pin(break_wire(s, |w| &w.postgres, Mode::Throttled(TRICKLE)))
    }),
    row("net-redis-cut", "one replica without Redis", |s| Box::pin(break_wire(s, |w| &w.redis, Mode::Cut))),
    row("net-redis-one-way", "one replica hears nothing of Redis", |s| {
        Box::pin(break_wire(s, |w| &w.redis, Mode::OneWay))
    }),
    row("net-redis-delay", "one replica far from Redis", |s| {
        Box::pin(break_wire(s, |w| &w.redis, Mode::Delayed(DELAY)))
    }),
    row("net-redis-trickle", "one replica with a thin wire to Redis", |s| {
        Box::pin(break_wire(s, |w| &w.redis, Mode::Throttled(TRICKLE)))
    }),
];

async fn break_wire(scene: &mut Scene<'_>, wire: fn(&Wires) -> &Proxy, mode: Mode) -> anyhow::Result<()> {
    scene.note(format!("{WIRED}: {mode:?}"));
    wire(scene.world.wires.as_ref().context("no wires")?).set(mode);
    // now and then longer than a session
    scene.wait_ms(3_000, 9_000).await;
    wire(scene.world.wires.as_ref().context("no wires")?).set(Mode::Open);
    Ok(())
}
