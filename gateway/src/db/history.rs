//! History: its day partitions, and reads.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use schema::{Product, ProductId};

use super::products::Fields;
use super::tables::product_changes;
use super::{Db, DbError, within};

/// Days ahead for which a partition is made: two missed hourly runs, or two missed days, do no harm.
const DAYS_AHEAD: u64 = 2;
/// Making a partition locks the table for a moment; when it can't have the lock in this time it is tried next hour.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Advisory lock: one replica makes partitions at a time.
const PARTITIONS_LOCK: i64 = 0x5368_656c_6670_6172;

impl Db {
    /// Up to `limit` versions of a product below `before`, newest first.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn changes_before(
        &self,
        id: ProductId,
        before: i64,
        limit: i64,
    ) -> Result<Vec<Product>, DbError> {
        let query = product_changes::table
            .filter(product_changes::product_id.eq(id.uuid()))
            .filter(product_changes::version.lt(before))
            .order(product_changes::version.desc())
            .limit(limit)
            .select((
                product_changes::product_id,
                product_changes::version,
                product_changes::name,
                product_changes::price_minor,
                product_changes::currency,
                product_changes::stock,
                product_changes::occurred_at,
            ));
        let rows: Vec<Fields> = within(async { Ok(query.load(&mut self.read().await?).await?) }).await?;
        Ok(rows.iter().filter_map(Fields::product).collect())
    }

    /// Makes the history's partitions for `today` (UTC) and the days that follow. Rows of a day that was not prepared in
    /// time stay in the DEFAULT partition, and that day gets none of its own.
    ///
    /// # Errors
    /// The database can't be reached, or a lock could not be had.
    pub async fn make_partitions(&self, today: NaiveDate) -> Result<(), DbError> {
        let mut connection = self.read().await?;
        for ahead in 0..=DAYS_AHEAD {
            let Some((day, end)) =
                today.checked_add_days(Days::new(ahead)).zip(today.checked_add_days(Days::new(ahead + 1)))
            else {
                continue;
            };
            make_partition(&mut connection, day, end).await?;
        }
        Ok(())
    }
}

async fn make_partition(
    connection: &mut AsyncPgConnection,
    day: NaiveDate,
    end: NaiveDate,
) -> Result<(), DbError> {
    let partition = format!("product_changes_{}", day.format("%Y%m%d"));
    let made = connection
        .transaction::<_, diesel::result::Error, _>(async |connection| {
            let settings = format!("SET LOCAL lock_timeout = {}", LOCK_WAIT.as_millis());
            connection.batch_execute(&settings).await?;
            let lock = format!("SELECT pg_advisory_xact_lock({PARTITIONS_LOCK})");
            connection.batch_execute(&lock).await?;
            let taken = product_changes::table.filter(product_changes::written_on.eq(day));
            let exists: bool = diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(&format!(
                "to_regclass('{partition}') IS NOT NULL"
            )))
            .get_result(connection)
            .await?;
            if exists || diesel::select(diesel::dsl::exists(taken)).get_result(connection).await? {
                return Ok(false);
            }
            let create = format!(
                "CREATE TABLE {partition} PARTITION OF product_changes FOR VALUES FROM ('{day}') TO ('{end}')"
            );
            connection.batch_execute(&create).await?;
            Ok(true)
        })
        .await?;
    if made {
        tracing::info!(%partition, "history partition made");
    }
    Ok(())
}
