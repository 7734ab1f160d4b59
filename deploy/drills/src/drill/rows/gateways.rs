//! Replicas that die, stand still, come and go.

use nix::sys::signal::Signal;

use super::{Row, Scene, Servers};
use crate::drill::world::REPLICAS;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "gateway-kill",
        about: "SIGKILL to a replica at any moment; away for longer than its session",
        servers: Servers::One,
        seconds: 11,
        run: |scene| Box::pin(kill(scene)),
    },
    Row {
        name: "gateway-leave",
        about: "SIGTERM to a replica, which comes back",
        servers: Servers::One,
        seconds: 9,
        run: |scene| Box::pin(leave(scene)),
    },
    Row {
        name: "gateway-zombie",
        about: "SIGSTOP past the session, then SIGCONT",
        servers: Servers::One,
        seconds: 13,
        run: |scene| Box::pin(zombie(scene)),
    },
    Row {
        name: "gateway-storm",
        about: "a replica joins or leaves every 3 s",
        servers: Servers::One,
        seconds: 15,
        run: |scene| Box::pin(storm(scene)),
    },
    Row {
        name: "gateway-all",
        about: "SIGKILL to all replicas at once",
        servers: Servers::One,
        seconds: 9,
        run: |scene| Box::pin(all(scene)),
    },
    Row {
        name: "gateway-join-busy",
        about: "a replica joins while the others have work that they can't finish at once",
        servers: Servers::One,
        seconds: 7,
        run: |scene| Box::pin(join_busy(scene)),
    },
    Row {
        name: CLOCK,
        about: "the clock of a replica moved by an hour, and back",
        servers: Servers::One,
        seconds: 15,
        run: |scene| Box::pin(clock(scene)),
    },
];

/// The row that needs a library of its own between replica and system.
pub(super) const CLOCK: &str = "gateway-clock";
const HOUR_S: i64 = 3_600;

async fn kill(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let name = scene.replica();
    scene.wait_ms(0, 1_000).await;
    scene.note(format!("{name} killed"));
    scene.world.kill_gateway(name);
    scene.wait_ms(6_500, 8_000).await;
    Ok(())
}

async fn leave(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let name = scene.replica();
    scene.note(format!("{name} asked to end"));
    scene.world.stop_gateways(&[name]).await;
    scene.wait_ms(1_500, 3_000).await;
    Ok(())
}

async fn zombie(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let name = scene.replica();
    scene.note(format!("{name} stopped and continued"));
    scene.world.signal_gateway(name, Signal::SIGSTOP)?;
    scene.wait_ms(7_500, 10_000).await;
    scene.world.signal_gateway(name, Signal::SIGCONT)
}

async fn storm(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let guests = ["gw4", "gw5"];
    for name in guests {
        scene.note(format!("{name} joins"));
        scene.world.gateway(name, &[]).await?;
        scene.wait_ms(2_500, 3_500).await;
    }
    for name in guests {
        scene.note(format!("{name} leaves"));
        scene.world.stop_gateways(&[name]).await;
        scene.wait_ms(2_500, 3_500).await;
    }
    Ok(())
}

async fn all(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.wait_ms(0, 1_000).await;
    scene.note("all killed");
    for name in REPLICAS {
        scene.world.kill_gateway(name);
    }
    scene.wait_ms(500, 2_000).await;
    Ok(())
}

async fn join_busy(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let (guest, sql) = ("gw4", scene.world.sql().await?);
    scene.note(format!("{guest} joins"));
    scene.world.gateway(guest, &[]).await?;
    // shorter than what a writer is given to finish
    sql.run("BEGIN; LOCK TABLE products, ratings IN EXCLUSIVE MODE").await?;
    scene.wait_ms(2_200, 2_400).await;
    sql.run("COMMIT").await?;
    scene.wait_ms(1_000, 2_000).await;
    scene.world.stop_gateways(&[guest]).await;
    Ok(())
}

async fn clock(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let name = scene.replica();
    let off = if scene.draw(2) == 0 { HOUR_S } else { -HOUR_S };
    scene.world.stop_gateways(&[name]).await;
    scene.world.gateway_with_clock(name).await?;
    scene.world.until_ready().await?;
    scene.note(format!("{name} is {off:+} s off, then right"));
    scene.world.set_clock(name, off)?;
    scene.wait_ms(5_000, 8_000).await;
    scene.world.set_clock(name, 0)?;
    scene.wait_ms(2_000, 3_000).await;
    scene.world.stop_gateways(&[name]).await;
    Ok(())
}
