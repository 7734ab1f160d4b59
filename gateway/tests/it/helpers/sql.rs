//! Looks into the database, in plain SQL; every value comes as text.

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// One connection of the test's own.
pub(crate) struct Sql {
    client: Client,
}

impl Sql {
    /// Connects to `url`; the connection is driven in the background.
    pub(crate) async fn connect(url: &str) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self { client })
    }

    /// Runs statements that answer nothing.
    pub(crate) async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// The rows of a query; NULL is empty.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.try_rows(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// The same, where the server may be away.
    pub(crate) async fn try_rows(&self, sql: &str) -> Result<Vec<Vec<String>>, tokio_postgres::Error> {
        let answer = self.client.simple_query(sql).await?;
        let rows = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).unwrap_or_default().to_owned()).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    /// The first column of the first row, as a number; 0 without a row.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.rows(sql).await.first().map_or(0, |row| row[0].parse().unwrap_or(0))
    }
}
