//! What can be set: flags and `SHELFWIRE_*` variables, checked once, here.
//!
//! Every default says its unit and its reason in `--help`. A wrong value ends the start with one line on stderr and
//! exit code 2; behind this module values are right.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use schema::{PriceMinor, ProductId, Stock, topics};

use crate::pace::{Rate, Speed};
use crate::shard::Shard;

/// Most products of a catalogue: what one process keeps in memory, about 300 bytes each.
pub const MOST_PRODUCTS: i64 = 1_000_000;

/// Plays the upstream price-and-stock system: changes a random product on a timer, and tells Kafka.
#[derive(Debug, Parser)]
#[command(name = "generator", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; `run` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Print what counts of all settings and where it is from, and end; 2 where one can't be used
    #[arg(long)]
    pub print_config: bool,
    /// The settings of `run`.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make changes, until stopped (the default)
    Run(RunArgs),
    /// Make one change by hand: the next version of one product
    Change(ChangeArgs),
}

/// Where Kafka is, and what is told.
#[derive(Debug, Clone, Args)]
pub struct CommonArgs {
    /// Kafka's addresses, `host:port` with commas between; the default is where `make up` starts it
    #[arg(long, env = "SHELFWIRE_KAFKA", default_value = "127.0.0.1:29092", value_parser = settings::kafka::brokers)]
    pub kafka: String,
    /// The topic of changes; made with 12 partitions when it is missing
    #[arg(long, env = "SHELFWIRE_CHANGES_TOPIC", default_value = topics::PRODUCT_CHANGES, value_parser = settings::kafka::topic)]
    pub topic: String,
    /// Append each acknowledged change to this file as a JSON line, for checkers; none by default, because it costs a
    /// write per batch
    #[arg(long, env = "SHELFWIRE_AUDIT_LOG", value_name = "FILE")]
    pub audit_log: Option<PathBuf>,
    /// How logs are written, to stderr: text for people, json for collectors
    #[arg(long, env = "SHELFWIRE_LOG_FORMAT", default_value = "text", value_enum)]
    pub log_format: LogFormat,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For collectors.
    Json,
}

/// The settings of `run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Where Kafka is, and what is told.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Photos of the products.
    #[command(flatten)]
    pub photos: PhotoArgs,
    /// Products in the catalogue, 1 to 1000000; 1000 fill a shop and read quickly. A larger one begins with the smaller
    #[arg(long, env = "SHELFWIRE_PRODUCTS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=MOST_PRODUCTS))]
    pub products: u32,
    /// Seed of the catalogue: the same seed gives the same products on every machine
    #[arg(long, env = "SHELFWIRE_SEED", default_value_t = 1)]
    pub seed: u64,
    /// Changes a second, such as 10, 0.5, 1/min, or max for as fast as Kafka takes them; 10 can be watched by eye
    #[arg(long, env = "SHELFWIRE_RATE", default_value = "10")]
    pub rate: Rate,
    /// End after so many changes, once Kafka has them all (the catalogue's first versions are not counted); without it,
    /// go on until stopped
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Which share of the products is ours, i/n with i from 0; by default all of them. Two generators on one share
    /// make conflicting versions
    #[arg(long, env = "SHELFWIRE_SHARD", default_value = "0/1", value_name = "I/N")]
    pub shard: Shard,
    /// Skew of the choice of products: the exponent of Zipf's law, 0 to 10; 0, the default, takes each as often, 1 is
    /// like a real shop
    #[arg(long, env = "SHELFWIRE_ZIPF", default_value_t = 0.0, value_name = "S", value_parser = exponent)]
    pub zipf: f64,
    /// Produce the recorded changes of this file (CSV or JSON lines; - for standard input) instead of random ones
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// How many times as fast as recorded to replay, or max for without waiting; 1 is as it happened
    #[arg(long, default_value = "1", value_name = "X", requires = "replay")]
    pub speed: Speed,
    /// End with exit code 1 at the first bad line of a replay; by default it is told, skipped and counted
    #[arg(long, requires = "replay")]
    pub strict: bool,
}

