//! The write: one transaction for a whole batch.
//!
//! One statement upserts the newest version of each product, guarded by `version <`, and puts every version above the
//! replaced one into the history; uniqueness there comes from that guard alone. The statement's text never changes (the
//! batch goes in as arrays), so the server plans it once a connection. Products whose stored version was not below are
//! read by a second statement of the same transaction: the first one's snapshot would not show a concurrent write.
//!
//! Keys must be unique per product and version, and sorted: two replicas then lock rows in the same order.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use schema::{Product, ProductChanged, ProductId};
use uuid::Uuid;

use super::products::rows_of;
use super::writer::{Writer, in_time};
use super::{DbError, epoch};
use crate::drill::{self, Bug, Step};
use crate::epoch::Epoch;

/// A batch in columns, sorted by product and version, each pair once.
#[derive(Debug, Default)]
pub struct Columns<'a> {
    product_ids: Vec<Uuid>,
    versions: Vec<i64>,
    event_ids: Vec<Uuid>,
    names: Vec<&'a str>,
    prices: Vec<i64>,
    currencies: Vec<&'a str>,
    stocks: Vec<i32>,
    times: Vec<DateTime<Utc>>,
    /// Whether the row is its product's newest of this batch.
    newest: Vec<bool>,
}

impl<'a> Columns<'a> {
    /// Columns of `changes`, which must be sorted by product and version, each pair once.
    pub fn new(changes: &[&'a ProductChanged]) -> Self {
        let mut columns = Self::default();
        for (at, change) in changes.iter().enumerate() {
            columns.product_ids.push(change.product_id.uuid());
            columns.versions.push(change.version.get());
            columns.event_ids.push(change.event_id);
            columns.names.push(change.name.as_str());
            columns.prices.push(change.price_minor.get());
            columns.currencies.push(change.currency.code());
            columns.stocks.push(i32::try_from(change.stock.get()).unwrap_or(i32::MAX));
            columns.times.push(change.occurred_at);
            columns.newest.push(changes.get(at + 1).is_none_or(|next| next.product_id != change.product_id));
        }
        columns
    }
}

/// What the database holds for one product after the transaction.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its state.
    pub product: Product,
    /// The event that made it.
    pub event_id: Uuid,
    /// The version that its last write replaced; 0 for none.
    pub previous: i64,
    /// The event of that version.
    pub previous_event_id: Option<Uuid>,
    /// Whether this batch wrote it.
    pub written: bool,
}

/// The result of one batch.
#[derive(Debug)]
pub struct Applied {
    /// What is stored now, for each product of the batch.
    pub stored: HashMap<ProductId, Stored>,
    /// The relay's epoch, which can't have ended before this write was committed.
    pub epoch: Epoch,
}

impl Writer {
    /// Writes the batch; `changes` are those of `columns`, `today` is the history's day (UTC).
    ///
    /// # Errors
    /// Nothing was written, or (time-out, lost connection) it is not known; applying the batch again is always right.
    pub async fn apply(&mut self, changes: &[&ProductChanged], today: NaiveDate) -> Result<Applied, DbError> {
        let mut connection = self.take().await?;
        let columns = Columns::new(changes);
        let batch =
            connection.transaction(async |connection| write(connection, changes, &columns, today).await);
        let applied = in_time(batch).await?;
        self.keep(connection);
        Ok(applied)
    }
}

async fn write(
    connection: &mut AsyncPgConnection,
    changes: &[&ProductChanged],
    columns: &Columns<'_>,
    today: NaiveDate,
) -> QueryResult<Applied> {
    let written: Vec<(Uuid, i64, Option<Uuid>)> = ApplyBatch { columns, today }.load(connection).await?;
    let mut stored = HashMap::with_capacity(columns.product_ids.len());
    let replaced: HashMap<Uuid, (i64, Option<Uuid>)> =
        written.into_iter().map(|(id, previous, event)| (id, (previous, event))).collect();
    let mut others = Vec::new();
    for (change, _) in changes.iter().zip(&columns.newest).filter(|(_, newest)| **newest) {
        match replaced.get(&change.product_id.uuid()) {
            Some(&(previous, previous_event_id)) => {
                let product = change.product();
                let row =
                    Stored { product, event_id: change.event_id, previous, previous_event_id, written: true };
                stored.insert(change.product_id, row);
            }
            None => others.push(change.product_id.uuid()),
        }
    }
    if !others.is_empty() {
        for row in rows_of(connection, &others).await? {
            let Some(product) = row.product() else { continue };
            let (event_id, previous, previous_event_id) = (row.event_id, row.previous, row.previous_event_id);
            let id = product.product_id;
            stored.insert(id, Stored { product, event_id, previous, previous_event_id, written: false });
        }
    }
    let epoch = epoch::hold(connection).await?;
    drill::passes(Step::ApplyBeforeCommit);
    Ok(Applied { stored, epoch })
}

/// The batch statement.
struct ApplyBatch<'a> {
    columns: &'a Columns<'a>,
    today: NaiveDate,
}

impl QueryId for ApplyBatch<'_> {
    type QueryId = ApplyBatch<'static>;
    // the text is the same for every batch: prepare it once
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for ApplyBatch<'_> {
    /// Product, replaced version, replaced event: of the products that were written.
    type SqlType = (SqlUuid, BigInt, Nullable<SqlUuid>);
}

impl QueryFragment<Pg> for ApplyBatch<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let columns = self.columns;
        out.push_sql("WITH incoming AS MATERIALIZED (SELECT * FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&columns.product_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&columns.versions)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&columns.event_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&columns.names)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&columns.prices)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&columns.currencies)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&columns.stocks)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Timestamptz>, _>(&columns.times)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Bool>, _>(&columns.newest)?;
        out.push_sql(
            ") AS t (product_id, version, event_id, name, price_minor, currency, stock, occurred_at, newest)), \
             written AS (INSERT INTO products AS stored \
                (product_id, version, event_id, name, price_minor, currency, stock, occurred_at) \
             SELECT product_id, version, event_id, name, price_minor, currency, stock, occurred_at \
             FROM incoming WHERE newest \
             ON CONFLICT (product_id) DO UPDATE SET version = excluded.version, event_id = excluded.event_id, \
                previous = stored.version, previous_event_id = stored.event_id, name = excluded.name, \
                price_minor = excluded.price_minor, currency = excluded.currency, stock = excluded.stock, \
                occurred_at = excluded.occurred_at ",
        );
        if !drill::planted(Bug::NoVersionGuard) {
            out.push_sql("WHERE stored.version < excluded.version ");
        }
        out.push_sql(
            "RETURNING product_id, previous, previous_event_id), \
             history AS (INSERT INTO product_changes \
                (product_id, version, written_on, event_id, name, price_minor, currency, stock, occurred_at) \
             SELECT i.product_id, i.version, ",
        );
        out.push_bind_param::<Date, _>(&self.today)?;
        out.push_sql(
            ", i.event_id, i.name, i.price_minor, i.currency, i.stock, i.occurred_at \
             FROM incoming i JOIN written w ON w.product_id = i.product_id WHERE i.version > w.previous) \
             SELECT product_id, previous, previous_event_id FROM written",
        );
        Ok(())
    }
}
