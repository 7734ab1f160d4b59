//! Builds the gateway and the generator while the servers start. The first time that is the whole wait, so it says every
//! few seconds that it goes on; cargo's own output goes to a log, of which a failure shows the end.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use stack::child;
use stack::layout::Layout;
use stack::settings::Settings;

use super::up::Clock;

/// How often a build that goes on says so.
const WORD_EVERY: Duration = Duration::from_secs(15);

pub(crate) struct Build {
    cargo: Child,
    layout: Layout,
    clock: Clock,
}

impl Build {
    pub(crate) fn start(layout: &Layout, settings: &Settings, clock: Clock) -> anyhow::Result<Self> {
        let log = fs::File::create(layout.log("build"))?;
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args([
            "build",
            "--locked",
            "-p",
            "gateway",
            "-p",
            "generator",
            "--bins",
            "--profile",
            &settings.profile,
        ]);
        cargo.arg("--target-dir").arg(&settings.target).stdout(log.try_clone()?).stderr(log);
        let cargo = child::tie_to_us(&mut cargo).spawn().context("starting cargo; is Rust installed?")?;
        Ok(Self { cargo, layout: layout.clone(), clock })
    }

    /// Waits for it; says after a while that it goes on.
    pub(crate) fn wait(mut self) -> anyhow::Result<()> {
        let mut word_at = Instant::now() + Duration::from_secs(1);
        loop {
            if let Some(status) = self.cargo.try_wait()? {
                if !status.success() {
                    bail!("the build failed ({status}):\n{}", self.layout.log_tail("build", 40).trim_end());
                }
                return Ok(());
            }
            if Instant::now() > word_at {
                let log = fs::read_to_string(self.layout.log("build")).unwrap_or_default();
                let crates = log.lines().filter(|line| line.trim_start().starts_with("Compiling")).count();
                let waits = log.lines().next_back().is_some_and(|line| line.contains("Blocking"));
                let state = if waits {
                    "waits for another cargo".to_owned()
                } else {
                    format!("{crates} crates begun")
                };
                self.clock.say(&format!(
                    "building the gateway and the generator: {state} (log: .run/log/build.log)"
                ));
                word_at = Instant::now() + WORD_EVERY;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Build {
    /// An `up` that fails elsewhere does not leave cargo working.
    fn drop(&mut self) {
        let _already_done = self.cargo.kill();
        let _status = self.cargo.wait();
    }
}
