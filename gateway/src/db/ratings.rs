//! Reads of totals, and the keys that are forgotten in time.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use schema::{ProductId, Rate, Rating, Subject, Tally, Total};

use super::tables::ratings;
use super::{Db, DbError, within};

/// Keys that one statement forgets, at most.
const FORGET_ROWS: i64 = 10_000;

/// A total as the database holds it.
#[derive(Queryable)]
pub(super) struct Row {
    subject: String,
    recent: Vec<i16>,
    average: Option<f64>,
    window_size: i32,
    count: i64,
    sum: i64,
    updated_at: DateTime<Utc>,
}

impl Row {
    /// Whose; none for a row that no gateway wrote.
    pub(super) fn subject(&self) -> Option<Subject> {
        self.subject.parse().ok()
    }

    /// What goes on counting.
    pub(super) fn tally(&self) -> Tally {
        let recent = self.recent.iter().map(|rate| Rate::saturating(i64::from(*rate))).collect();
        Tally { recent, count: self.count, sum: self.sum }
    }

    /// What is shown.
    pub(super) fn rating(&self) -> Rating {
        let window = u32::try_from(self.window_size).unwrap_or(0);
        Rating { average: self.average, window, count: self.count, sum: self.sum }
    }
}

impl Db {
    /// What the ratings of `subject` add up to; none when it was never rated.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn total(&self, subject: Subject) -> Result<Option<Total>, DbError> {
        let query = ratings::table.find(subject.to_string()).select(ratings::all_columns);
        let read = async { Ok(query.first::<Row>(&mut self.read().await?).await.optional()?) };
        let row = within(read).await?;
        Ok(row.map(|row| Total { subject, rating: row.rating(), updated_at: Some(row.updated_at) }))
    }

    /// Forgets up to some thousands of keys that were counted `hours` ago or earlier; returns whether there may be more.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn forget_rating_keys(&self, hours: i32) -> Result<bool, DbError> {
        let delete = diesel::sql_query(
            "DELETE FROM rating_keys WHERE ctid = ANY (ARRAY(SELECT ctid FROM rating_keys \
             WHERE seen_at < now() - make_interval(hours => $1) LIMIT $2 FOR UPDATE SKIP LOCKED))",
        )
        .bind::<Integer, _>(hours)
        .bind::<BigInt, _>(FORGET_ROWS);
        let deleted = within(async { Ok(delete.execute(&mut self.read().await?).await?) }).await?;
        Ok(i64::try_from(deleted).unwrap_or(i64::MAX) >= FORGET_ROWS)
    }
}

/// What the ratings of the products from `first` to `last` add up to, by id. Products without any are left out.
pub(super) async fn ratings_of(
    connection: &mut AsyncPgConnection,
    (first, last): (ProductId, ProductId),
) -> QueryResult<Vec<(ProductId, Rating)>> {
    let rows: Vec<Row> = ratings::table
        .filter(ratings::subject.between(first.key(), last.key()))
        .order(ratings::subject)
        .select(ratings::all_columns)
        .load(connection)
        .await?;
    Ok(rows.iter().filter_map(|row| Some((row.subject()?.product_id()?, row.rating()))).collect())
}
