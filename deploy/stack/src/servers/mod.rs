//! Which servers there are, and how each is made ready to run: one file a server.
//!
//! Each has a `prepare`, which makes its data and configuration once (a second call changes nothing), and a `service`,
//! which describes the process. Preparing may take seconds (a JVM, `initdb`) and happens outside the supervisor.

pub mod apps;
pub mod haproxy;
pub mod kafka;
pub mod postgres;
pub mod redis;

use std::path::PathBuf;
use std::time::Duration;

/// How long a server may take to stop before it is killed. Three brokers asked at once need 7 s.
const GRACE: Duration = Duration::from_secs(10);

/// Where a program lies: in `PATH`, or in one of the folders that services are often kept in.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
}

fn found(name: &str) -> anyhow::Result<PathBuf> {
    program(name)
        .ok_or_else(|| anyhow::anyhow!("{name} is not installed; `make doctor` names what to install"))
}
