//! Our programs: built where they are missing, ended when they are not needed any more.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

/// How long a gateway may take to stop.
const STOP: Duration = Duration::from_secs(10);

/// The generator beside the gateway, built with the same profile. Cargo only builds the programs of this crate for it.
pub(crate) fn build_generator() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_gateway")).parent().context("a program lies in a folder")?;
    let status = Command::new(env!("CARGO"))
        .args(["build", "--profile", if folder.ends_with("debug") { "dev" } else { "release" }])
        .args(["--locked", "--quiet", "-p", "generator", "--target-dir"])
        .arg(folder.parent().context("a profile lies in the target folder")?)
        .status()
        .context("running cargo")?;
    ensure!(status.success(), "building the generator failed");
    Ok(folder.join("generator"))
}

/// A child that is killed when it is dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Starts `command`.
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        Ok(Self(command.spawn().with_context(|| format!("starting {command:?}"))?))
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Fails when it has ended by itself.
    pub(crate) fn ensure_alive(&mut self) -> anyhow::Result<()> {
        let ended = self.0.try_wait()?;
        ensure!(ended.is_none(), "the process ended: {ended:?}");
        Ok(())
    }

    /// Asks it to stop, and waits.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let terminated = Command::new("kill").arg(self.pid().to_string()).status()?;
        ensure!(terminated.success(), "the process is gone already");
        let deadline = Instant::now() + STOP;
        while self.0.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "the process did not stop within {STOP:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}
