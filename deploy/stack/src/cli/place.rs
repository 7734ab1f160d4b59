//! Which stack a command is about: the run folder (`RUN`, else `.run` in the current folder) and its settings.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::unistd::geteuid;
use stack::daemon;
use stack::layout::Layout;
use stack::servers::postgres;
use stack::settings::Settings;

/// The stack of the current folder.
pub(crate) struct Place {
    pub(crate) layout: Layout,
    /// The pid of its supervisor, if it is up.
    pub(crate) supervisor: Option<u32>,
}

impl Place {
    pub(crate) fn open() -> anyhow::Result<Self> {
        let given = std::env::var_os("RUN").filter(|run| !run.is_empty()).map(PathBuf::from);
        let run = match given {
            Some(run) => run,
            None => own_folder(Path::new(".run"))?,
        };
        let layout = Layout::create(&run).with_context(|| format!("making {}", run.display()))?;
        let supervisor = daemon::running(&layout)?;
        Ok(Self { layout, supervisor })
    }

    /// What the environment gives, what the running stack has, and the defaults, in this order.
    pub(crate) fn wanted(&self) -> anyhow::Result<Settings> {
        Settings::read(|name| std::env::var(name).ok(), self.settings_in_use().as_deref())
    }

    /// What the running stack has.
    pub(crate) fn running(&self) -> anyhow::Result<Settings> {
        let lines = self.settings_in_use().context("the stack is not up (`make up` starts it)")?;
        Settings::read(|_| None, Some(&lines))
    }

    pub(crate) fn settings_in_use(&self) -> Option<String> {
        self.supervisor?;
        fs::read_to_string(daemon::settings_file(&self.layout)).ok()
    }
}

/// `.run`; where root works in a folder that user `postgres` may not enter (such as `/root`), a link to one that it may.
fn own_folder(run: &Path) -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir()?;
    if !geteuid().is_root() || run.exists() || postgres::impassable(&here).is_none() {
        return Ok(run.to_owned());
    }
    let mut hasher = DefaultHasher::new();
    here.hash(&mut hasher);
    let elsewhere = PathBuf::from(format!("/var/lib/shelfwire/{:016x}", hasher.finish()));
    fs::create_dir_all(&elsewhere)?;
    if run.is_symlink() {
        fs::remove_file(run)?;
    }
    symlink(&elsewhere, run)?;
    Ok(elsewhere)
}
