//! The servers of the benchmark, and the topic that the generator fills.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::args::Args;
use crate::processes;

/// The topic that is drained.
pub(crate) const TOPIC: &str = "bench-changes";

/// Kafka, PostgreSQL and Redis, durable, gone with this value.
pub(crate) struct Servers {
    stack: stack::Private,
    generator: PathBuf,
}

impl Servers {
    /// Builds the generator, starts the servers.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let generator = processes::build_generator()?;
        println!("starting Kafka, PostgreSQL and Redis");
        let options = stack::Options { durable: true, full_jit: true, ..Default::default() };
        Ok(Self { stack: stack::Private::start(options)?, generator })
    }

    /// Fills the topic as fast as Kafka takes it.
    pub(crate) fn preload(&self, args: &Args) -> anyhow::Result<()> {
        println!("filling the topic: {} changes of {} products", args.count, args.products);
        let count = args.count.to_string();
        let status = self
            .generator(TOPIC, args.products, "max")
            .args(["--count", &count])
            .status()
            .context("running the generator")?;
        ensure!(status.success(), "the generator ended with {status}");
        Ok(())
    }

    /// The generator's command line.
    pub(crate) fn generator(&self, topic: &str, products: u64, rate: &str) -> Command {
        let mut command = Command::new(&self.generator);
        command.args(["--kafka", &self.kafka(), "--topic", topic, "--rate", rate]);
        command.args(["--products", &products.to_string()]);
        command.env("RUST_LOG", "warn").stdin(Stdio::null());
        stack::child::tie_to_us(&mut command);
        command
    }

    /// A gateway's command line; it is alone in its group and on its relay.
    pub(crate) fn gateway(&self, program: &Path, topic: &str, database: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--replica", "bench", "--drain-s", "0"]);
        command.args(["--kafka", &self.kafka(), "--changes-topic", topic, "--group", database]);
        command.args(["--redis-url", &self.redis_url(), "--redis-prefix", &format!("{database}:")]);
        command.args(["--database-url", &self.database_url(database)]);
        command.env("RUST_LOG", "warn").stdin(Stdio::null());
        stack::child::tie_to_us(&mut command);
        command
    }

    /// Kafka's addresses.
    pub(crate) fn kafka(&self) -> String {
        self.stack.kafka()
    }

    /// The URL of Redis.
    pub(crate) fn redis_url(&self) -> String {
        self.stack.redis_url()
    }

    /// The URL of a database.
    pub(crate) fn database_url(&self, name: &str) -> String {
        self.stack.database_url(name)
    }

    /// A folder that goes with the servers.
    pub(crate) fn folder(&self) -> &Path {
        self.stack.folder()
    }

    /// Creates an empty database.
    pub(crate) fn create_database(&self, name: &str) -> anyhow::Result<()> {
        self.stack.create_database(name)
    }
}
