//! The asking side: sends commands to a supervisor that runs in this process, and waits for what they lead to.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};

use super::{Command, Phase, Report, Request};
use crate::layout::Layout;

/// How often a wait looks again.
const LOOK: Duration = Duration::from_millis(10);

/// Unwanted ends after which a process that does not become ready is given up by who waits.
const HOPELESS: u32 = 3;

/// Sends commands to a supervisor.
#[derive(Clone, Debug)]
pub struct Handle {
    requests: Sender<Request>,
}

impl Handle {
    /// A handle, and the other end for [`super::run`].
    pub fn new() -> (Self, Receiver<Request>) {
        let (requests, receiver) = mpsc::channel();
        (Self { requests }, receiver)
    }

    /// Carries out a command; the answer is the state of all processes right after it.
    pub fn ask(&self, command: Command) -> anyhow::Result<Vec<Report>> {
        let (reply, answer) = mpsc::channel();
        self.requests.send(Request { command, reply }).ok().context("the supervisor is gone")?;
        answer.recv().context("the supervisor is gone")?.map_err(|refusal| anyhow!(refusal))
    }

    /// Waits until the named processes (all, if none is named) are ready.
    pub fn wait_ready(&self, names: &[&str], layout: &Layout, limit: Duration) -> anyhow::Result<()> {
        self.wait(names, limit, "ready", |report| match report.phase {
            Phase::Ready => Ok(true),
            Phase::Starting | Phase::Stopping => Ok(false),
            Phase::Waiting if report.restarts < HOPELESS => Ok(false),
            Phase::Waiting | Phase::Down => {
                let (name, note) = (&report.name, &report.note);
                bail!("{name} did not start: {note}\n{}", layout.log_tail(name, 8))
            }
        })
    }

    /// Waits until the named processes are down.
    pub fn wait_down(&self, names: &[&str], limit: Duration) -> anyhow::Result<()> {
        self.wait(names, limit, "down", |report| Ok(report.phase == Phase::Down))
    }

    fn wait(
        &self,
        names: &[&str],
        limit: Duration,
        goal: &str,
        reached: impl Fn(&Report) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let mut missing = Vec::new();
            for report in self.ask(Command::Status)? {
                let asked = names.is_empty() || names.contains(&report.name.as_str());
                if asked && !reached(&report)? {
                    missing.push(format!("{} ({:?})", report.name, report.phase));
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
}
