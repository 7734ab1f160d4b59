//! The part of drills that only a build with the feature `drill` has.
//!
//! What is planted is the process's own state, set once at the start: call sites stay one line long.

use std::env::{self, VarError};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Bug, Step};

const POINTS: &str = "FAILPOINTS";
const PLANTED: &str = "SHELFWIRE_PLANTED";
/// Of so many frames one is dropped.
const DROPPED_OF: u64 = 50;

static BUG: OnceLock<Bug> = OnceLock::new();
static PUT: AtomicU64 = AtomicU64::new(0);

impl Step {
    const ALL: [Self; 9] = [
        Self::ApplyBeforeCommit,
        Self::CommitToRelay,
        Self::RelayToOffsets,
        Self::FoldBeforeCommit,
        Self::FoldToRelay,
        Self::FoldToOffsets,
        Self::Revoke,
        Self::DeadLetter,
        Self::Drain,
    ];
}

impl Bug {
    const ALL: [Self; 8] = [
        Self::CommitBeforeWrite,
        Self::NoVersionGuard,
        Self::SkipRelayOnReplay,
        Self::CommitHighestFinished,
        Self::ForgetRevoke,
        Self::RatingsWithoutProgress,
        Self::ResumeOffByOne,
        Self::DropFromOutbox,
    ];
}

/// Reads from the environment what is to happen.
///
/// # Errors
/// A line that names what is not known.
pub fn start() -> Result<(), String> {
    let points = variable(POINTS)?;
    for point in points.split(';').map(str::trim).filter(|point| !point.is_empty()) {
        let (name, actions) = point.split_once('=').unwrap_or((point, ""));
        let steps = Step::ALL.map(snake);
        if !steps.iter().any(|step| step == name) {
            return Err(format!("{POINTS}: {name} is no step; there are {}", steps.join(", ")));
        }
        fail::cfg(name, actions).map_err(|error| format!("{POINTS}: {name}: {error}"))?;
    }
    let planted = variable(PLANTED)?;
    if !planted.is_empty() {
        let bugs = Bug::ALL.map(snake);
        let bug = Bug::ALL.into_iter().find(|bug| snake(*bug) == planted);
        let bug =
            bug.ok_or_else(|| format!("{PLANTED}: {planted} is no bug; there are {}", bugs.join(", ")))?;
        let _already = BUG.set(bug);
        tracing::warn!(bug = planted, "a bug is planted: this replica breaks a promise");
    }
    Ok(())
}

/// The process passes `step`, or ends there.
pub fn passes(step: Step) {
    fail::fail_point!(&snake(step), |_| die(step));
}

/// Whether `bug` is planted here and now.
pub fn planted(bug: Bug) -> bool {
    BUG.get() == Some(&bug)
        && (bug != Bug::DropFromOutbox || PUT.fetch_add(1, Ordering::Relaxed) % DROPPED_OF == DROPPED_OF - 1)
}

/// As when the machine dies: nothing is flushed and nobody is told. Only the drill is, in one write past all buffers: it
/// has to know that this step was reached.
fn die(step: Step) {
    let line = format!("drill: process {} ends at {}\n", std::process::id(), snake(step));
    let _nobody_reads = std::io::stderr().write_all(line.as_bytes());
    loop {
        // it does not come back from this
        let _ = kill(Pid::this(), Signal::SIGKILL);
    }
}

fn variable(name: &str) -> Result<String, String> {
    match env::var(name) {
        Ok(value) => Ok(value),
        Err(VarError::NotPresent) => Ok(String::new()),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// `ApplyBeforeCommit` as `apply_before_commit`.
fn snake(name: impl std::fmt::Debug) -> String {
    let mut snake = String::new();
    for letter in format!("{name:?}").chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
