//! Waiting for what a command leads to, by asking for reports again and again until they say so.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::{Phase, Report};
use crate::layout::Layout;

/// How often a wait looks again.
const LOOK: Duration = Duration::from_millis(10);

/// Unwanted ends after which a process that does not become ready is given up by who waits.
const HOPELESS: u32 = 3;

/// Waits until all the processes that `whose` names are ready. One that will not be is an error with the end of its log.
pub fn until_ready(
    status: impl FnMut() -> anyhow::Result<Vec<Report>>,
    whose: impl Fn(&str) -> bool,
    layout: &Layout,
    limit: Duration,
) -> anyhow::Result<()> {
    until(status, whose, limit, "ready", |report| match report.phase {
        Phase::Ready => Ok(true),
        Phase::Starting | Phase::Stopping => Ok(false),
        Phase::Waiting if report.restarts < HOPELESS => Ok(false),
        Phase::Waiting | Phase::Down => {
            let (name, note) = (&report.name, &report.note);
            bail!("{name} did not start: {note}\n{}", layout.log_tail(name, 8).trim_end())
        }
    })
}

/// Waits until all the processes that `whose` names are down.
pub fn until_down(
    status: impl FnMut() -> anyhow::Result<Vec<Report>>,
    whose: impl Fn(&str) -> bool,
    limit: Duration,
) -> anyhow::Result<()> {
    until(status, whose, limit, "down", |report| Ok(report.phase == Phase::Down))
}

fn until(
    mut status: impl FnMut() -> anyhow::Result<Vec<Report>>,
    whose: impl Fn(&str) -> bool,
    limit: Duration,
    goal: &str,
    reached: impl Fn(&Report) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        let mut missing = Vec::new();
        for report in status()?.iter().filter(|report| whose(&report.name)) {
            if !reached(report)? {
                missing.push(format!("{} ({})", report.name, report.phase));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("not {goal} after {} s: {}", limit.as_secs(), missing.join(", "));
        }
        thread::sleep(LOOK);
    }
}
