//! A database for each measurement, on the one server.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use chrono::Utc;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use gateway::db::Db;

use crate::servers::Servers;

/// A database with the gateway's tables, and a connection that looks into it.
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) db: Db,
    pub(crate) connection: AsyncPgConnection,
    maintenance: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl Database {
    /// A new one, empty but for the tables; what earlier measurements left to write is written first.
    pub(crate) async fn create(servers: &Servers) -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let name = format!("bench{}", COUNT.fetch_add(1, Ordering::Relaxed));
        servers.create_database(&name)?;
        let db = Db::new(&servers.database_url(&name))?;
        db.migrate().await?;
        db.make_partitions(Utc::now().date_naive()).await?;
        let mut connection = AsyncPgConnection::establish(&servers.database_url(&name)).await?;
        connection.batch_execute("CHECKPOINT").await?;
        Ok(Self { name, db, connection, maintenance: servers.database_url("postgres") })
    }

    /// How many changes are applied: every version from 1 on counts one. Cheap, as the history's count is not.
    pub(crate) async fn applied(&mut self) -> anyhow::Result<i64> {
        self.number("SELECT coalesce(sum(version), 0)::bigint AS number FROM products").await
    }

    /// How many rows the history has.
    pub(crate) async fn history(&mut self) -> anyhow::Result<i64> {
        self.number("SELECT count(*) AS number FROM product_changes").await
    }

    async fn number(&mut self, query: &str) -> anyhow::Result<i64> {
        let row: Number = sql_query(query).get_result(&mut self.connection).await?;
        Ok(row.number)
    }

    /// Drops it, with whoever is still connected.
    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        drop(self.connection);
        let mut connection = AsyncPgConnection::establish(&self.maintenance).await?;
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        connection.batch_execute(&drop).await.context("dropping the database")
    }
}
