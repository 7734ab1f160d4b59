//! The connection of one writer of a lane, opened when it is needed.
//!
//! It is thrown away after any failure: a transaction whose answer did not come is in no known state.

use std::time::Duration;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

use super::{DbError, connect};

/// Longest time for one batch, from BEGIN to COMMIT. Above the server's own limits, so that these speak first.
const BATCH_TIMEOUT: Duration = Duration::from_secs(15);

/// One writer's connection.
pub struct Writer {
    url: String,
    connection: Option<AsyncPgConnection>,
}

impl Writer {
    pub(super) const fn new(url: String) -> Self {
        Self { url, connection: None }
    }

    /// Takes the connection out; it is put back by [`Self::keep`], after a success only.
    pub(super) async fn take(&mut self) -> Result<AsyncPgConnection, DbError> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => connect::connect(&self.url).await.map_err(|error| DbError::Away(error.to_string())),
        }
    }

    /// The connection is fit for the next batch.
    pub(super) fn keep(&mut self, connection: AsyncPgConnection) {
        self.connection = Some(connection);
    }
}

/// A batch's `transaction`, unless it takes too long.
pub(super) async fn in_time<T>(transaction: impl Future<Output = QueryResult<T>>) -> Result<T, DbError> {
    let done = tokio::time::timeout(BATCH_TIMEOUT, transaction).await;
    Ok(done.map_err(|_| DbError::Timeout(BATCH_TIMEOUT))??)
}
