//! How connections are opened: time-outs, and settings that the statements rely on.

use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;

use super::DbError;

/// Longest time to open a connection, settings included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Settings of every connection.
///
/// - `idle_in_transaction_session_timeout`: a replica that was stopped in the middle of a transaction must not keep its
///   locks; the server ends it.
/// - `statement_timeout`, `lock_timeout`: a statement that waits longer is better tried again.
/// - `enable_nestloop`: the batch statement joins two sets whose size the planner can't know once it plans for any
///   parameters; it then guesses ten rows, and a nested loop over a thousand by a thousand takes 100 ms.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = '5s'; SET statement_timeout = '10s'; \
    SET lock_timeout = '5s'; SET enable_nestloop = off; SET TIME ZONE 'UTC'; SET jit = off";

/// Opens a connection with the settings.
pub(super) async fn connect(url: &str) -> ConnectionResult<AsyncPgConnection> {
    let open = async {
        let mut connection = AsyncPgConnection::establish(url).await?;
        connection.batch_execute(SETTINGS).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    };
    let late = || Err(ConnectionError::BadConnection(format!("no answer within {CONNECT_TIMEOUT:?}")));
    tokio::time::timeout(CONNECT_TIMEOUT, open).await.unwrap_or_else(|_| late())
}

/// A pool of such connections.
pub(super) fn pool(url: &str, size: usize) -> Result<Pool<AsyncPgConnection>, DbError> {
    let mut config = ManagerConfig::default();
    config.custom_setup = Box::new(|url| async move { connect(url).await }.boxed());
    // a broken connection is noticed by its own errors; a ping would cost each request a round trip
    config.recycling_method = RecyclingMethod::Fast;
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(url, config);
    Pool::builder(manager).max_size(size).build().map_err(|error| DbError::Away(error.to_string()))
}
