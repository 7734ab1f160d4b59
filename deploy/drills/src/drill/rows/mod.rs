//! The rows: every fault that a drill knows, each with a name, what it needs, how long it takes, and what it does.
//!
//! To add one, write an `async fn name(scene: &mut Scene) -> anyhow::Result<()>` in the file of what it breaks and name it
//! in that file's `ROWS`. It breaks something, waits, and mends what [`World::heal`] can't know of; programs and servers
//! that are down are started afterwards. Its choices come from `scene.rng`, so that a seed repeats them.

mod armed;
mod brokers;
mod gateways;
mod generators;
mod network;
mod postgres;
mod records;
mod redis;
mod viewers;

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::world::{REPLICAS, World};

/// The servers that a row needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Servers {
    /// One broker, Postgres and Redis, which most rows share; one replica is behind wires.
    One,
    /// The same, and replicas of a test build that can be told where to die.
    Armed,
    /// Three brokers that replicate.
    Three,
}

/// What a row does.
pub(crate) type Run = for<'s> fn(&'s mut Scene<'_>) -> LocalBoxFuture<'s, anyhow::Result<()>>;

/// One row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// What happens, for the report.
    pub(crate) about: &'static str,
    pub(crate) servers: Servers,
    /// What it takes, recovery included, about.
    pub(crate) seconds: u64,
    pub(crate) run: Run,
}

/// What a row works with.
pub(crate) struct Scene<'w> {
    pub(crate) world: &'w mut World,
    pub(crate) rng: ChaCha8Rng,
    /// What was done, for the fault log.
    pub(crate) notes: Vec<String>,
    /// Whether offsets were set back on purpose.
    pub(crate) rewinds: bool,
}

impl Scene<'_> {
    /// One of the replicas.
    fn replica(&mut self) -> &'static str {
        let at = self.draw(REPLICAS.len());
        REPLICAS.get(at).copied().unwrap_or("gw1")
    }

    /// A number below `count`.
    fn draw(&mut self, count: usize) -> usize {
        self.rng.random_range(0..count)
    }

    /// Waits for a time between these, drawn.
    async fn wait_ms(&mut self, from: u64, to: u64) {
        let ms = self.rng.random_range(from..=to);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// Every row.
pub(crate) fn all() -> Vec<&'static Row> {
    let files = [
        gateways::ROWS,
        generators::ROWS,
        postgres::ROWS,
        redis::ROWS,
        records::ROWS,
        viewers::ROWS,
        network::ROWS,
        brokers::ROWS,
        armed::ROWS,
    ];
    files.into_iter().flatten().collect()
}

/// What a row needs and has not got; it is left out.
pub(crate) fn lacks(row: &Row, has_armed: bool) -> Option<&'static str> {
    match row.servers {
        Servers::Armed if !has_armed => Some("a gateway built with `--features drill` (--armed FOLDER)"),
        _ if row.name == gateways::CLOCK && !cfg!(target_os = "linux") => Some("Linux"),
        _ => None,
    }
}

/// The rows of these names.
pub(crate) fn named(names: &[String]) -> anyhow::Result<Vec<&'static Row>> {
    let find = |name: &String| {
        let known: Vec<_> = all().iter().map(|row| row.name).collect();
        let row = all().into_iter().find(|row| row.name == name);
        row.ok_or_else(|| anyhow::anyhow!("no row {name}; there are {}", known.join(", ")))
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_rows_have_one_name() {
        let names: HashSet<_> = all().iter().map(|row| row.name).collect();
        assert_eq!(names.len(), all().len());
        assert!(named(&["gateway-kill".to_owned()]).is_ok() && named(&["none".to_owned()]).is_err());
    }

    #[test]
    fn the_table_of_what_dies_names_every_row() {
        let document = include_str!("../../../../../ARCHITECTURE.md");
        let (_, table) = document.split_once("## When X dies").unwrap();
        let (table, _) = table.split_once("\n## ").unwrap();
        let words: Vec<_> = table.split('`').skip(1).step_by(2).collect();
        for row in all() {
            let is_it = |word: &&str| {
                *word == row.name || word.strip_suffix('*').is_some_and(|start| row.name.starts_with(start))
            };
            assert!(words.iter().any(is_it), "{} is not in the table", row.name);
        }
    }
}
