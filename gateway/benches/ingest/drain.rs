//! One gateway drains the full topic: the real program, watched through the database.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use gateway::epoch;
use gateway::redis::Redis;

use crate::cpu::Cpu;
use crate::database::Database;
use crate::processes::Running;
use crate::report::Measured;
use crate::servers::{self, Servers};
use crate::topic::Topic;

/// Longest time between two looks. Each costs the server a millisecond.
const LOOK: Duration = Duration::from_millis(50);
/// Shortest time between two looks, near the beginning and the end, where it counts.
const LOOK_CLOSELY: Duration = Duration::from_millis(4);
/// A drain that takes longer is stuck.
const LIMIT: Duration = Duration::from_secs(180);

/// Drains the topic with the gateway `program`.
pub(crate) async fn measure(servers: &Servers, topic: &Topic, program: &Path) -> anyhow::Result<Measured> {
    let mut database = Database::create(servers).await?;
    let total = i64::try_from(topic.len())?;
    open_relay(servers, &database).await?;
    let began = Instant::now();
    let mut gateway = Running::start(servers.gateway(program, servers::TOPIC, &database.name))?;
    let mut first = None;
    let (last, used) = loop {
        let applied = database.applied().await?;
        let now = Instant::now();
        if applied > 0 && first.is_none() {
            first = Some((now, applied, Cpu::with_gateway(gateway.pid())));
        }
        if applied >= total {
            break (now, Cpu::with_gateway(gateway.pid()));
        }
        ensure!(now < began + LIMIT, "{applied} of {total} after {LIMIT:?}");
        gateway.ensure_alive()?;
        // a quarter of what the rest will take at this pace
        let rest = first.map_or(LOOK_CLOSELY, |(since, at_first, _)| {
            (now - since).mul_f64((total - applied) as f64 / ((applied - at_first) as f64).max(1.0)) / 4
        });
        tokio::time::sleep(rest.clamp(LOOK_CLOSELY, LOOK)).await;
    };
    ensure!(database.history().await? == total, "the history lacks rows");
    let Some((since, at_first, used_before)) = first else { anyhow::bail!("no row was seen") };
    let rows = (total - at_first) as f64;
    let rows_per_s = rows / (last - since).as_secs_f64();
    let measured = Measured { rows_per_s, cpu: used.per_million_since(used_before, rows) };
    gateway.stop()?;
    database.remove().await?;
    Ok(measured)
}

/// Begins an epoch that has a stream: so that the relay is part of the work from the first batch on.
async fn open_relay(servers: &Servers, database: &Database) -> anyhow::Result<()> {
    let redis = Redis::new(&servers.redis_url(), &format!("{}:", database.name))?;
    let old = database.db.epoch().await?;
    let new = epoch::change(&database.db, &redis, &old, "bench").await?;
    ensure!(new.has_stream(), "the relay can't be opened");
    Ok(())
}
