//! The clock of one replica, moved while it runs: a small library (`clock.c`) stands between the program and the system, and
//! reads from a file how far off the clock is. (libfaketime moves what the client library of Kafka waits for, too, which then
//! sleeps for an hour; clocks of real machines do not do that when they go forward.)
//!
//! What measures time that passes is left alone, as it is when somebody sets a clock.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::World;
use super::process::program;

impl World {
    /// Starts a replica whose clock [`Self::set_clock`] moves; it is right at first.
    pub(crate) async fn gateway_with_clock(&mut self, name: &str) -> anyhow::Result<()> {
        self.set_clock(name, 0)?;
        let mut command = Command::new(program(self.programs.folder.as_deref(), "gateway")?);
        command.env("LD_PRELOAD", library(&self.folder)?).env("DRILL_CLOCK", file(&self.folder, name));
        self.start_gateway(name, command).await
    }

    /// So many seconds off from now on, whole hours.
    pub(crate) fn set_clock(&self, name: &str, seconds: i64) -> anyhow::Result<()> {
        // never cut off: the library has mapped it
        let file = File::options().create(true).truncate(false).write(true).open(file(&self.folder, name));
        Ok(file?.write_all(&seconds.to_ne_bytes())?)
    }
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.clock"))
}

fn library(folder: &Path) -> anyhow::Result<PathBuf> {
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    std::fs::write(&source, include_str!("clock.c"))?;
    let made = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).status();
    anyhow::ensure!(made.context("the C compiler")?.success(), "{} can't be compiled", source.display());
    Ok(library)
}
