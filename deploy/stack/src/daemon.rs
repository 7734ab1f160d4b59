//! The supervisor of `make up`, in the background: holds the run folder's lock for life, listens on its control socket,
//! and ends everything when it is told to (`SIGTERM`, `SIGINT`).
//!
//! The lock **is** the answer to "is it up?": the kernel frees it however we end, so no pid file can be stale. Whoever
//! starts us keeps our standard input open until the stack stands and then says `settled`; if that end closes before (a
//! Ctrl-C in the middle of `make up`), we take everything down again.

use std::fs::{self, File};
use std::io::{self, BufRead, Write};
use std::os::unix::net::UnixListener;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{SigSet, Signal};

use crate::layout::Layout;
use crate::servers::{apps, haproxy, kafka, postgres, redis};
use crate::service::{Restart, Service};
use crate::settings::Settings;
use crate::supervisor::{self, Command, Handle, Report};
use crate::{child, control, proc};

/// The word that makes the stack outlive the command that started it.
pub const SETTLED: &str = "settled";

/// How long strays of an earlier supervisor may take to die of `SIGKILL`.
const STRAYS_GONE: Duration = Duration::from_secs(10);

/// How long what takes an instant may take.
const MOMENT: Duration = Duration::from_secs(1);

/// The lock file of a run folder; the pid of the supervisor that holds it is inside.
pub fn lock_file(layout: &Layout) -> std::path::PathBuf {
    layout.path("stack.lock")
}

/// Where the running settings are kept.
pub fn settings_file(layout: &Layout) -> std::path::PathBuf {
    layout.path("settings")
}

/// The pid of the supervisor that holds a run folder, if one does.
pub fn running(layout: &Layout) -> anyhow::Result<Option<u32>> {
    let Ok(lock) = File::open(lock_file(layout)) else { return Ok(None) };
    match lock.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(fs::TryLockError::WouldBlock) => pid_in_lock(layout).map(Some),
        Err(fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// The pid is written a moment after the lock is taken.
fn pid_in_lock(layout: &Layout) -> anyhow::Result<u32> {
    let read = || fs::read_to_string(lock_file(layout)).ok()?.trim().parse().ok();
    within(MOMENT, read).context("the lock file holds no pid")
}

fn within<T>(limit: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        let outcome = attempt();
        if outcome.is_some() || Instant::now() > deadline {
            return outcome;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Kills what an earlier supervisor of this run folder left over; returns how many there were.
pub fn sweep(layout: &Layout) -> anyhow::Result<usize> {
    let found = proc::strays(layout.root());
    let deadline = Instant::now() + STRAYS_GONE;
    loop {
        let left = proc::strays(layout.root());
        if left.is_empty() {
            return Ok(found.len());
        }
        if Instant::now() > deadline {
            bail!(
                "left over and not to be killed: {}",
                left.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            );
        }
        for stray in left {
            child::signal(stray.pid, Signal::SIGKILL);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Is the supervisor until everything is stopped.
pub fn run(layout: &Layout) -> anyhow::Result<()> {
    let mut lock = File::options().create(true).write(true).truncate(false).open(lock_file(layout))?;
    // Somebody who only looks whether we run may hold it for an instant.
    within(MOMENT, || lock.try_lock().ok()).context("this run folder has a supervisor")?;
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())?;
    // Away from the terminal, so that its Ctrl-C and its closing do not reach us.
    nix::unistd::setsid().context("leaving the terminal")?;
    // every viewer costs two in the load balancer
    child::raise_open_files();
    let swept = sweep(layout)?;
    if swept > 0 {
        println!("killed {swept} processes that an earlier supervisor left");
    }
    postgres::forget_dead_postmaster(layout)?;
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    signals.thread_block()?;
    let (handle, requests) = Handle::new();
    let stop = handle.clone();
    thread::spawn(
        move || while signals.wait().is_ok() && stop.ask(Command::Shutdown { at_once: false }).is_ok() {},
    );
    let stop = handle.clone();
    thread::spawn(move || until_settled(&stop));
    let listener = control::listen(layout)?;
    let office = Office { layout: layout.clone(), handle, wanted: Mutex::new(Wanted::default()) };
    thread::spawn(move || office.answer(&listener));
    // On this thread, which lives as long as the process: the kernel ends the children with it.
    supervisor::run(layout.clone(), &requests);
    layout.remove("settings")?;
    Ok(layout.remove("stack.sock")?)
}

fn until_settled(stop: &Handle) {
    let mut line = String::new();
    let settled = io::stdin().lock().read_line(&mut line).is_ok_and(|_| line.trim_end() == SETTLED);
    if !settled {
        println!("whoever started the stack has gone before it stood: stopping");
        let _already_stopping = stop.ask(Command::Shutdown { at_once: false });
    }
}

/// What should run: the two halves are applied one after the other, because the programs may still be building.
#[derive(Default)]
struct Wanted {
    settings: Option<Settings>,
    servers: Vec<Service>,
    apps: Vec<Service>,
}

/// Turns words from the control socket into commands.
struct Office {
    layout: Layout,
    handle: Handle,
    wanted: Mutex<Wanted>,
}

impl Office {
    fn answer(&self, listener: &UnixListener) {
        for stream in listener.incoming().flatten() {
            let _asker_gone = control::serve(&stream, |words| self.carry_out(words));
        }
    }

    fn carry_out(&self, words: &[&str]) -> anyhow::Result<Vec<Report>> {
        let name = |name: &&str| (*name).to_owned();
        match words {
            ["status"] => self.handle.ask(Command::Status),
            ["apply", half, lines @ ..] => self.apply(half, &lines.join("\n")),
            ["scale", count] => self.scale(count),
            ["start", what] => self.handle.ask(Command::Start(name(what))),
            ["stop", what] => self.handle.ask(Command::Stop(name(what))),
            ["kill", what] => self.handle.ask(Command::Kill(name(what))),
            ["pause", what] => self.handle.ask(Command::Pause(name(what))),
            ["resume", what] => self.handle.ask(Command::Resume(name(what))),
            _ => bail!(
                "the running supervisor does not know {words:?}; after an update: `make down`, then `make up`"
            ),
        }
    }

    /// `servers`: these, and whatever of ours runs already. `all`: ours too.
    fn apply(&self, half: &str, lines: &str) -> anyhow::Result<Vec<Report>> {
        let settings = Settings::read(|_| None, Some(lines))?;
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.servers = servers(&self.layout, &settings)?;
        if half == "all" {
            wanted.apps = apps::services(&self.layout, &settings)?;
        }
        fs::write(settings_file(&self.layout), settings.to_lines())?;
        wanted.settings = Some(settings);
        self.handle.ask(Command::Apply([wanted.servers.clone(), wanted.apps.clone()].concat()))
    }

    fn scale(&self, count: &str) -> anyhow::Result<Vec<Report>> {
        let running = {
            let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
            wanted.settings.as_ref().context("the stack is just being started")?.to_lines()
        };
        let given = |name: &str| (name == "REPLICAS").then(|| count.to_owned());
        self.apply("all", &Settings::read(given, Some(&running))?.to_lines())
    }
}

fn servers(layout: &Layout, settings: &Settings) -> anyhow::Result<Vec<Service>> {
    let mut all = kafka::services(layout, &settings.cluster())?;
    all.push(postgres::service(layout, settings.pg_port, true, Restart::Always)?);
    all.push(redis::service(layout, settings.redis_port, true, Restart::Always)?);
    all.push(haproxy::service(layout, settings)?);
    Ok(all)
}
