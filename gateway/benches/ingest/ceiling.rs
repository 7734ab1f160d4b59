//! What the database takes: the gateway's write, with batches that lie ready.

use std::time::Instant;

use anyhow::ensure;
use chrono::Utc;
use futures_util::future::try_join_all;

use crate::database::Database;
use crate::servers::Servers;
use crate::topic::Topic;

/// Rows a second over so many connections.
pub(crate) async fn measure(servers: &Servers, topic: &Topic, connections: usize) -> anyhow::Result<f64> {
    let mut database = Database::create(servers).await?;
    let batches = topic.batches(connections);
    let today = Utc::now().date_naive();
    let mut writers: Vec<_> = batches.iter().map(|_| database.db.writer()).collect();
    for writer in &mut writers {
        // opens the connection
        writer.apply(&[], today).await?;
    }
    let started = Instant::now();
    try_join_all(writers.iter_mut().zip(&batches).map(|(writer, batches)| async move {
        for batch in batches {
            writer.apply(batch, today).await?;
        }
        anyhow::Ok(())
    }))
    .await?;
    let took = started.elapsed();
    ensure!(database.history().await? == i64::try_from(topic.len())?, "the history lacks rows");
    drop(writers);
    database.remove().await?;
    Ok(topic.len() as f64 / took.as_secs_f64())
}
