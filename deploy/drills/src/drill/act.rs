//! One act: a world, a fleet on it, fault after fault, a quiet end, and the evidence of all that.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use uuid::Uuid;

use super::evidence::tables::Tables;
use super::evidence::{CONVERGE, Evidence, Fault, SentBack, audit, topics};
use super::fleet::{Fleet, http, spoiler};
use super::plan::{Act, Step};
use super::rows::{self, Scene, Servers};
use super::watch::Watch;
use super::world::sql::Sql;
use super::world::{LONG, Programs, REPLICAS, TOKEN, World, until};

/// Dead letters that are sent back in the end.
const SENT_BACK: usize = 20;
/// How often one of them is tried once more.
const TRIES: usize = 2;

/// Plays an act, or as much of it as there is time for; its files are written to `folder`.
pub(crate) async fn play(
    act: &Act,
    folder: &Path,
    programs: &Programs,
    is_over: &dyn Fn() -> bool,
    say: &dyn Fn(&str),
) -> Evidence {
    let mut evidence = Evidence { slack: programs.slack, ..Evidence::default() };
    if let Err(error) = begin_to_end(act, folder, programs, is_over, say, &mut evidence).await {
        evidence.troubles.push(format!("{error:#}; see {}", folder.display()));
    }
    evidence.troubles.iter().for_each(|trouble| say(trouble));
    evidence
}

async fn begin_to_end(
    act: &Act,
    folder: &Path,
    programs: &Programs,
    is_over: &dyn Fn() -> bool,
    say: &dyn Fn(&str),
    evidence: &mut Evidence,
) -> anyhow::Result<()> {
    let brokers = match act.servers {
        Servers::One | Servers::Armed => 1,
        Servers::Three => 3,
    };
    let mut world = World::start(folder, brokers, programs).await?;
    for name in REPLICAS {
        world.gateway(name, &[]).await?;
    }
    world.until_ready().await?;
    world.generator("generator", &[])?;
    let mut fleet = Fleet::start(&world, act.seed).await?;
    let watch = Watch::start(&world)?;
    watch.until_lag(programs.in_flight(), LONG).await?;
    for (n, step) in act.steps.iter().enumerate() {
        if n > 0 && is_over() {
            break;
        }
        let fault = apply(step, &mut world, &watch).await?;
        let back = fault.back_ms.map_or("not back".to_owned(), |ms| format!("back after {ms} ms"));
        say(&format!("{}: {}; {back}", fault.row, fault.notes.join(", ")));
        let is_back = fault.back_ms.is_some();
        evidence.faults.push(fault);
        if !is_back {
            break;
        }
    }
    finish(world, &mut fleet, watch, evidence, say).await;
    fleet.end(evidence);
    Ok(())
}

async fn apply(step: &Step, world: &mut World, watch: &Watch) -> anyhow::Result<Fault> {
    tokio::time::sleep(Duration::from_millis(step.calm_ms)).await;
    let row = rows::named(&[step.row.to_owned()])?.pop().context("no such row")?;
    let rng = ChaCha8Rng::seed_from_u64(step.seed);
    let began_ms = now_ms();
    let mut scene = Scene { world: &mut *world, rng, notes: Vec::new(), rewinds: false };
    let played = (row.run)(&mut scene).await;
    let Scene { mut notes, rewinds, .. } = scene;
    // whatever became of the row, what it left is put right and judged
    let error = played.and(world.heal().await).err().map(|error| format!("{error:#}"));
    notes.extend(error.iter().map(|error| format!("FAILED: {error}")));
    let healed_ms = now_ms();
    let back = watch.until_lag(world.programs.in_flight(), LONG).await;
    let ready = world.until_ready().await;
    notes.extend([back.as_ref().err(), ready.as_ref().err()].into_iter().flatten().map(ToString::to_string));
    let back_ms = back.ok().filter(|_| ready.is_ok()).and_then(|back| u64::try_from(back.as_millis()).ok());
    Ok(Fault { row: row.name, seed: step.seed, began_ms, healed_ms, back_ms, notes, rewinds, error })
}

