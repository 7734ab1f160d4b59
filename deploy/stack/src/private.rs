//! A stack of one's own for a test or a benchmark: free ports, a temporary folder, full control over each server.
//!
//! ```no_run
//! let stack = stack::Private::start(stack::Options { brokers: 3, ..Default::default() })?;
//! stack.create_database("mine")?;
//! let (kafka, url) = (stack.kafka(), stack.database_url("mine"));
//! stack.kill("kafka2")?;      // SIGKILL; stays down
//! stack.start_again("kafka2")?;     // same port, same data; returns when it is ready
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! The servers are children of a thread that belongs to the value, so any thread may start and drop it. Dropping kills
//! them and removes the folder; if the whole process is killed, the kernel ends them and the next stack removes the
//! folder. Nothing is restarted here: what a test kills must stay dead until it says otherwise.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::layout::Layout;
use crate::ports;
use crate::servers::{kafka, postgres, redis};
use crate::service::Restart;
use crate::supervisor::{self, Command, Handle, wait};
use crate::wire;

/// Servers become ready within this, or the start fails. Three brokers on a busy machine need 20 s.
const READY: Duration = Duration::from_secs(120);
/// A graceful stop ends within the supervisor's own grace of 10 s, by force at last.
const DOWN: Duration = Duration::from_secs(20);
/// Tries with other ports when somebody took one in between.
const TRIES: usize = 3;
/// Begins the name of every folder of ours, so that a later stack finds those of killed processes.
const FOLDER: &str = "shelfwire-stack-";

/// What the stack should be like.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Kafka nodes: 1, or 3 that replicate.
    pub brokers: usize,
    /// PostgreSQL with fsync, Redis with its file: for tests that kill them, and for benchmarks.
    pub durable: bool,
    /// Kafka with both compilers: slower to start, for benchmarks.
    pub full_jit: bool,
    /// Kafka stamps records when it appends them: for whoever measures how long they lay there.
    pub append_time: bool,
    /// The port of a proxy in front of a lone Kafka node: see [`Private::kafka_behind`].
    pub proxy: Option<u16>,
}

impl Default for Options {
    fn default() -> Self {
        Self { brokers: 1, durable: false, full_jit: false, append_time: false, proxy: None }
    }
}

/// Private Kafka, PostgreSQL and Redis, ended when this is dropped. Their names are `kafka1` …, `postgres`, `redis`.
#[derive(Debug)]
pub struct Private {
    layout: Layout,
    /// Held for life: a folder whose lock is free belongs to nobody.
    _lock: File,
    cluster: kafka::Cluster,
    postgres: u16,
    redis: u16,
    handle: Handle,
    keeper: Option<JoinHandle<()>>,
}

impl Private {
    /// Starts the servers and returns when all are ready.
    pub fn start(options: Options) -> anyhow::Result<Self> {
        sweep(&std::env::temp_dir());
        Self::start_on(options, ports::free)
    }

