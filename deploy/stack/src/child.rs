//! Starting a process so that it cannot outlive us, and signalling it with everything below it.
//!
//! A child gets its own process group, no standard input, its log, an empty signal mask (ours is blocked, and a child
//! that inherited that could not be stopped) and the kernel's promise of `SIGKILL` when the **thread** that started it
//! ends: so children are only started by a thread that lives as long as they should.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::unistd::{Pid, getpid, getppid};

use crate::proc;
use crate::service::Service;

/// As many open files as we may have, for us and for whatever we start from now on.
pub fn raise_open_files() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _as_it_was = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Starts a service with its output going to `log`.
pub fn start(service: &Service, log: File) -> io::Result<Child> {
    let mut command = Command::new(&service.program);
    command.args(&service.args).envs(service.env.iter().map(|(name, value)| (name, value)));
    command.current_dir(&service.dir).stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
    command.process_group(0);
    if let Some(owner) = service.user {
        command.uid(owner.uid).gid(owner.gid);
    }
    tie_to_us(&mut command).spawn()
}

/// Makes a command die with the thread that starts it, and start with an empty signal mask.
#[expect(
    unsafe_code,
    reason = "PDEATHSIG and the signal mask can only be set between fork and exec; the closure calls nothing but \
              async-signal-safe system calls and allocates nothing"
)]
pub fn tie_to_us(command: &mut Command) -> &mut Command {
    let parent = getpid();
    // SAFETY: only sigprocmask, prctl and getppid run between fork and exec, and an error is a bare number.
    unsafe {
        command.pre_exec(move || {
            sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
            set_pdeathsig(Signal::SIGKILL)?;
            // The parent may have died before prctl: then nobody would ever send the signal.
            if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
        })
    }
}

/// Sends a signal to the process alone.
pub fn signal(pid: u32, signal: Signal) {
    let _gone = kill(as_pid(pid), signal);
}

/// Sends a signal to the process and to all its descendants (PostgreSQL's backends have groups of their own).
pub fn signal_tree(pid: u32, signal: Signal) {
    let below = proc::descendants(pid);
    let _gone = kill(as_pid(pid), signal);
    for child in below {
        let _gone = kill(as_pid(child), signal);
    }
}

fn as_pid(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX))
}
