//! The world of one act: private servers, the real programs on them, and the doors that the fleet knocks at.
//!
//! Rows break things through this; it keeps a list of what must be put right again, so that [`World::heal`] ends any
//! fault by looking at what is there: programs that are down are started, servers that are down are started.

mod armed;
mod clock;
mod doors;
mod generators;
pub(crate) mod kafka;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod redis;
mod replicas;
pub(crate) mod sql;
pub(crate) mod wires;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use stack::{Options, Private};

pub(crate) use self::doors::Doors;
use self::process::{Process, program};
use self::sql::Sql;
use self::wires::Wires;
use crate::drill::evidence::Ended;

/// Topics and groups, as the programs name them by default.
pub(crate) const CHANGES: &str = "product-changes";
pub(crate) const REDRIVE: &str = "product-changes.redrive";
pub(crate) const LETTERS: &str = "product-changes.dlq";
pub(crate) const RATINGS: &str = "product-ratings";
pub(crate) const RATING_LETTERS: &str = "product-ratings.dlq";
/// Each lane's group and topic.
pub(crate) const LANES: [(&str, &str); 3] =
    [("gateway", CHANGES), ("gateway-redrive", REDRIVE), ("gateway-ratings", RATINGS)];

/// What opens the admin addresses of the drill's replicas.
pub(crate) const TOKEN: &str = "a-token-of-the-drill";
const DATABASE: &str = "drill";
/// Replicas that always should be there.
pub(crate) const REPLICAS: [&str; 3] = ["gw1", "gw2", "gw3"];
/// The one of them that is behind wires, where there are some.
pub(crate) const WIRED: &str = "gw3";
/// Products of the generator's catalogue.
pub(crate) const PRODUCTS: u32 = 300;
/// Longest wait for anything to become well; what takes longer is a violation, or a drill that can't go on.
pub(crate) const LONG: Duration = Duration::from_secs(90);

/// What the programs are started with.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// Where they lie; beside this program without it.
    pub(crate) folder: Option<PathBuf>,
    /// Where the test build of the gateway lies, if there is one.
    pub(crate) armed: Option<PathBuf>,
    /// Changes a second.
    pub(crate) rate: u32,
    /// A bug that all replicas have; empty: none, but otherwise as with one.
    pub(crate) planted: Option<&'static str>,
    /// How many times longer than promised things may take.
    pub(crate) slack: u32,
}

impl Programs {
    /// Records that are always under way while there is load: half a second of changes, about.
    pub(crate) fn in_flight(&self) -> i64 {
        i64::from(self.rate / 2).max(100)
    }
}

/// Name and pid of every process of ours that was started; those that have ended are not there any more.
pub(crate) type Started = Arc<Mutex<Vec<(String, u32)>>>;

/// Servers and programs of one act.
pub(crate) struct World {
    pub(crate) stack: Private,
    /// Logs, audit logs and address files.
    pub(crate) folder: PathBuf,
    pub(crate) doors: Doors,
    pub(crate) gateways: BTreeMap<String, Process>,
    pub(crate) generators: BTreeMap<String, Process>,
    pub(crate) started: Started,
    /// How programs ended that were not killed.
    pub(crate) ended: Vec<Ended>,
    /// None where there are several brokers.
    pub(crate) wires: Option<Wires>,
    pub(crate) programs: Programs,
    down: Vec<String>,
}