/// Photos of the products.
#[derive(Debug, Clone, Args)]
pub struct PhotoArgs {
    /// Draw a photo for each product and upload it to the gateway, where there is none yet
    #[arg(long, env = "SHELFWIRE_PHOTOS")]
    pub photos: bool,
    /// The gateway's address, or that of the load balancer; for photos only
    #[arg(long, env = "SHELFWIRE_GATEWAY", default_value = "http://127.0.0.1:8080", value_name = "URL", value_parser = gateway)]
    pub gateway: String,
    /// File that holds the gateway's admin token; uploads need it
    #[arg(long, env = "SHELFWIRE_ADMIN_TOKEN_FILE", value_name = "FILE", required_if_eq("photos", "true"))]
    pub admin_token_file: Option<PathBuf>,
}

impl PhotoArgs {
    /// The admin token.
    ///
    /// # Errors
    /// Its file can't be read, or is empty.
    pub fn token(&self) -> anyhow::Result<String> {
        let path = self.admin_token_file.as_deref().context("--admin-token-file is missing")?;
        let text =
            std::fs::read_to_string(path).with_context(|| format!("admin token {}", path.display()))?;
        anyhow::ensure!(!text.trim().is_empty(), "admin token {} is empty", path.display());
        Ok(text.trim().to_owned())
    }
}

/// The settings of `change`.
#[derive(Debug, Clone, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["price", "stock"])))]
pub struct ChangeArgs {
    /// Where Kafka is, and what is told.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Which product, by its id
    #[arg(long, value_name = "ID")]
    pub product: ProductId,
    /// Its new price, in minor units of its currency (cents for EUR), 0 to 10^12
    #[arg(long, value_name = "MINOR", value_parser = price, allow_negative_numbers = true)]
    pub price: Option<PriceMinor>,
    /// Its new stock, pieces, 0 to 2147483647
    #[arg(long, value_name = "PIECES", value_parser = stock, allow_negative_numbers = true)]
    pub stock: Option<Stock>,
}

fn gateway(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    if host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace)) {
        Ok(text.to_owned())
    } else {
        Err("must be http://host:port".into())
    }
}

fn exponent(text: &str) -> Result<f64, String> {
    let rule = "must be a number from 0 to 10";
    text.parse().ok().filter(|s| (0.0..=10.0).contains(s)).ok_or_else(|| rule.to_owned())
}

fn price(text: &str) -> Result<PriceMinor, String> {
    whole(text)?.try_into().map_err(|e: schema::OutOfRange| e.to_string())
}

fn stock(text: &str) -> Result<Stock, String> {
    whole(text)?.try_into().map_err(|e: schema::OutOfRange| e.to_string())
}

/// A number of any length; one that is too long for 64 bits is out of every range.
fn whole(text: &str) -> Result<i64, String> {
    let (farthest, digits) = text.strip_prefix('-').map_or((i64::MAX, text), |digits| (i64::MIN, digits));
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("must be a whole number".to_owned());
    }
    Ok(text.parse().unwrap_or(farthest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn run(args: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["generator"], args].concat())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_example_of_all_variables_is_not_stale() {
        settings::assert_example(&Cli::command());
    }

    #[test]
    fn a_wrong_value_is_refused() {
        for bad in [
            ["--products", "0"],
            ["--products", "1000001"],
            ["--rate", "0"],
            ["--shard", "2/2"],
            ["--zipf", "-1"],
            ["--zipf", "NaN"],
            ["--kafka", "nowhere"],
            ["--kafka", "a:0"],
            ["--topic", "a b"],
            ["--count", "-1"],
            ["--log-format", "xml"],
            ["--gateway", "https://shop"],
        ] {
            assert!(run(&bad).is_err(), "{bad:?}");
        }
        assert!(run(&["--strict"]).is_err(), "only a replay has bad lines");
        assert!(run(&["--photos"]).is_err(), "uploads need the token");
        assert!(run(&["--photos", "--admin-token-file", "token"]).is_ok());
        assert!(
            run(&["change", "--product", "0190a0b0-0000-7000-8000-00000000000a"]).is_err(),
            "what should change?"
        );
    }

    #[test]
    fn run_is_the_default_command() {
        assert_eq!(run(&["--products", "5"]).unwrap().run.products, 5);
        let Some(Command::Run(args)) = run(&["run", "--products", "6"]).unwrap().command else { panic!() };
        assert_eq!(args.products, 6);
    }
}
