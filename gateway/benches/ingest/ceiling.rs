//! What the database takes: the gateway's write, with batches that lie ready.

use std::time::Instant;

use anyhow::ensure;
use chrono::Utc;
use futures_util::future::try_join_all;

use crate::cpu::Cpu;
use crate::database::Database;
use crate::report::Measured;
use crate::servers::Servers;
use crate::topic::Topic;

/// Rows a second over so many connections.
pub(crate) async fn measure(
    servers: &Servers,
    topic: &Topic,
    connections: usize,
) -> anyhow::Result<Measured> {
    let mut database = Database::create(servers).await?;
    let batches = topic.batches(connections);
    let today = Utc::now().date_naive();
    let mut writers: Vec<_> = batches.iter().map(|_| database.db.writer()).collect();
    for writer in &mut writers {
        // opens the connection
        writer.apply(&[], today).await?;
    }
    let (started, used_before) = (Instant::now(), Cpu::with_ourselves());
    try_join_all(writers.iter_mut().zip(&batches).map(|(writer, batches)| async move {
        for batch in batches {
            writer.apply(batch, today).await?;
        }
        anyhow::Ok(())
    }))
    .await?;
    let (took, used) = (started.elapsed(), Cpu::with_ourselves());
    ensure!(database.history().await? == i64::try_from(topic.len())?, "the history lacks rows");
    drop(writers);
    database.remove().await?;
    let rows = topic.len() as f64;
    Ok(Measured { rows_per_s: rows / took.as_secs_f64(), cpu: used.per_million_since(used_before, rows) })
}
