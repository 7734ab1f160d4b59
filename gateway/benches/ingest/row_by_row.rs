//! What most people would write at first: each change in a transaction of its own, current state and history.

use std::time::Instant;

use anyhow::ensure;
use chrono::Utc;
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use schema::ProductChanged;

use crate::cpu::Cpu;
use crate::database::Database;
use crate::report::Measured;
use crate::servers::Servers;
use crate::topic::Topic;

diesel::table! {
    products (product_id) {
        product_id -> Uuid,
        version -> BigInt,
        event_id -> Uuid,
        name -> Text,
        price_minor -> BigInt,
        currency -> Text,
        stock -> Integer,
        occurred_at -> Timestamptz,
    }
}

diesel::table! {
    product_changes (product_id, version, written_on) {
        product_id -> Uuid,
        version -> BigInt,
        written_on -> Date,
        event_id -> Uuid,
        name -> Text,
        price_minor -> BigInt,
        currency -> Text,
        stock -> Integer,
        occurred_at -> Timestamptz,
    }
}

/// Rows a second, over one connection, with prepared statements.
pub(crate) async fn measure(servers: &Servers, topic: &Topic, rows: usize) -> anyhow::Result<Measured> {
    let mut database = Database::create(servers).await?;
    let (started, used_before) = (Instant::now(), Cpu::with_ourselves());
    for change in topic.last(rows) {
        database.connection.transaction(async |connection| write(connection, change).await).await?;
    }
    let (took, used) = (started.elapsed(), Cpu::with_ourselves());
    let written = database.history().await?;
    ensure!(written == i64::try_from(rows.min(topic.len()))?, "the history lacks rows");
    database.remove().await?;
    let rows = written as f64;
    Ok(Measured { rows_per_s: rows / took.as_secs_f64(), cpu: used.per_million_since(used_before, rows) })
}

async fn write(connection: &mut AsyncPgConnection, change: &ProductChanged) -> QueryResult<()> {
    let stock = i32::try_from(change.stock.get()).unwrap_or(i32::MAX);
    diesel::insert_into(products::table)
        .values((
            products::product_id.eq(change.product_id.uuid()),
            products::version.eq(change.version.get()),
            products::event_id.eq(change.event_id),
            products::name.eq(change.name.as_str()),
            products::price_minor.eq(change.price_minor.get()),
            products::currency.eq(change.currency.code()),
            products::stock.eq(stock),
            products::occurred_at.eq(change.occurred_at),
        ))
        .on_conflict(products::product_id)
        .do_update()
        .set((
            products::version.eq(excluded(products::version)),
            products::event_id.eq(excluded(products::event_id)),
            products::name.eq(excluded(products::name)),
            products::price_minor.eq(excluded(products::price_minor)),
            products::currency.eq(excluded(products::currency)),
            products::stock.eq(excluded(products::stock)),
            products::occurred_at.eq(excluded(products::occurred_at)),
        ))
        .execute(connection)
        .await?;
    diesel::insert_into(product_changes::table)
        .values((
            product_changes::product_id.eq(change.product_id.uuid()),
            product_changes::version.eq(change.version.get()),
            product_changes::written_on.eq(Utc::now().date_naive()),
            product_changes::event_id.eq(change.event_id),
            product_changes::name.eq(change.name.as_str()),
            product_changes::price_minor.eq(change.price_minor.get()),
            product_changes::currency.eq(change.currency.code()),
            product_changes::stock.eq(stock),
            product_changes::occurred_at.eq(change.occurred_at),
        ))
        .execute(connection)
        .await?;
    Ok(())
}
