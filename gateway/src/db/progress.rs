//! How far a topic is folded into the tables: the row that makes a second delivery harmless.
//!
//! It is locked first, read, and written in the transaction that counts, so a partition is folded by one writer at a time
//! and each offset once, whoever delivers it: a crash, a rewound group, or a replica that does not know yet that its
//! partition has gone.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::tables::consumer_progress;
use super::{Db, DbError, within};

/// How far one partition is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What lies below was folded.
    pub next_offset: i64,
    /// The topic is another one than what was folded: nothing more is.
    pub refused: bool,
}

impl Db {
    /// How far each partition of `topic` is folded that ever was.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn progress(&self, topic: &str) -> Result<HashMap<i32, Progress>, DbError> {
        let query = consumer_progress::table.filter(consumer_progress::topic.eq(topic)).select((
            consumer_progress::partition,
            consumer_progress::next_offset,
            consumer_progress::refused_at.is_not_null(),
        ));
        let rows: Vec<(i32, i64, bool)> =
            within(async { Ok(query.load(&mut self.read().await?).await?) }).await?;
        Ok(by_partition(rows))
    }

    /// Nothing more of the partition is folded, until its row is deleted.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn refuse(&self, topic: &str, partition: i32) -> Result<(), DbError> {
        let row = consumer_progress::table.find((topic, partition));
        let refuse = diesel::update(row).set(consumer_progress::refused_at.eq(diesel::dsl::now));
        within(async { Ok(refuse.execute(&mut self.read().await?).await?) }).await?;
        Ok(())
    }
}

/// Locks the rows of `partitions` (ascending), made where they are missing.
pub(super) async fn lock(
    connection: &mut AsyncPgConnection,
    topic: &str,
    partitions: &[i32],
) -> QueryResult<HashMap<i32, Progress>> {
    diesel::sql_query(
        "INSERT INTO consumer_progress (topic, partition, next_offset) \
         SELECT $1, partition, 0 FROM unnest($2) AS t (partition) ORDER BY 2 ON CONFLICT DO NOTHING",
    )
    .bind::<Text, _>(topic)
    .bind::<Array<Integer>, _>(partitions)
    .execute(connection)
    .await?;
    let rows: Vec<(i32, i64, bool)> = consumer_progress::table
        .filter(consumer_progress::topic.eq(topic))
        .filter(consumer_progress::partition.eq_any(partitions))
        .order(consumer_progress::partition)
        .select((
            consumer_progress::partition,
            consumer_progress::next_offset,
            consumer_progress::refused_at.is_not_null(),
        ))
        .for_update()
        .load(connection)
        .await?;
    Ok(by_partition(rows))
}

/// Everything below `ends` is folded; the rows must be locked.
pub(super) async fn advance(
    connection: &mut AsyncPgConnection,
    topic: &str,
    ends: Vec<(i32, i64)>,
) -> QueryResult<()> {
    let (partitions, next_offsets): (Vec<i32>, Vec<i64>) = ends.into_iter().unzip();
    diesel::sql_query(
        "UPDATE consumer_progress AS held SET next_offset = t.next_offset \
         FROM unnest($2, $3) AS t (partition, next_offset) \
         WHERE held.topic = $1 AND held.partition = t.partition AND held.next_offset < t.next_offset",
    )
    .bind::<Text, _>(topic)
    .bind::<Array<Integer>, _>(partitions)
    .bind::<Array<BigInt>, _>(next_offsets)
    .execute(connection)
    .await?;
    Ok(())
}

fn by_partition(rows: Vec<(i32, i64, bool)>) -> HashMap<i32, Progress> {
    rows.into_iter()
        .map(|(partition, next_offset, refused)| (partition, Progress { next_offset, refused }))
        .collect()
}
