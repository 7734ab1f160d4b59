//! Replicas that die between two steps: a test build of the gateway, told by its environment where.
//!
//! One replica is replaced by an armed one; its end comes from inside, at a passage of the step that the seed draws. What
//! it left behind is for the others.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::{Row, Scene, Servers};

/// Longest wait until the armed replica has died; the rarest step comes a few times a second.
const DIES_WITHIN: Duration = Duration::from_secs(25);

type Run = for<'s> fn(&'s mut Scene<'_>) -> LocalBoxFuture<'s, anyhow::Result<()>>;

const fn row(name: &'static str, about: &'static str, run: Run) -> Row {
    Row { name, about, servers: Servers::Armed, seconds: 20, run }
}

pub(super) const ROWS: &[Row] = &[
    row("die-before-commit", "before the database commit", |s| Box::pin(die(s, "apply_before_commit"))),
    row("die-before-relay", "between commit and relay", |s| Box::pin(die(s, "commit_to_relay"))),
    row("die-before-offsets", "between relay and offset commit", |s| Box::pin(die(s, "relay_to_offsets"))),
    row("die-before-count", "before the commit of ratings", |s| Box::pin(die(s, "fold_before_commit"))),
    row("die-before-totals", "between ratings and their totals", |s| Box::pin(die(s, "fold_to_relay"))),
    row("die-after-totals", "between totals and offset commit", |s| Box::pin(die(s, "fold_to_offsets"))),
    row("die-in-revoke", "while partitions are given back", |s| Box::pin(revoke(s))),
    row("die-in-drain", "in the middle of a drain", |s| Box::pin(drain(s))),
];

async fn die(scene: &mut Scene<'_>, step: &str) -> anyhow::Result<()> {
    let passages = scene.draw(12);
    let name = arm(scene, step, passages).await?;
    scene.until_dead(name).await
}

async fn revoke(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let name = arm(scene, "revoke", 0).await?;
    // somebody who joins takes partitions from it
    scene.world.gateway("gw4", &[]).await?;
    let died = scene.until_dead(name).await;
    scene.world.stop_gateways(&["gw4"]).await;
    died
}

async fn drain(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let name = arm(scene, "drain", 0).await?;
    scene.wait_ms(1_000, 3_000).await;
    scene.world.signal_gateway(name, nix::sys::signal::Signal::SIGTERM)?;
    scene.until_dead(name).await
}

/// Puts an armed replica in the place of one.
async fn arm(scene: &mut Scene<'_>, step: &str, passages: usize) -> anyhow::Result<&'static str> {
    let name = scene.replica();
    scene.world.stop_gateways(&[name]).await;
    let when = if passages == 0 { String::new() } else { format!("{passages}*off->") };
    let points = format!("{step}={when}return");
    scene.note(format!("{name} with {points}"));
    scene.world.armed_gateway(name, &[("FAILPOINTS", &points)]).await?;
    Ok(name)
}

impl Scene<'_> {
    /// Waits until an armed replica has died, and leaves its place to the healing.
    async fn until_dead(&mut self, name: &str) -> anyhow::Result<()> {
        let started = std::time::Instant::now();
        while !self.world.has_died(name) {
            anyhow::ensure!(started.elapsed() < DIES_WITHIN, "{name} never came to its end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // for as long as its session, now and then
        self.wait_ms(500, 8_000).await;
        Ok(())
    }
}
