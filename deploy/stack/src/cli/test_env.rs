//! `stack test-env`: one private stack around one command, whose exit status becomes ours.
//!
//! Ctrl-C and `SIGTERM` are passed on to the command, and the servers are taken down after it; if this process is killed
//! outright, the kernel ends them and the command.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail};
use nix::sys::signal::{SigSet, Signal};
use stack::{Options, Private, Shared, child};

pub(crate) fn run(words: &[&str]) -> anyhow::Result<ExitCode> {
    let (brokers, command) = match words {
        ["--brokers", count, "--", command @ ..] => {
            (count.parse().context("--brokers takes a number")?, command)
        }
        ["--", command @ ..] => (1, command),
        _ => bail!("usage: stack test-env [--brokers N] -- COMMAND…"),
    };
    let [program, args @ ..] = command else { bail!("test-env needs a command after --") };

    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    signals.thread_block()?;
    let started = Instant::now();
    let stack = Private::start(Options { brokers, ..Options::default() })?;
    let shared = Shared::of(&stack);
    eprintln!("private Kafka, PostgreSQL and Redis ready in {:.1} s", started.elapsed().as_secs_f64());

    let mut child = Command::new(program);
    child.args(args).envs(shared.variables());
    let mut child = child::tie_to_us(&mut child).spawn().with_context(|| format!("starting {program}"))?;
    let pid = child.id();
    thread::spawn(move || {
        while let Ok(signal) = signals.wait() {
            child::signal(pid, signal);
        }
    });
    let status = child.wait()?;
    drop(stack);
    Ok(ExitCode::from(code_of(status)))
}

/// A shell's convention: 128 and the signal for a command that was ended by one.
fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}
