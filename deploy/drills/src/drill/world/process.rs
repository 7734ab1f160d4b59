//! One of our programs as a child: started, signalled, and its end written down.
//!
//! A child dies with the thread that started it, so all are started by the thread that runs the drill.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::Signal;
use stack::child;

use crate::drill::evidence::Ended;

/// What a program promises: after SIGTERM it has ended within this.
pub(crate) const GRACE: Duration = Duration::from_secs(10);
/// How long one that breaks the promise is watched further before it is killed.
const PATIENCE: Duration = Duration::from_secs(70);

/// A running child; killed when dropped.
pub(crate) struct Process {
    pub(crate) name: String,
    child: Child,
}

impl Process {
    /// Starts `command` with both outputs appended to `NAME.log` in `folder`.
    pub(crate) fn start(folder: &Path, name: &str, mut command: Command) -> anyhow::Result<Self> {
        let log = File::options().create(true).append(true).open(folder.join(format!("{name}.log")))?;
        for (variable, _) in std::env::vars().filter(|(variable, _)| variable.starts_with("SHELFWIRE_")) {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = child::tie_to_us(&mut command).spawn();
        let child = child.with_context(|| format!("starting {}", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), child })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        child::signal(self.child.id(), signal);
    }

    /// SIGKILL; returns when it is gone, and how it had ended if it had before.
    pub(crate) fn kill(mut self) -> Option<Ended> {
        let before = self.ended_by_itself();
        self.end();
        before
    }

    fn end(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// How it ended, if it did without being asked.
    pub(crate) fn ended_by_itself(&mut self) -> Option<Ended> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(Ended { name: self.name.clone(), asked: false, code: status.code(), took: Duration::ZERO })
    }

    /// SIGTERM; waits for its end, which it owes us within [`GRACE`].
    pub(crate) async fn stop(mut self) -> Ended {
        let asked = Instant::now();
        self.signal(Signal::SIGTERM);
        let mut code = None;
        while asked.elapsed() < PATIENCE {
            if let Ok(Some(status)) = self.child.try_wait() {
                code = status.code();
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let took = asked.elapsed();
        self.end();
        Ended { name: self.name.clone(), asked: true, code, took }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// One of our programs: in `folder`, or beside this one.
pub(crate) fn program(folder: Option<&Path>, name: &str) -> anyhow::Result<PathBuf> {
    let path = match folder {
        Some(folder) => folder.join(name),
        None => std::env::current_exe()?.with_file_name(name),
    };
    anyhow::ensure!(path.exists(), "{} is missing: cargo build -p generator -p gateway", path.display());
    Ok(path)
}
