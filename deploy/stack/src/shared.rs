//! The servers that a whole test run has in common.
//!
//! `stack test-env -- COMMAND` starts one private stack and tells the command where it is; [`shared`] reads that. Without
//! it (a single `cargo test -p …` by hand) the first caller starts a stack for this process, which ends with it. Each test
//! takes a topic, a database and a key prefix of its own; one that stops or flushes a server starts a
//! [`Private`](crate::Private) instead.

use std::sync::{Mutex, PoisonError};

use anyhow::Context;

use crate::private::{self, Options, Private};

/// Kafka's addresses, separated by commas.
pub(crate) const KAFKA: &str = "SHELFWIRE_TEST_KAFKA";
/// The database server's URL without a database's name, ending in a slash.
pub(crate) const DATABASE_URL: &str = "SHELFWIRE_TEST_DATABASE_URL";
/// The URL of Redis.
pub(crate) const REDIS_URL: &str = "SHELFWIRE_TEST_REDIS_URL";

/// Where the shared servers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Kafka's addresses, separated by commas.
    pub kafka: String,
    /// The database server's URL without a database's name, ending in a slash.
    pub database_base_url: String,
    /// The URL of Redis.
    pub redis_url: String,
}

/// The shared servers of this test run.
///
/// Kept for the life of the process and never dropped: the kernel ends its servers with the process.
static OWN: Mutex<Option<Private>> = Mutex::new(None);

/// The servers of this test run, started on first use unless `stack test-env` did.
pub fn shared() -> anyhow::Result<Shared> {
    if let Some(given) = from_environment(|name| std::env::var(name).ok()) {
        return Ok(given);
    }
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    let stack = match own.as_ref() {
        Some(stack) => stack,
        None => own.insert(Private::start(Options::default())?),
    };
    Ok(Shared::of(stack))
}

fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Shared> {
    Some(Shared {
        kafka: variable(KAFKA)?,
        database_base_url: variable(DATABASE_URL)?,
        redis_url: variable(REDIS_URL)?,
    })
}

impl Shared {
    /// The addresses of a private stack.
    pub fn of(stack: &Private) -> Self {
        Self {
            kafka: stack.kafka(),
            database_base_url: stack.database_base_url(),
            redis_url: stack.redis_url(),
        }
    }

    /// The variables that hand this on to a command.
    pub fn variables(&self) -> [(&'static str, &str); 3] {
        [(KAFKA, &self.kafka), (DATABASE_URL, &self.database_base_url), (REDIS_URL, &self.redis_url)]
    }

    /// The URL of a database; it must have been created.
    pub fn database_url(&self, database: &str) -> String {
        format!("{}{database}", self.database_base_url)
    }

    /// Creates an empty database.
    pub fn create_database(&self, name: &str) -> anyhow::Result<()> {
        let port = self.database_base_url.trim_end_matches('/').rsplit(':').next();
        let port = port.and_then(|port| port.parse().ok()).context("no port in the database's URL")?;
        private::create_database(port, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_counts_only_when_it_is_complete() {
        let whole = |name: &str| Some(format!("value of {name}"));
        assert_eq!(from_environment(whole).unwrap().kafka, "value of SHELFWIRE_TEST_KAFKA");
        assert_eq!(from_environment(|name| (name == KAFKA).then(String::new)), None);
    }
}
