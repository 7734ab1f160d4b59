//! Replicas and generators as child processes.
//!
//! A child dies with the thread that started it, so start it in the test's own body, never in a spawned task. When a test
//! fails, the end of each child's log is printed.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use stack::child;

use super::audit::{self, Line};
use super::client::Client;
use super::{World, until};

/// Lines of a child's log that a failed test prints.
const LOG_TAIL: usize = 40;

/// A running child; killed when dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    fn start(folder: &Path, name: &str, command: Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        Self::start_telling(file, log, name, command)
    }

    /// Starts a process that writes to `file`; what it says is looked for in `log`.
    fn start_telling(file: File, log: PathBuf, name: &str, mut command: Command) -> Self {
        for (variable, _) in std::env::vars().filter(|(variable, _)| variable.starts_with("SHELFWIRE_")) {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = child::tie_to_us(&mut command).spawn();
        let child = child.unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        Self { name: name.to_owned(), child, log }
    }

    /// SIGKILL; returns when it is gone.
    pub(crate) fn kill(&mut self) {
        let _already_gone = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Any signal.
    pub(crate) fn signal(&self, signal: Signal) {
        child::signal(self.child.id(), signal);
    }

    /// SIGSTOP: it does nothing until [`Self::resume`].
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        until(&what, async || self.child.try_wait().unwrap()).await
    }

    /// Whether it runs.
    pub(crate) fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it has written to its standard outputs, those of earlier processes of this name included.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until its log holds `text`.
    pub(crate) async fn until_logged(&self, text: &str) {
        until(&format!("{:?} in the log of {}", text, self.name), async || {
            self.log().contains(text).then_some(())
        })
        .await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("--- {} ---\n{}", self.name, lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n"));
        }
    }
}

/// A replica.
pub(crate) struct Gateway {
    pub(crate) process: Process,
    pub(crate) name: String,
    audit: PathBuf,
    addr_file: PathBuf,
}

impl Gateway {
    pub(super) fn start(world: &World, name: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_by(|command| Process::start(&world.folder, name, command), world, name, args, env)
    }

    /// One that can write no line of its log, as on a full disk.
    pub(super) fn start_on_a_full_disk(world: &World, name: &str) -> Self {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let start = |command| Process::start_telling(full, PathBuf::from("/dev/null"), name, command);
        Self::start_by(start, world, name, &[], &[])
    }

    fn start_by(
        start: impl FnOnce(Command) -> Process,
        world: &World,
        name: &str,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        let audit = world.folder.join(format!("{name}.audit"));
        let addr_file = world.folder.join(format!("{name}.addr"));
        let _of_an_earlier_one = std::fs::remove_file(&addr_file);
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        command.args(["--listen", "127.0.0.1:0", "--replica", name]).arg("--addr-file").arg(&addr_file);
        command.args(["--kafka", &world.kafka, "--database-url", &world.database_url]);
        command.args(["--redis-url", &world.redis_url, "--redis-prefix", &world.redis_prefix]);
        command.args(["--changes-topic", &world.topic, "--group", &world.group, "--drain-s", "1"]);
        command.args(["--ratings-topic", &world.ratings_topic()]);
        command.arg("--audit-log").arg(&audit).args(args).envs(env.iter().copied());
        let process = start(command);
        Self { process, name: name.to_owned(), audit, addr_file }
    }

    /// Where it serves; waits until it does.
    pub(crate) async fn addr(&self) -> SocketAddr {
        let what = format!("the address of {}", self.name);
        until(&what, async || std::fs::read_to_string(&self.addr_file).ok()?.trim().parse().ok()).await
    }

    /// `GET path`: status and body.
    pub(crate) async fn get(&self, path: &str) -> std::io::Result<stack::probe::Answer> {
        stack::probe::http_get(self.addr().await.port(), path, Duration::from_secs(5))
    }

    /// A client of its own.
    pub(crate) async fn client(&self) -> Client {
        Client::to(self.addr().await)
    }

    /// Waits until `/readyz` answers 200.
    pub(crate) async fn until_ready(&self) {
        let what = format!("{} is ready", self.name);
        until(&what, async || self.get("/readyz").await.ok().filter(|answer| answer.status == 200)).await;
    }

    /// The lines of its audit log so far, those of earlier processes of this name included.
    pub(crate) fn audit(&self) -> Vec<Line> {
        audit::read(&self.audit)
    }

    /// Waits until it has had `count` partitions assigned, over all assignments.
    pub(crate) async fn until_assigned(&self, count: usize) {
        let what = format!("{count} partitions for {}", self.name);
        let assigned = || self.audit().iter().filter(|line| line.event == "assigned").count();
        until(&what, async || (assigned() >= count).then_some(())).await;
    }
}

/// A generator.
pub(crate) struct Generator {
    pub(crate) process: Process,
    audit: PathBuf,
}

impl Generator {
    pub(super) fn start(world: &World, args: &[&str]) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_gateway")).with_file_name("generator");
        assert!(
            program.exists(),
            "{} is missing: build it with `cargo build -p generator`, or run `make test`",
            program.display()
        );
        let audit = world.folder.join("generator.audit");
        let mut command = Command::new(program);
        command.args(["--kafka", &world.kafka, "--topic", &world.topic]);
        command.arg("--audit-log").arg(&audit).args(args);
        Self { process: Process::start(&world.folder, "generator", command), audit }
    }

    /// What Kafka has acknowledged so far.
    pub(crate) fn produced(&self) -> Vec<Line> {
        audit::read(&self.audit)
    }

    /// Asks it to stop, and waits until Kafka has everything that it sent.
    pub(crate) async fn stop(&mut self) {
        self.process.terminate();
        let status = self.process.ended().await;
        assert!(status.success(), "the generator ended with {status}");
    }
}