    /// Starts them on ports that `draw` gives; on others when somebody took one of those meanwhile.
    fn start_on(
        options: Options,
        mut draw: impl FnMut(usize) -> io::Result<Vec<u16>>,
    ) -> anyhow::Result<Self> {
        let mut last = None;
        for _ in 0..TRIES {
            let ports = draw(3 + 2 * options.brokers)?;
            match Self::try_start(options, &ports) {
                Ok(stack) => return Ok(stack),
                // somebody had one for a moment, or has it still: our own servers are gone by now, and hold none
                Err(error)
                    if error.to_string().contains("is held by")
                        || !ports.iter().all(|port| ports::is_free(*port)) =>
                {
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("no free ports")))
    }

    fn try_start(options: Options, ports: &[u16]) -> anyhow::Result<Self> {
        let (&[postgres, redis, second], nodes) = ports.split_first_chunk().context("too few ports")?;
        let nodes = nodes.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect();
        let cluster = kafka::Cluster {
            nodes,
            full_jit: options.full_jit,
            append_time: options.append_time,
            restart: Restart::Never,
            behind: options.proxy.map(|proxy| (second, proxy)),
        };
        let folder = std::env::temp_dir().join(format!("{FOLDER}{}-{postgres}", std::process::id()));
        let layout = Layout::create(&folder)?;
        let lock = File::create(lock_file(layout.root()))?;
        lock.lock()?;
        let (handle, requests) = Handle::new();
        let keeper = {
            let layout = layout.clone();
            thread::Builder::new()
                .name("stack keeper".to_owned())
                .spawn(move || supervisor::run(layout, &requests))?
        };
        let stack = Self { layout, _lock: lock, cluster, postgres, redis, handle, keeper: Some(keeper) };
        stack.bring_up(options)?;
        Ok(stack)
    }

    fn bring_up(&self, options: Options) -> anyhow::Result<()> {
        let layout = &self.layout;
        thread::scope(|scope| {
            let slow = scope.spawn(|| kafka::prepare(layout, &self.cluster));
            redis::prepare(layout)?;
            postgres::prepare(layout)?;
            slow.join().unwrap_or_else(|_| bail!("preparing Kafka panicked"))
        })?;
        let mut services = kafka::services(layout, &self.cluster)?;
        services.push(postgres::service(layout, self.postgres, options.durable, Restart::Never)?);
        services.push(redis::service(layout, self.redis, options.durable, Restart::Never)?);
        self.handle.ask(Command::Apply(services))?;
        self.wait_ready(None)
    }

    /// Kafka's addresses, separated by commas.
    pub fn kafka(&self) -> String {
        self.cluster.addresses()
    }

    /// Where the proxy of [`Options::proxy`] must lead; Kafka names the proxy's own port to whoever comes from there.
    pub fn kafka_behind(&self) -> Option<u16> {
        self.cluster.behind.map(|(listener, _)| listener)
    }

    /// The URL of a database; it must have been created.
    pub fn database_url(&self, database: &str) -> String {
        format!("{}{database}", self.database_base_url())
    }

    /// The URL without a database's name, ending in a slash.
    pub fn database_base_url(&self) -> String {
        format!("postgres://{}@127.0.0.1:{}/", wire::USER, self.postgres)
    }

    /// The URL of Redis.
    pub fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.redis)
    }

    /// Creates an empty database.
    pub fn create_database(&self, name: &str) -> anyhow::Result<()> {
        create_database(self.postgres, name)
    }

    /// The temporary folder; the servers' logs lie in its `log/`, and a test may keep files of its own in it.
    pub fn folder(&self) -> &Path {
        self.layout.root()
    }

    /// `SIGKILL` to the server and all its children; returns when it is gone.
    pub fn kill(&self, name: &str) -> anyhow::Result<()> {
        self.handle.ask(Command::Kill(name.to_owned()))?;
        self.wait_down(name)
    }

    /// A graceful stop; returns when it is gone.
    pub fn stop(&self, name: &str) -> anyhow::Result<()> {
        self.handle.ask(Command::Stop(name.to_owned()))?;
        self.wait_down(name)
    }

    /// Starts a stopped or killed server on its old port and data; returns when it is ready.
    pub fn start_again(&self, name: &str) -> anyhow::Result<()> {
        self.handle.ask(Command::Start(name.to_owned()))?;
        self.wait_ready(Some(name))
    }

    fn wait_ready(&self, name: Option<&str>) -> anyhow::Result<()> {
        let whose = |other: &str| name.is_none_or(|name| name == other);
        wait::until_ready(|| self.handle.ask(Command::Status), whose, &self.layout, READY)
    }

    fn wait_down(&self, name: &str) -> anyhow::Result<()> {
        wait::until_down(|| self.handle.ask(Command::Status), |other| other == name, DOWN)
    }

    /// `SIGSTOP`: connections stay open, and nothing is answered until [`Self::resume`].
    pub fn pause(&self, name: &str) -> anyhow::Result<()> {
        self.handle.ask(Command::Pause(name.to_owned())).map(drop)
    }

    /// `SIGCONT`.
    pub fn resume(&self, name: &str) -> anyhow::Result<()> {
        self.handle.ask(Command::Resume(name.to_owned())).map(drop)
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _already_gone = self.handle.ask(Command::Shutdown { at_once: true });
        if let Some(keeper) = self.keeper.take() {
            let _panicked = keeper.join();
        }
        let _left_for_the_next = fs::remove_dir_all(self.layout.root());
    }
}

/// Creates a database on the server at this port of the loopback address.
pub(crate) fn create_database(port: u16, name: &str) -> anyhow::Result<()> {
    let plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_';
    if name.is_empty() || !name.bytes().all(plain) {
        bail!("a database's name here is made of a-z, 0-9 and _: {name:?}");
    }
    wire::execute(port, "postgres", &format!("CREATE DATABASE {name}"))
        .with_context(|| format!("creating {name}"))
}

fn lock_file(folder: &Path) -> PathBuf {
    folder.join("stack.lock")
}

/// Removes the folders of stacks whose process is gone. One without a lock file is just being made.
fn sweep(temporary: &Path) {
    let entries = fs::read_dir(temporary).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(FOLDER));
    for folder in ours.map(|entry| entry.path()) {
        if File::open(lock_file(&folder)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _next_time = fs::remove_dir_all(&folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn servers_start_on_other_ports_when_somebody_took_one_meanwhile() {
        let mut draws = 0;
        let mut holder = None;
        let draw = |count| {
            draws += 1;
            let ports = ports::free(count)?;
            if holder.is_none() {
                // the port of Kafka's controller
                holder =
                    ports.last().map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port))).transpose()?;
            }
            Ok(ports)
        };
        let stack = Private::start_on(Options::default(), draw).unwrap();
        stack.create_database("mine").unwrap();
        assert!(holder.is_some());
        assert_eq!(draws, 2);
    }
}
