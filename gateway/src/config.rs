//! Settings: flags with an environment variable each, checked before anything starts.
//!
//! A secret can also come from a file (`…_FILE`), and is never printed: its `Debug` form is hidden.

pub mod letters;
pub mod photos;
pub mod ratings;
pub mod viewers;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Writes each change to the database and pushes it to every viewer.
#[derive(Debug, Parser)]
#[command(name = "gateway", version)]
pub struct Cli {
    /// What to do; `run` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Print what counts of all settings and where it is from, secrets hidden, and end; 2 where one can't be used.
    #[arg(long)]
    pub print_config: bool,
    /// The service's settings.
    #[command(flatten)]
    pub settings: Settings,
}

/// What the program can do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Run the service (what happens when no command is given).
    Run,
    /// Ask a running replica's /healthz at the listen address; exit 0 when it answers. For images without a shell.
    Healthcheck,
    /// List, show and send back dead letters. Settings that say where Kafka is stand before this word, or in variables.
    #[command(subcommand)]
    DeadLetters(letters::LettersCommand),
}

/// The service's settings.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Where to listen, IP:PORT; port 0 takes a free one. Loopback by default: what should be reached from outside is
    /// said on purpose.
    #[arg(long, env = "SHELFWIRE_LISTEN", default_value = "127.0.0.1:8081", help_heading = "Service")]
    pub listen: SocketAddr,
    /// File to write the bound address to (IP:PORT), once requests are served.
    #[arg(long, env = "SHELFWIRE_ADDR_FILE", help_heading = "Service")]
    pub addr_file: Option<PathBuf>,
    /// This replica's name, 1 to 64 of letters, digits, `-`, `_` and `.`; unique among those that live. [default: host
    /// name and process id]
    #[arg(long, env = "SHELFWIRE_REPLICA", value_parser = replica_name, help_heading = "Service")]
    pub replica: Option<String>,
    /// HTTP worker threads; 0 takes one a core.
    #[arg(long, env = "SHELFWIRE_HTTP_WORKERS", default_value_t = 0, help_heading = "Service")]
    pub http_workers: usize,
    /// Seconds over which viewers are sent away when the replica stops, 0 to 60: spread, so that the others are not
    /// met by all of them at once.
    #[arg(long, env = "SHELFWIRE_DRAIN_S", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=60), help_heading = "Service")]
    pub drain_s: u64,
    /// How log lines look.
    #[arg(long, env = "SHELFWIRE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, help_heading = "Service")]
    pub log_format: LogFormat,
    /// File for the audit log (JSON lines, appended): what was decided about each record, for a checker from outside.
    #[arg(long, env = "SHELFWIRE_AUDIT_LOG", help_heading = "Service")]
    pub audit_log: Option<PathBuf>,

    /// Brokers to begin with, host:port, separated by commas.
    #[arg(long, env = "SHELFWIRE_KAFKA", default_value = "127.0.0.1:29092", value_parser = settings::kafka::brokers, help_heading = "Kafka")]
    pub kafka: String,
    /// Topic of changes; its dead letters go to NAME.dlq, and NAME.redrive is read beside it.
    #[arg(long, env = "SHELFWIRE_CHANGES_TOPIC", default_value = schema::topics::PRODUCT_CHANGES, value_parser = settings::kafka::topic, help_heading = "Kafka")]
    pub changes_topic: String,
    /// Consumer group; replicas of one group share the partitions.
    #[arg(long, env = "SHELFWIRE_GROUP", default_value = "gateway", value_parser = settings::kafka::group, help_heading = "Kafka")]
    pub group: String,
    /// Tasks that write to the database at the same time, 1 to 12; each owns its share of the partitions and a
    /// connection. Two keep Postgres busy while the other waits for its commit.
    #[arg(long, env = "SHELFWIRE_WRITERS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=12), help_heading = "Kafka")]
    pub writers: u16,
    /// Most records of one batch (one transaction), 1 to 10000. In a backlog larger ones fold more changes of a product
    /// into one row and one frame, and hold locks longer.
    #[arg(long, env = "SHELFWIRE_BATCH_ROWS", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=10_000), help_heading = "Kafka")]
    pub batch_rows: u64,

    /// Database, postgres://user@host:port/name. Its user must own the tables. Use …_FILE where it holds a password.
    #[arg(
        long,
        env = "SHELFWIRE_DATABASE_URL",
        default_value = "postgres://shelfwire@127.0.0.1:29432/shelfwire",
        hide_env_values = true,
        help_heading = "Postgres"
    )]
    pub database_url: Secret,
    /// File that holds the database URL.
    #[arg(long, env = "SHELFWIRE_DATABASE_URL_FILE", help_heading = "Postgres")]
    pub database_url_file: Option<PathBuf>,

    /// Redis, redis://host:port. Use …_FILE where it holds a password.
    #[arg(
        long,
        env = "SHELFWIRE_REDIS_URL",
        default_value = "redis://127.0.0.1:29379",
        hide_env_values = true,
        help_heading = "Redis"
    )]
    pub redis_url: Secret,
    /// File that holds the Redis URL.
    #[arg(long, env = "SHELFWIRE_REDIS_URL_FILE", help_heading = "Redis")]
    pub redis_url_file: Option<PathBuf>,
    /// What all keys start with, so that several installations can share a server.
    #[arg(long, env = "SHELFWIRE_REDIS_PREFIX", default_value = "shelfwire:", help_heading = "Redis")]
    pub redis_prefix: String,

    /// Where ratings travel, and what their average is of.
    #[command(flatten)]
    pub ratings: ratings::RatingSettings,

    /// What viewers may cost.
    #[command(flatten)]
    pub viewers: viewers::ViewerSettings,
    /// What photos may cost.
    #[command(flatten)]
    pub photos: photos::PhotoSettings,

    /// Bearer token of the admin endpoints; without one they answer 403. Use …_FILE to keep it out of process lists.
    #[arg(long, env = "SHELFWIRE_ADMIN_TOKEN", hide_env_values = true, help_heading = "Access")]
    pub admin_token: Option<Secret>,
    /// File that holds the admin token.
    #[arg(long, env = "SHELFWIRE_ADMIN_TOKEN_FILE", help_heading = "Access")]
    pub admin_token_file: Option<PathBuf>,
    /// Origins of pages that may connect, separated by commas (`https://shop.example`), or `*` for all; pages of the
    /// gateway's own origin always may.
    #[arg(long, env = "SHELFWIRE_ALLOWED_ORIGINS", value_delimiter = ',', help_heading = "Access")]
    pub allowed_origins: Vec<String>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // clap shows defaults through this; they hold no password
        if self.0.contains('@') && self.0.split('@').next().is_some_and(|user| user.matches(':').count() > 1)
        {
            f.write_str("(hidden)")
        } else {
            f.write_str(&self.0)
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Settings {
    /// Puts what `…_FILE` settings name in place, and names the replica.
    ///
    /// # Errors
    /// A line that names the setting whose file can't be read, or is empty.
    pub fn resolve(mut self) -> Result<Self, String> {
        if let Some(path) = &self.database_url_file {
            self.database_url = secret("SHELFWIRE_DATABASE_URL_FILE", path)?;
        }
        if let Some(path) = &self.redis_url_file {
            self.redis_url = secret("SHELFWIRE_REDIS_URL_FILE", path)?;
        }
        if let Some(path) = &self.admin_token_file {
            self.admin_token = Some(secret("SHELFWIRE_ADMIN_TOKEN_FILE", path)?);
        }
        let schemes = ["postgres://", "postgresql://"];
        if !schemes.iter().any(|scheme| self.database_url.expose().starts_with(scheme)) {
            return Err("SHELFWIRE_DATABASE_URL: must begin with postgres://".to_owned());
        }
        if self.changes_topic == self.ratings.ratings_topic {
            return Err("SHELFWIRE_RATINGS_TOPIC: must not be SHELFWIRE_CHANGES_TOPIC".to_owned());
        }
        if self.admin_token.as_ref().is_some_and(|token| token.expose().len() < 16) {
            return Err("SHELFWIRE_ADMIN_TOKEN: must have at least 16 characters".to_owned());
        }
        if self.replica.is_none() {
            let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
            let host: String =
                host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
            self.replica =
                Some(format!("{}-{}", if host.is_empty() { "gateway" } else { &host }, std::process::id()));
        }
        Ok(self)
    }

    /// This replica's name.
    pub fn replica(&self) -> &str {
        self.replica.as_deref().unwrap_or("gateway")
    }
}

fn secret(setting: &str, path: &Path) -> Result<Secret, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{setting}: {}: {error}", path.display()))?;
    let text = text.trim();
    if text.is_empty() {
        Err(format!("{setting}: {} is empty", path.display()))
    } else {
        Ok(Secret(text.to_owned()))
    }
}

fn replica_name(text: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 64 of letters, digits, '-', '_' and '.'".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn the_example_of_all_variables_is_not_stale() {
        settings::assert_example(&<Cli as clap::CommandFactory>::command());
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret: Secret = "postgres://me:hunter2@db/shop".parse().unwrap();
        assert!(!format!("{secret:?}{secret}").contains("hunter2"));
    }
}
