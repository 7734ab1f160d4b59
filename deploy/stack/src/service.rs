//! What one supervised process is: how it is started, how we see that it is ready, how it is stopped.
//!
//! A description only, with no running state, so that two of them can be compared: `up` with other variables replaces
//! exactly the processes whose description changed and leaves the others alone.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::layout::Stamp;
use crate::probe::Probe;

/// A process that the supervisor keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Unique, and the name of its log: `kafka1`, `postgres`, `gw2`.
    pub name: String,
    /// The program and its arguments.
    pub program: PathBuf,
    /// Arguments after the program.
    pub args: Vec<OsString>,
    /// Added to the supervisor's own environment.
    pub env: Vec<(String, OsString)>,
    /// Working folder: its own one under the run folder, by which a stray is recognised later.
    pub dir: PathBuf,
    /// Whom it runs as, where that is not ourselves (PostgreSQL refuses root).
    pub user: Option<Owner>,
    /// The port that it listens on, and the Make variable that moves it. `None`: it only connects.
    pub port: Option<(u16, String)>,
    /// How it shows that it is ready.
    pub probe: Probe,
    /// What asks it to stop: `SIGTERM` but for PostgreSQL, where that would wait for its clients.
    pub stop: Signal,
    /// How long it may take to stop before `SIGKILL`.
    pub grace: Duration,
    /// When it is stopped, compared with the others.
    pub tier: Tier,
    /// What happens when it ends by itself.
    pub restart: Restart,
    /// The stamp of our own binary, or of a server's configuration file: a rebuilt or edited one is another description,
    /// so `up` replaces the process.
    pub made_of: Option<Stamp>,
}

/// The user and group that a process is switched to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// The order of stopping: a tier is asked to stop when the one before is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Our own processes: they flush and drain while their servers still answer.
    App,
    /// Kafka, PostgreSQL, Redis, HAProxy: all at once (three brokers stopped one by one wait for each other).
    Server,
}

/// What happens when a process ends that nobody stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Started again, with back-off.
    Always,
    /// Started again unless it ended with 0: a drained replica has said that it is done.
    OnFailure,
    /// Left as it is: a test wants to see it dead.
    Never,
}