impl World {
    /// Starts the servers; no program yet.
    pub(crate) async fn start(folder: &Path, brokers: usize, programs: &Programs) -> anyhow::Result<Self> {
        // logs and audit logs are appended to, and those of an earlier drill are no evidence of this one
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)?;
        let wires = Wires::listen().await?;
        let proxy = (brokers == 1).then_some(wires.kafka.port);
        // what is killed must find its data again
        let stack = Private::start(Options {
            brokers,
            durable: true,
            append_time: true,
            proxy,
            ..Options::default()
        })?;
        let wires = wires.lead_to(&stack)?;
        stack.create_database(DATABASE)?;
        std::fs::write(folder.join("token"), TOKEN)?;
        Ok(Self {
            stack,
            folder: folder.to_owned(),
            doors: Doors::default(),
            gateways: BTreeMap::new(),
            generators: BTreeMap::new(),
            started: Started::default(),
            ended: Vec::new(),
            wires,
            programs: programs.clone(),
            down: Vec::new(),
        })
    }

    pub(crate) fn database_url(&self) -> String {
        self.stack.database_url(DATABASE)
    }

    /// `host:port` of Redis.
    pub(crate) fn redis_addr(&self) -> String {
        self.stack.redis_url().trim_start_matches("redis://").to_owned()
    }

    /// One command to Redis.
    pub(crate) fn redis(&self, words: &[&str]) -> anyhow::Result<String> {
        redis::command(&self.redis_addr(), words)
    }

    /// A connection to the database.
    pub(crate) async fn sql(&self) -> anyhow::Result<Sql> {
        Sql::connect(&self.database_url()).await
    }

    /// Starts a replica and waits until it listens.
    pub(crate) async fn gateway(&mut self, name: &str, more: &[&str]) -> anyhow::Result<()> {
        let mut command = match self.programs.planted {
            Some(_) => self.armed()?,
            None => Command::new(program(self.programs.folder.as_deref(), "gateway")?),
        };
        command.args(more);
        self.start_gateway(name, command).await
    }

    async fn start_gateway(&mut self, name: &str, mut command: Command) -> anyhow::Result<()> {
        let addr_file = self.folder.join(format!("{name}.addr"));
        let _of_an_earlier_one = std::fs::remove_file(&addr_file);
        command.args(["--listen", "127.0.0.1:0", "--replica", name]).arg("--addr-file").arg(&addr_file);
        let (mut kafka, mut database, mut redis) =
            (self.stack.kafka(), self.database_url(), self.stack.redis_url());
        if let Some(wires) = self.wires.as_ref().filter(|_| name == WIRED) {
            kafka = format!("127.0.0.1:{}", wires.kafka.port);
            database =
                database.replace(&wires::port_of(&database)?.to_string(), &wires.postgres.port.to_string());
            redis = format!("redis://127.0.0.1:{}", wires.redis.port);
        }
        command.args(["--kafka", &kafka, "--database-url", &database, "--redis-url", &redis]);
        if !command.get_args().any(|arg| arg == "--drain-s") {
            command.args(["--drain-s", "1"]);
        }
        command.args(["--heartbeat-ms", "1000"]);
        command.arg("--admin-token-file").arg(self.folder.join("token"));
        command.arg("--audit-log").arg(self.folder.join(format!("{name}.audit")));
        let process = self.process(name, command)?;
        self.gateways.insert(name.to_owned(), process);
        let read = || std::fs::read_to_string(&addr_file).ok()?.trim().parse().ok();
        let addr = until(&format!("{name} listens"), async || read()).await?;
        self.doors.set(name, Some(addr));
        Ok(())
    }

    /// SIGKILL to a replica.
    pub(crate) fn kill_gateway(&mut self, name: &str) {
        self.doors.set(name, None);
        self.ended.extend(self.gateways.remove(name).and_then(Process::kill));
    }

    /// SIGTERM to replicas, at the same time; waits for their ends.
    pub(crate) async fn stop_gateways(&mut self, names: &[&str]) {
        let stopping = names.iter().filter_map(|name| self.gateways.remove(*name));
        let ended = futures_util::future::join_all(stopping.map(Process::stop)).await;
        for name in names {
            self.doors.set(name, None);
        }
        self.ended.extend(ended);
    }

    /// Starts one of our programs.
    fn process(&self, name: &str, command: Command) -> anyhow::Result<Process> {
        let process = Process::start(&self.folder, name, command)?;
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.push((name.to_owned(), process.id()));
        Ok(process)
    }

    /// SIGKILL to a server, which stays down until [`Self::heal`].
    pub(crate) fn kill_server(&mut self, name: &str) -> anyhow::Result<()> {
        self.down.push(name.to_owned());
        self.stack.kill(name)
    }

    /// A graceful stop of a server, which stays down until [`Self::heal`].
    pub(crate) fn stop_server(&mut self, name: &str) -> anyhow::Result<()> {
        self.down.push(name.to_owned());
        self.stack.stop(name)
    }

    /// Starts what is down: servers, replicas, the generator.
    pub(crate) async fn heal(&mut self) -> anyhow::Result<()> {
        for name in std::mem::take(&mut self.down) {
            self.stack.start_again(&name)?;
        }
        for name in REPLICAS {
            if !self.gateways.contains_key(name) {
                self.gateway(name, &[]).await?;
            }
        }
        if self.generators.is_empty() {
            self.generator("generator", &[])?;
        }
        Ok(())
    }

    /// Waits until every replica is ready; notes those that ended by themselves.
    pub(crate) async fn until_ready(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            self.note_dead();
            let mut waiting = Vec::new();
            for (name, addr) in self.doors.named() {
                let answer = stack::probe::http_get(addr.port(), "/readyz", Duration::from_secs(2));
                if !answer.is_ok_and(|answer| answer.status == 200) {
                    waiting.push(name.clone());
                }
            }
            if waiting.is_empty() {
                return Ok(());
            }
            if started.elapsed() > LONG {
                bail!("not ready within {LONG:?}: {}", waiting.join(", "));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Notes programs that ended without being asked; [`Self::heal`] starts them again.
    pub(crate) fn note_dead(&mut self) {
        for processes in [&mut self.gateways, &mut self.generators] {
            let dead: Vec<_> = processes.values_mut().filter_map(Process::ended_by_itself).collect();
            for ended in &dead {
                processes.remove(&ended.name);
                self.doors.set(&ended.name, None);
            }
            self.ended.extend(dead);
        }
    }

    /// Sends a signal to a replica.
    pub(crate) fn signal_gateway(&self, name: &str, signal: Signal) -> anyhow::Result<()> {
        self.gateways.get(name).with_context(|| format!("{name} is down"))?.signal(signal);
        Ok(())
    }
}

/// Asks until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return Ok(found);
        }
        anyhow::ensure!(started.elapsed() < LONG, "not within {LONG:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