/// No more load; the rest is worked off, viewers converge, everybody ends; then all is read. What does not succeed is a
/// trouble, and the rest is evidence all the same.
async fn finish(
    mut world: World,
    fleet: &mut Fleet,
    watch: Watch,
    evidence: &mut Evidence,
    say: &dyn Fn(&str),
) {
    let mut troubles = Vec::new();
    let end_load = tokio::time::timeout(LONG, fleet.end_load()).await;
    keep(end_load.context("raters did not end").flatten(), &mut troubles);
    for name in world.generators.keys().cloned().collect::<Vec<_>>() {
        world.stop_generator(&name).await;
    }
    // from here on the database stands still, but for what is still on its way
    let began = Instant::now();
    if let Err(error) = watch.until_lag(0, LONG).await {
        say(&error.to_string());
    }
    let shown = keep(read(&world, Tables::shown).await, &mut troubles);
    if fleet.converge(&shown, evidence.allowed(CONVERGE)).await {
        let after_ms = began.elapsed().as_millis();
        evidence.converged_ms = u64::try_from(after_ms).ok();
        say(&format!("all viewers show what the database holds, {after_ms} ms after the end of the load"));
    }
    evidence.sent_back = keep(send_back(&world, &mut troubles).await, &mut troubles);
    if let Err(error) = watch.until_lag(0, LONG).await {
        say(&error.to_string());
    }
    evidence.tables = keep(read(&world, Tables::all).await, &mut troubles);
    // what was sent back is shown as well; whether all is, the judge says
    fleet.converge(&evidence.tables, evidence.allowed(CONVERGE)).await;
    fleet.leave().await;
    keep(world.until_viewers_are_gone().await, &mut troubles);
    evidence.processes = watch.end();
    world.note_dead();
    world.stop_gateways(&REPLICAS).await;
    evidence.ended = std::mem::take(&mut world.ended);
    let kafka = world.stack.kafka();
    evidence.topics = keep(tokio::task::block_in_place(|| topics::all(&kafka)), &mut troubles);
    evidence.commits = keep(tokio::task::block_in_place(|| topics::commits(&kafka)), &mut troubles);
    keep(read_logs(&world.folder, evidence), &mut troubles);
    evidence.troubles.append(&mut troubles);
}

/// What was found; an error is put down, and nothing was found.
fn keep<T: Default>(found: anyhow::Result<T>, troubles: &mut Vec<String>) -> T {
    found.unwrap_or_else(|error| {
        troubles.push(format!("{error:#}"));
        T::default()
    })
}

async fn read(
    world: &World,
    what: impl AsyncFnOnce(&Sql) -> anyhow::Result<Tables>,
) -> anyhow::Result<Tables> {
    what(&world.sql().await?).await
}

fn read_logs(folder: &Path, evidence: &mut Evidence) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("audit") => evidence.audit.extend(audit::replica(&path)?),
            Some("produced") => evidence.produced.extend(audit::generator(&path)?),
            _ => {}
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Letters {
    letters: Vec<Letter>,
}

#[derive(Deserialize)]
struct Letter {
    partition: i32,
    offset: i64,
    key: Option<Uuid>,
}

/// Sends some dead letters back, every other one corrected; returns those that were taken. One that is not is a trouble:
/// nothing is broken any more.
async fn send_back(world: &World, troubles: &mut Vec<String>) -> anyhow::Result<Vec<SentBack>> {
    let door = *world.doors.all().first().context("no replica")?;
    let letters = until("dead letters are listed", async || {
        let answer = http::ask(door, "GET", "/dead-letters?limit=50", &[], &[]).await.ok()?;
        serde_json::from_slice::<Letters>(&answer.body).ok()
    })
    .await?;
    let token = format!("Bearer {TOKEN}");
    let mut sent = Vec::new();
    let with_key = letters.letters.iter().filter_map(|letter| Some((letter, letter.key?)));
    for (n, (letter, product)) in with_key.enumerate().take(SENT_BACK) {
        let path = format!("/dead-letters/{}/{}/redrive", letter.partition, letter.offset);
        let version = 1_000_000 + i64::try_from(n)?;
        let corrected = (n % 2 == 0).then(|| spoiler::change(product, version).to_string());
        let body = corrected.as_ref().map(|value| serde_json::json!({ "value": value }).to_string());
        let body = body.as_deref().unwrap_or_default().as_bytes();
        let mut answer = http::ask(door, "POST", &path, &[("Authorization", &token)], body).await;
        // a question that Kafka did not answer in time may be asked again
        for _ in 0..TRIES {
            if answer.as_ref().is_ok_and(|answer| answer.status != 503) {
                break;
            }
            answer = http::ask(door, "POST", &path, &[("Authorization", &token)], body).await;
        }
        let (partition, offset) = (letter.partition, letter.offset);
        match answer.map(|answer| answer.status) {
            Ok(202) => sent.push(SentBack { partition, offset, corrected }),
            other => troubles.push(format!("{path} was not taken: {other:?}")),
        }
    }
    Ok(sent)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
