//! Runs the script of a document as a reader would: in one shell, from the top of the repository (or from an empty
//! folder, when the document begins with a clone), stopping at the first command that fails.
//!
//! All documents of one reader share a private stack: its ports and its run folder are moved by the same variables that
//! Make knows, and the programs are those that the tests were built with. A document that does not start the stack itself finds it running. When
//! the reader is dropped the stack is stopped and its data is gone, whatever happened before.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::document::Document;

/// Defaults of `make up`, as documents tell them, with the variable that moves each and how many follow.
const PORTS: [(&str, u16, u16); 6] = [
    ("PORT", 8080, 1),
    ("GATEWAY_PORT", 8081, 6),
    ("STATS_PORT", 8404, 1),
    ("REDIS_PORT", 29_379, 1),
    ("PG_PORT", 29_432, 1),
    // the brokers, and their controllers ten above
    ("KAFKA_PORT", 29_092, 13),
];

/// Longest time that one document may take, seconds: a first build is in it.
const LIMIT_S: u32 = 1800;

/// Where documents are run.
pub struct Reader {
    root: PathBuf,
    folder: PathBuf,
    env: Vec<(&'static str, String)>,
    moved: Vec<(u16, u16)>,
    uses_stack: bool,
}

impl Reader {
    /// A reader of the repository at `root`, with free ports.
    ///
    /// # Errors
    /// The temporary folder can't be made, or no ports are free.
    pub fn new(root: &Path) -> anyhow::Result<Self> {
        let root = root.canonicalize().context("the repository's folder")?;
        let folder = std::env::temp_dir().join(format!("shelfwire-reader-{}", std::process::id()));
        fs::create_dir_all(folder.join("tmp"))?;
        fs::write(folder.join("reader.sh"), include_str!("reader.sh"))?;
        let mut next = free_ports(PORTS.iter().map(|(_, _, count)| count).sum())?;
        let mut env = vec![
            ("PROFILE", "dev".to_owned()),
            // `make up` takes the programs that were built with the tests
            ("CARGO", "true".to_owned()),
            ("RUN", folder.join("run").display().to_string()),
            ("TMPDIR", folder.join("tmp").display().to_string()),
            ("SHELFWIRE_ROOT", root.display().to_string()),
        ];
        let mut moved = Vec::new();
        for (variable, default, count) in PORTS {
            env.push((variable, next.to_string()));
            if variable == "PORT" {
                env.push(("SHELFWIRE_URL", format!("http://localhost:{next}")));
            }
            moved.extend((0..count).map(|n| (default + n, next + n)));
            next += count;
        }
        Ok(Self { root, folder, env, moved, uses_stack: false })
    }

    /// Ports that stand in documents, and those of this reader's stack.
    pub fn moved(&self) -> &[(u16, u16)] {
        &self.moved
    }

    /// Runs `document`; its output is ours.
    ///
    /// # Errors
    /// A command failed; the shell has told which.
    pub fn run(&mut self, name: &str, document: &Document) -> anyhow::Result<()> {
        if document.blocks == 0 {
            return Ok(());
        }
        let script = self.folder.join("scripts").join(name);
        fs::create_dir_all(script.parent().context("a script has a folder")?)?;
        fs::write(&script, &document.script)?;
        let at = if document.clones { self.folder.join("tmp") } else { self.root.clone() };
        self.uses_stack |= document.starts_stack;
        let ran = self
            .command("timeout", &at)
            .args(["--kill-after=10", &LIMIT_S.to_string(), "bash", "-euo", "pipefail"])
            .arg(&script)
            .env("BASH_ENV", self.folder.join("reader.sh"))
            .status()?;
        ensure!(ran.code() != Some(124), "{name}: not done after {LIMIT_S} s");
        ensure!(ran.success(), "{name}: a command failed ({ran})");
        Ok(())
    }

    /// Has the stack running, for a document that takes it for granted.
    ///
    /// # Errors
    /// `make up` failed.
    pub fn start_stack(&mut self) -> anyhow::Result<()> {
        self.uses_stack = true;
        let up = self.command("make", &self.root).arg("up").status()?;
        ensure!(up.success(), "make up failed ({up})");
        Ok(())
    }

    fn command(&self, program: &str, at: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(at)
            .stdin(Stdio::null())
            .envs(self.env.iter().map(|(name, value)| (*name, value)));
        // we may be part of a `make` ourselves: its options are not the reader's
        for inherited in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"] {
            command.env_remove(inherited);
        }
        command
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.uses_stack
            && let Err(error) = self.command("make", &self.root).arg("down").status()
        {
            eprintln!("the stack in {} could not be stopped: {error}", self.folder.display());
        }
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left behind: {error}", self.folder.display());
        }
    }
}

/// The first of `count` ports in a row that are free now, below the ephemeral range and beside our defaults.
fn free_ports(count: u16) -> anyhow::Result<u16> {
    let start = u16::try_from(std::process::id() % 200).unwrap_or_default();
    let blocks = (0..200).map(|n| 20_000 + (start + n) % 200 * 40);
    let mut free = blocks.filter(|first| (*first..first + count).all(stack::ports::is_free));
    free.next().with_context(|| format!("no {count} free ports in a row from 20000 to 28000"))
}
