//! The drill's own connections to PostgreSQL, for faults and for reading the tables.

use anyhow::Context as _;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A connection; gone when dropped.
pub(crate) struct Sql(Client);

impl Sql {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("PostgreSQL")?;
        tokio::spawn(connection);
        Ok(Self(client))
    }

    /// Runs statements whose answers do not matter.
    pub(crate) async fn run(&self, sql: &str) -> anyhow::Result<()> {
        self.0.batch_execute(sql).await.with_context(|| sql.to_owned())
    }

    /// The rows of a query, every field as text; null is empty.
    pub(crate) async fn rows(&self, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
        let messages = self.0.simple_query(sql).await.with_context(|| sql.to_owned())?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let field = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(rows.map(|row| (0..row.len()).map(|at| field(row.get(at))).collect()).collect())
    }
}
