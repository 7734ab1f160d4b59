//! `stack up`: from whatever there is to a stack that stands and answers.
//!
//! The programs are built while the servers start. A second `up` finds everything as it should be and changes nothing;
//! with other variables it replaces exactly what they touch. Two at once wait for each other. One that fails or is
//! interrupted takes down what it began, because the supervisor notices that its pipe closes before it heard `settled`.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{SigSet, Signal};
use stack::layout::Layout;
use stack::servers::{apps, haproxy, kafka, postgres, redis};
use stack::settings::Settings;
use stack::supervisor::{Phase, Report, wait};
use stack::{control, daemon, wire};

use super::build::Build;
use super::place::Place;
use super::say;
use super::{doctor, down, summary};

/// Servers and replicas are ready within this, or `up` fails; a slow laptop needs a tenth of it.
const READY: Duration = Duration::from_secs(180);
/// The supervisor's socket is there within this.
const SOCKET: Duration = Duration::from_secs(15);

/// Says what happens with the seconds since the start.
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn say(self, text: &str) {
        say(&format!("[{:>4} s] {text}", self.0.elapsed().as_secs()));
    }
}

pub(crate) fn run(foreground: bool) -> anyhow::Result<ExitCode> {
    let clock = Clock(Instant::now());
    let before = Place::open()?;
    // a wrong variable is told at once, not after a wait
    before.wanted()?;
    let turn = take_turn(&before.layout, clock)?;
    // Looked at only now: the one we waited for may have brought it up.
    let place = Place::open()?;
    let settings = place.wanted()?;
    let layout = &place.layout;
    doctor::preflight(&place, &settings)?;

    let build = Build::start(layout, &settings, clock)?;
    let mut guard = match place.supervisor {
        Some(_) => None,
        None => Some(start_supervisor(layout, clock)?),
    };
    let known = start_servers(layout, &settings, clock)?;
    build.wait()?;
    apply(layout, &settings, "all")?;
    wait::until_ready(saying(layout, clock, known), |_| true, layout, READY)?;
    summary::print(layout, &settings)?;
    if !foreground {
        // A supervisor that we started lives on without us.
        if let Some((_, pipe)) = &mut guard {
            writeln!(pipe, "{}", daemon::SETTLED).context("the supervisor has gone")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    // Whoever wants to look at the stack may still scale, kill and stop it from elsewhere.
    drop(turn);
    say("Ctrl-C stops everything.");
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    signals.thread_block()?;
    signals.wait()?;
    down::run()
}

/// Waits for another `up` of this run folder; the lock ends with the value.
fn take_turn(layout: &Layout, clock: Clock) -> anyhow::Result<File> {
    let lock = File::options().create(true).truncate(false).write(true).open(layout.path("up.lock"))?;
    if lock.try_lock().is_err() {
        clock.say("another `up` is at work here: waiting for it");
        lock.lock()?;
    }
    Ok(lock)
}

/// The supervisor, in the background, with the pipe that ties it to us until it has heard `settled`.
fn start_supervisor(layout: &Layout, clock: Clock) -> anyhow::Result<(Child, ChildStdin)> {
    let log = layout.open_log("stack")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("supervise").env("RUN", layout.root()).env_remove("MAKEFLAGS").env_remove("MFLAGS");
    command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
    let mut supervisor = command.spawn().context("starting the supervisor")?;
    let pipe = supervisor.stdin.take().context("the supervisor has no input")?;
    let deadline = Instant::now() + SOCKET;
    while control::ask(layout, &["status"]).is_err() {
        if supervisor.try_wait()?.is_some() || Instant::now() > deadline {
            bail!("the supervisor did not start:\n{}", layout.log_tail("stack", 8));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    clock.say("supervisor started");
    Ok((supervisor, pipe))
}

/// Returns the names of what is ready.
fn start_servers(layout: &Layout, settings: &Settings, clock: Clock) -> anyhow::Result<HashSet<String>> {
    if kafka::is_to_be_collected() {
        clock.say(&format!("collecting Kafka {} through Maven (44 MB, only the first time)", kafka::VERSION));
    }
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| kafka::prepare(layout, &settings.cluster()));
        redis::prepare(layout)?;
        haproxy::prepare(layout)?;
        apps::prepare(layout)?;
        postgres::prepare(layout)?;
        slow.join().unwrap_or_else(|_| bail!("preparing Kafka panicked"))
    })?;
    let settled = names_ready(&control::ask(layout, &["status"])?);
    apply(layout, settings, "servers")?;
    let is_server = |name: &str| !name.starts_with("gw") && name != "generator";
    wait::until_ready(saying(layout, clock, settled), is_server, layout, READY)?;
    if !wire::has_database(settings.pg_port, wire::USER)? {
        wire::execute(settings.pg_port, "postgres", &format!("CREATE DATABASE {}", wire::USER))?;
    }
    Ok(names_ready(&control::ask(layout, &["status"])?))
}

fn apply(layout: &Layout, settings: &Settings, half: &str) -> anyhow::Result<()> {
    let target = fs::canonicalize(".")?.join(&settings.target);
    let settings = Settings { target, ..settings.clone() }.to_lines();
    let words: Vec<&str> = ["apply", half].into_iter().chain(settings.lines()).collect();
    control::ask(layout, &words).map(drop)
}

/// Asks for reports, and says once of each process that it is ready.
fn saying(
    layout: &Layout,
    clock: Clock,
    mut known: HashSet<String>,
) -> impl FnMut() -> anyhow::Result<Vec<Report>> {
    move || {
        let reports = control::ask(layout, &["status"])?;
        for report in reports.iter().filter(|report| report.phase == Phase::Ready) {
            if known.insert(report.name.clone()) {
                let port = report.port.map_or_else(String::new, |port| format!(" on 127.0.0.1:{port}"));
                clock.say(&format!("{} ready{port}", report.name));
            }
        }
        Ok(reports)
    }
}

fn names_ready(reports: &[Report]) -> HashSet<String> {
    reports.iter().filter(|report| report.phase == Phase::Ready).map(|report| report.name.clone()).collect()
}
