//! Replicas that die between two steps: a test build of the gateway, told by its environment where.
//!
//! One replica is replaced by an armed one; its end comes from inside, at a passage of the step that the seed draws, and
//! a row whose replica does not come to that step fails. What it left behind is for the others. Until it dies, more comes
//! of what no later record makes up for: products that change once, and ratings without a key.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use nix::sys::signal::Signal;
use rand::RngExt as _;
use serde_json::json;
use uuid::Uuid;

use super::{Row, Run, Scene, Servers};
use crate::drill::fleet::spoiler::{EXPECT, change, poison};
use crate::drill::world::kafka::Producer;
use crate::drill::world::{CHANGES, RATINGS, World};

/// Longest wait until the armed replica has died; the rarest step comes a few times a second.
const DIES_WITHIN: Duration = Duration::from_secs(25);
/// Which passage of a step under load is the last one.
const PASSAGES: RangeInclusive<u32> = 15..=40;
/// Products and subjects of one wave; a wave takes some milliseconds.
const WAVE: usize = 8;
/// Who joins, so that others have to give something back.
const GUEST: &str = "gw4";

const fn row(name: &'static str, about: &'static str, run: Run) -> Row {
    Row { name, about, servers: Servers::Armed, seconds: 20, run }
}

/// A row in which what is on its way under load ends the replica.
macro_rules! dies {
    ($name:literal, $about:literal, $step:literal) => {
        row($name, $about, |scene| Box::pin(die(scene, $step)))
    };
}

pub(super) const ROWS: &[Row] = &[
    dies!("die-before-commit", "SIGKILL before the database commit of changes", "apply_before_commit"),
    dies!("die-before-relay", "SIGKILL between the commit of changes and their relay", "commit_to_relay"),
    dies!("die-before-offsets", "SIGKILL between the relay of changes and their offsets", "relay_to_offsets"),
    dies!("die-before-count", "SIGKILL before the database commit of ratings", "fold_before_commit"),
    dies!("die-before-totals", "SIGKILL between the commit of ratings and their totals", "fold_to_relay"),
    dies!("die-after-totals", "SIGKILL between the totals of ratings and their offsets", "fold_to_offsets"),
    row("die-in-letters", "SIGKILL while dead letters are produced", |s| Box::pin(letters(s))),
    row("die-in-revoke", "SIGKILL while partitions are given back", |s| Box::pin(revoke(s))),
    row("die-in-drain", "SIGKILL while viewers are sent away", |s| Box::pin(drain(s))),
];

async fn die(scene: &mut Scene<'_>, step: &'static str) -> anyhow::Result<()> {
    let subjects = subjects(scene.world).await?;
    let brokers = scene.world.stack.kafka();
    let (changes, ratings) = (Producer::new(&brokers, CHANGES)?, Producer::new(&brokers, RATINGS)?);
    let armed = arm(scene, step, PASSAGES).await?;
    let wave = async || {
        let once = (0..WAVE).map(async |_| {
            let product = Uuid::now_v7();
            changes.send(&product.to_string(), change(product, 1).to_string().as_bytes(), &[]).await
        });
        let rated = subjects.iter().map(async |subject| {
            let rating = json!({
                "event_id": Uuid::now_v7(), "subject": subject, "rate": 7, "rated_at": "2026-01-01T00:00:00Z",
            });
            ratings.send(subject, rating.to_string().as_bytes(), &[]).await
        });
        tokio::try_join!(try_join_all(once), try_join_all(rated)).map(drop)
    };
    under(scene, &armed, wave).await
}

async fn letters(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let producer = Producer::new(&scene.world.stack.kafka(), CHANGES)?;
    let armed = arm(scene, "dead_letter", PASSAGES).await?;
    let wave = async || {
        let bad = (0..WAVE).map(async |n| {
            let product = Uuid::now_v7();
            let (reason, value) = poison(product, 1, n);
            producer.send(&product.to_string(), &value, &[(EXPECT, reason)]).await
        });
        try_join_all(bad).await.map(drop)
    };
    under(scene, &armed, wave).await
}

async fn revoke(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let armed = arm(scene, "revoke", 1..=1).await?;
    // somebody who joins takes partitions from it
    scene.world.gateway(GUEST, &[]).await?;
    let died = until_dead(scene, &armed).await;
    scene.world.stop_gateways(&[GUEST]).await;
    died?;
    linger(scene).await;
    Ok(())
}

async fn drain(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    // it comes to its step when its lanes have ended, up to 5 s; viewers must still be there then
    let armed = arm_with(scene, "drain", 1..=1, &["--drain-s", "10"]).await?;
    scene.wait_ms(1_000, 3_000).await;
    scene.world.signal_gateway(armed.name, Signal::SIGTERM)?;
    until_dead(scene, &armed).await?;
    linger(scene).await;
    Ok(())
}

/// A replica that is to die at a step.
struct Armed {
    name: &'static str,
    step: &'static str,
}

/// Puts an armed replica in the place of one.
async fn arm(
    scene: &mut Scene<'_>,
    step: &'static str,
    passages: RangeInclusive<u32>,
) -> anyhow::Result<Armed> {
    arm_with(scene, step, passages, &[]).await
}

/// The same, with settings of its own.
async fn arm_with(
    scene: &mut Scene<'_>,
    step: &'static str,
    passages: RangeInclusive<u32>,
    more: &[&str],
) -> anyhow::Result<Armed> {
    let (name, passage) = (scene.replica(), scene.rng.random_range(passages));
    scene.world.stop_gateways(&[name]).await;
    let when = if passage == 1 { String::new() } else { format!("{}*off->", passage - 1) };
    scene.note(format!("{name} to die at {step}, passage {passage}"));
    scene.world.armed_gateway(name, &format!("{step}={when}return"), more).await?;
    Ok(Armed { name, step })
}

/// Sends wave after wave until the replica has died, and leaves its place empty for a while.
async fn under(
    scene: &mut Scene<'_>,
    armed: &Armed,
    wave: impl AsyncFn() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    tokio::select! {
        failed = on_and_on(wave) => failed?,
        died = until_dead(scene, armed) => died?,
    }
    linger(scene).await;
    Ok(())
}

async fn on_and_on(wave: impl AsyncFn() -> anyhow::Result<()>) -> anyhow::Result<()> {
    loop {
        wave().await?;
    }
}

async fn until_dead(scene: &mut Scene<'_>, Armed { name, step }: &Armed) -> anyhow::Result<()> {
    let started = Instant::now();
    while !scene.world.has_died(name, step)? {
        anyhow::ensure!(started.elapsed() < DIES_WITHIN, "{name} never came to {step}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.note(format!("died after {} ms", started.elapsed().as_millis()));
    Ok(())
}

/// For as long as the session of who died, now and then.
async fn linger(scene: &mut Scene<'_>) {
    scene.wait_ms(500, 8_000).await;
}

/// Products that are rated without a key: of all partitions, so that each replica has some.
async fn subjects(world: &World) -> anyhow::Result<Vec<String>> {
    let rows =
        world.sql().await?.rows("SELECT product_id FROM products ORDER BY product_id LIMIT 24").await?;
    Ok(rows.into_iter().flatten().collect())
}
