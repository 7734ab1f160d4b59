//! `stack down` and `stack clean`: nothing of ours runs afterwards, and, for `clean`, nothing of it is kept.
//!
//! Only processes of this run folder are ended: the supervisor that holds its lock, its children, and what an earlier one
//! left over. Both may be said any number of times.

use std::fs;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use stack::layout::Layout;
use stack::{child, daemon};

use super::place::Place;
use super::say;

/// Replicas have 12 s and servers 10 s to stop; the supervisor itself is killed only well after that.
const SUPERVISOR_GONE: Duration = Duration::from_secs(40);

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let place = Place::open()?;
    let started = Instant::now();
    if let Some(pid) = place.supervisor {
        stop(&place.layout, pid)?;
    }
    let strays = daemon::sweep(&place.layout)?;
    if strays > 0 {
        say(&format!("ended {strays} processes that an earlier stack had left"));
    }
    match place.supervisor {
        Some(_) => say(&format!(
            "stopped in {:.1} s; the data is kept (`make clean` deletes it)",
            started.elapsed().as_secs_f64()
        )),
        None => say("nothing runs"),
    }
    Ok(ExitCode::SUCCESS)
}

fn stop(layout: &Layout, pid: u32) -> anyhow::Result<()> {
    child::signal(pid, Signal::SIGTERM);
    let deadline = Instant::now() + SUPERVISOR_GONE;
    while daemon::running(layout)? == Some(pid) {
        if Instant::now() > deadline {
            say(&format!("the supervisor (pid {pid}) did not stop: killed"));
            // The kernel ends its children with it.
            child::signal(pid, Signal::SIGKILL);
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// What a run folder may hold; anything else in it is somebody else's.
const OURS: [&str; 13] = [
    "log",
    "proc",
    "conf",
    "pg",
    "redis",
    "kafka1",
    "kafka2",
    "kafka3",
    "settings",
    "admin-token",
    "up.lock",
    "stack.sock",
    "stack.lock",
];

pub(crate) fn clean() -> anyhow::Result<ExitCode> {
    run()?;
    let layout = Place::open()?.layout;
    for name in OURS {
        layout.remove(name)?;
    }
    // Stays if somebody keeps something in it.
    let _not_empty = fs::remove_dir(layout.root());
    say(&format!(
        "deleted the data in {}; what was built stays (`cargo clean` deletes that)",
        layout.root().display()
    ));
    Ok(ExitCode::SUCCESS)
}
