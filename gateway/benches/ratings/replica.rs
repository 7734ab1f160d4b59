//! One gateway on private servers, started for a measurement.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::processes::Running;

/// How long a program may take to be ready, and to do what was asked of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway that is ready.
pub(crate) struct Replica {
    running: Running,
    pub(crate) addr: SocketAddr,
}

impl Replica {
    /// Starts `program` under `name` on the database `bench`. It dies with the thread that calls this.
    pub(crate) fn start(
        program: &Path,
        servers: &stack::Private,
        name: &str,
        flags: &[&str],
    ) -> anyhow::Result<Self> {
        let addr_file = servers.folder().join(format!("{name}.addr"));
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--replica", name, "--drain-s", "0"]).args(flags);
        command.args(["--kafka", &servers.kafka(), "--redis-url", &servers.redis_url()]);
        command.args(["--database-url", &servers.database_url("bench")]).arg("--addr-file").arg(&addr_file);
        command.env("RUST_LOG", "warn").stdin(Stdio::null());
        stack::child::tie_to_us(&mut command);
        let running = Running::start(command)?;
        let addr = until("the gateway is ready", || {
            let addr = read_addr(&addr_file)?;
            let answer = stack::probe::http_get(addr.port(), "/readyz", Duration::from_secs(1));
            answer.is_ok_and(|answer| answer.status == 200).then_some(addr)
        })?;
        Ok(Self { running, addr })
    }

    /// Its process id.
    #[allow(dead_code, reason = "not every program asks")]
    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Its memory that is in use.
    pub(crate) fn memory_mib(&self) -> u64 {
        memory_mib(self.running.pid())
    }

    /// Asks it to stop, and waits.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.running.stop()
    }
}

/// What a program wrote to its address file, once it did.
pub(crate) fn read_addr(file: &Path) -> Option<SocketAddr> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Asks until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        ensure!(started.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Memory of a process that is in use.
fn memory_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}
