//! Postgres through Diesel. Every SQL statement of the gateway lives in this folder.
//!
//! Readers share a small pool. Each writer of a lane has a connection of its own ([`Writer`]), which it throws away after
//! any failure: a transaction whose answer did not come is in no known state.
//!
//! Failure: [`DbError`] splits what may pass by itself, and is retried, from what never will.

mod apply;
mod connect;
mod epoch;
mod error;
mod fold;
mod history;
mod migrate;
mod photos;
mod products;
mod progress;
mod ratings;
mod tables;
mod writer;

pub use apply::{Applied, Columns, Stored};
pub use error::DbError;
pub use fold::{Counted, Folded, IncomingRating};
pub use photos::{Replaced, StoredPhoto};
pub use progress::Progress;
pub use writer::Writer;

use std::time::Duration;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};

/// Longest wait for a connection of the pool, opening one included.
const POOL_WAIT: Duration = Duration::from_secs(2);
/// Longest time for one read, or one small write outside the ingest lane. A server that hangs answers nothing at all, not
/// even that it is too slow.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
/// Connections for readers: HTTP answers and the view.
const READ_POOL: usize = 8;
/// Connections for the epoch row and for loading the view. Apart, so that a flood of requests can't keep the tail from
/// following.
const TAIL_POOL: usize = 3;

/// The database; clones share the pools.
#[derive(Clone)]
pub struct Db {
    url: String,
    readers: Pool<AsyncPgConnection>,
    tail: Pool<AsyncPgConnection>,
}

impl Db {
    /// A database at `url`; nothing is connected yet.
    ///
    /// # Errors
    /// A pool can't be built.
    pub fn new(url: &str) -> Result<Self, DbError> {
        let (readers, tail) = (connect::pool(url, READ_POOL)?, connect::pool(url, TAIL_POOL)?);
        Ok(Self { url: url.to_owned(), readers, tail })
    }

    /// The same database, read over the tail's connections.
    #[must_use]
    pub fn for_the_tail(&self) -> Self {
        Self { readers: self.tail.clone(), ..self.clone() }
    }

    /// A connection for one writer of a lane.
    pub fn writer(&self) -> Writer {
        Writer::new(self.url.clone())
    }

    async fn read(&self) -> Result<Object<AsyncPgConnection>, DbError> {
        connection(&self.readers).await
    }
}

async fn connection(pool: &Pool<AsyncPgConnection>) -> Result<Object<AsyncPgConnection>, DbError> {
    let connection =
        tokio::time::timeout(POOL_WAIT, pool.get()).await.map_err(|_| DbError::Timeout(POOL_WAIT))?;
    connection.map_err(|error| DbError::Away(error.to_string()))
}

/// `work`, unless it takes too long.
async fn within<T>(work: impl Future<Output = Result<T, DbError>>) -> Result<T, DbError> {
    tokio::time::timeout(ANSWER_WITHIN, work).await.unwrap_or(Err(DbError::Timeout(ANSWER_WITHIN)))
}
