//! The wires between one replica and each server: cut, silent in one direction, slow.

use std::time::Duration;

use anyhow::Context as _;

use super::{Row, Run, Scene, Servers};
use crate::drill::world::WIRED;
use crate::drill::world::proxy::{Mode, Proxy};
use crate::drill::world::wires::Wires;

const DELAY: Duration = Duration::from_millis(150);
/// A trickle: less than the replica's share of the load needs.
const TRICKLE: u32 = 20_000;

const fn row(name: &'static str, about: &'static str, run: Run) -> Row {
    Row { name, about, servers: Servers::One, seconds: 9, run }
}

/// A row in which a wire is not what it should be.
macro_rules! breaks {
    ($name:literal, $about:literal, $wire:ident, $mode:expr) => {
        row($name, $about, |scene| Box::pin(break_wire(scene, |wires| &wires.$wire, $mode)))
    };
}

pub(super) const ROWS: &[Row] = &[
    breaks!("net-kafka-cut", "one replica without Kafka", kafka, Mode::Cut),
    breaks!("net-kafka-one-way", "one replica hears nothing of Kafka", kafka, Mode::OneWay),
    breaks!("net-kafka-delay", "one replica far from Kafka", kafka, Mode::Delayed(DELAY)),
    breaks!("net-kafka-trickle", "one replica with a thin wire to Kafka", kafka, Mode::Throttled(TRICKLE)),
    breaks!("net-postgres-cut", "one replica without Postgres", postgres, Mode::Cut),
    breaks!("net-postgres-one-way", "one replica hears nothing of Postgres", postgres, Mode::OneWay),
    breaks!("net-postgres-delay", "one replica far from Postgres", postgres, Mode::Delayed(DELAY)),
    breaks!(
        "net-postgres-trickle",
        "one replica with a thin wire to Postgres",
        postgres,
        Mode::Throttled(TRICKLE)
    ),
    breaks!("net-redis-cut", "one replica without Redis", redis, Mode::Cut),
    breaks!("net-redis-one-way", "one replica hears nothing of Redis", redis, Mode::OneWay),
    breaks!("net-redis-delay", "one replica far from Redis", redis, Mode::Delayed(DELAY)),
    breaks!("net-redis-trickle", "one replica with a thin wire to Redis", redis, Mode::Throttled(TRICKLE)),
];

async fn break_wire(scene: &mut Scene<'_>, wire: fn(&Wires) -> &Proxy, mode: Mode) -> anyhow::Result<()> {
    // after a row without Redis it leaves its work to the others for a while
    scene.world.until_owns(WIRED).await?;
    scene.note(format!("{WIRED}: {mode:?}"));
    wire(scene.world.wires.as_ref().context("no wires")?).set(mode);
    // now and then longer than a session
    scene.wait_ms(3_000, 9_000).await;
    wire(scene.world.wires.as_ref().context("no wires")?).set(Mode::Open);
    Ok(())
}
