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
        cargo.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "80");
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
                    bail!("the build failed ({status}):\n{}", said(&self.log(), 40));
                }
                return Ok(());
            }
            if Instant::now() > word_at {
                let state = state(&self.log());
                let log = self.layout.log("build");
                self.clock.say(&format!("building gateway and generator: {state} (log: {})", log.display()));
                word_at = Instant::now() + WORD_EVERY;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.layout.log("build")).unwrap_or_default()
    }
}

/// How far cargo is, from the bar that it draws: `Building [==>  ] 12/340: serde, libc`.
fn state(log: &str) -> String {
    let last = log.split(['\r', '\n']).rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    if last.contains("Blocking") {
        return "waits for another cargo".to_owned();
    }
    let bar = log.rsplit_once("] ").and_then(|(_, rest)| rest.split(':').next());
    bar.and_then(|bar| bar.split_once('/'))
        .map_or_else(|| "begins".to_owned(), |(done, all)| format!("{done} of {all} steps"))
}

/// The last lines that are not the bar.
fn said(log: &str, lines: usize) -> String {
    let all: Vec<&str> =
        log.split(['\r', '\n']).filter(|line| !line.trim_start().starts_with("Building [")).collect();
    let skipped = all.len().saturating_sub(lines);
    all.iter().skip(skipped).map(|line| line.trim_end()).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

impl Drop for Build {
    /// An `up` that fails elsewhere does not leave cargo working.
    fn drop(&mut self) {
        let _already_done = self.cargo.kill();
        let _status = self.cargo.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "   Compiling a v1\n    Building [=>   ] 1/10: a, b(build.rs)     \r   Compiling b v1\n\
        \u{20}   Building [==>  ] 2/10: b     \r";

    #[test]
    fn the_state_is_what_the_bar_said_last() {
        assert_eq!(state(LOG), "2 of 10 steps");
        assert_eq!(
            state(&format!("{LOG}    Blocking waiting for file lock on build directory\n")),
            "waits for another cargo"
        );
        assert_eq!(state(""), "begins");
    }

    #[test]
    fn a_failure_is_told_without_the_bar() {
        assert_eq!(
            said(&format!("{LOG}error: no\n"), 3),
            "   Compiling b v1\n\nerror: no".replace("\n\n", "\n")
        );
    }
}
