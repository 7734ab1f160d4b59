//! Applies the migrations. Several replicas start at once: an advisory lock lets one do it and the others find it done.

use diesel::connection::SimpleConnection;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Db, DbError, connect};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../schema/migrations");

/// Advisory lock: one replica migrates at a time. The connection's end frees it, too.
const LOCK: &str = "SET statement_timeout = 0; SET lock_timeout = '60s'; SELECT pg_advisory_lock(x'5368656c666d6967'::bigint)";
const UNLOCK: &str = "SELECT pg_advisory_unlock(x'5368656c666d6967'::bigint)";

impl Db {
    /// Brings the tables to this release's shape, and checks that the database can hold any name.
    ///
    /// # Errors
    /// The database can't be reached, holds another encoding than UTF-8, or refuses a migration.
    pub async fn migrate(&self) -> Result<(), DbError> {
        let connection =
            connect::connect(&self.url).await.map_err(|error| DbError::Away(error.to_string()))?;
        tokio::task::spawn_blocking(move || apply(connection))
            .await
            .map_err(|error| DbError::Migration(error.to_string()))?
    }
}

fn apply(connection: AsyncPgConnection) -> Result<(), DbError> {
    let mut connection = AsyncConnectionWrapper::<AsyncPgConnection>::from(connection);
    connection.batch_execute(LOCK)?;
    connection.batch_execute(
        "DO $$ BEGIN IF current_setting('server_encoding') <> 'UTF8' THEN \
         RAISE EXCEPTION 'the database must be created with ENCODING UTF8'; END IF; END $$",
    )?;
    let done =
        connection.run_pending_migrations(MIGRATIONS).map_err(|e| DbError::Migration(e.to_string()))?;
    for migration in &done {
        tracing::info!(%migration, "migration applied");
    }
    connection.batch_execute(UNLOCK)?;
    Ok(())
}
