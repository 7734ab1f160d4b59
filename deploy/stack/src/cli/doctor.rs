//! `stack doctor`, and what `up` looks at first: each obstacle in one line, with its cure. Missing programs are found
//! earlier, by `deploy/native/install.sh`, because this binary does not exist before they are there.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statvfs::statvfs;
use stack::settings::Settings;
use stack::{ports, proc};

use super::place::Place;
use super::say;

const MIB: u64 = 1024 * 1024;

/// Free memory: Kafka 400 MiB, PostgreSQL and the replicas as much again, and rustc above that the first time.
const MEMORY: Need = Need { least: 1_000 * MIB, good: 2_000 * MIB };
/// Free disk: the release build takes 1.5 GiB, the servers' first data half a GiB.
const DISK: Need = Need { least: 1_000 * MIB, good: 4_000 * MIB };
/// Open files: each viewer costs two in the load balancer.
const FILES: Need = Need { least: 1_024, good: 8_192 };

struct Need {
    least: u64,
    good: u64,
}

/// What was found about one thing.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Good(String),
    /// It will work, but …
    Doubtful(String),
    /// It will not.
    Obstacle(String),
}

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let place = Place::open()?;
    let findings = findings(&place, &place.wanted()?);
    for finding in &findings {
        match finding {
            Finding::Good(text) => say(&format!("  ok     {text}")),
            Finding::Doubtful(text) => say(&format!("  hm     {text}")),
            Finding::Obstacle(text) => say(&format!("  NO     {text}")),
        }
    }
    let obstacle = findings.iter().any(|finding| matches!(finding, Finding::Obstacle(_)));
    Ok(if obstacle { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Says what is doubtful, and ends with all obstacles if there are any.
pub(crate) fn preflight(place: &Place, settings: &Settings) -> anyhow::Result<()> {
    let mut obstacles = Vec::new();
    for finding in findings(place, settings) {
        match finding {
            Finding::Good(_) => {}
            Finding::Doubtful(text) => say(&format!("note: {text}")),
            Finding::Obstacle(text) => obstacles.push(text),
        }
    }
    if !obstacles.is_empty() {
        bail!("this is in the way:\n  {}", obstacles.join("\n  "));
    }
    Ok(())
}

fn findings(place: &Place, settings: &Settings) -> Vec<Finding> {
    let mut all = vec![memory(place), disk(place.layout.root()), disk(Path::new(".")), open_files()];
    all.extend(busy_ports(place, settings));
    all
}

fn judge(found: u64, need: &Need, text: &str, cure: &str) -> Finding {
    if found < need.least {
        Finding::Obstacle(format!("{text}: too little; {cure}"))
    } else if found < need.good {
        Finding::Doubtful(format!("{text}: tight; {cure}"))
    } else {
        Finding::Good(text.to_owned())
    }
}

fn memory(place: &Place) -> Finding {
    let free = available(&fs::read_to_string("/proc/meminfo").unwrap_or_default()).unwrap_or(u64::MAX);
    if place.supervisor.is_some() {
        return Finding::Good("memory: the stack has its share already".to_owned());
    }
    judge(free, &MEMORY, &format!("memory: {} MiB available", free / MIB), "close something, or add swap")
}

/// `MemAvailable`, in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

fn disk(folder: &Path) -> Finding {
    let Ok(found) = statvfs(folder) else {
        return Finding::Doubtful(format!("disk: {} can't be examined", folder.display()));
    };
    let free = found.blocks_available() * found.fragment_size();
    let text = format!("disk: {} MiB free in {}", free / MIB, folder.display());
    judge(free, &DISK, &text, "make room (`make clean` and `cargo clean` help)")
}

fn open_files() -> Finding {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((u64::MAX, u64::MAX));
    judge(
        hard,
        &FILES,
        &format!("open files: up to {hard}"),
        "raise the hard limit (ulimit -Hn) for many viewers",
    )
}

fn busy_ports(place: &Place, settings: &Settings) -> Vec<Finding> {
    let ours = proc::strays(place.layout.root());
    let wanted = settings.ports();
    let mut busy = Vec::new();
    for (port, variable) in &wanted {
        let holder = proc::holder(*port);
        if ports::is_free(*port) || holder.as_ref().is_some_and(|holder| ours.contains(holder)) {
            continue;
        }
        let who = holder.map_or_else(|| "another user's process".to_owned(), |holder| holder.to_string());
        let other = settings.elsewhere(variable, *port, ports::is_free);
        let cure = other
            .map_or_else(String::new, |other| format!(", or choose another: make up {variable}={other}"));
        busy.push(Finding::Obstacle(format!("port {port} is held by {who}; stop that{cure}")));
    }
    if busy.is_empty() {
        busy.push(Finding::Good(format!("ports: {} are free or ours", wanted.len())));
    }
    busy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_in_bytes() {
        assert_eq!(available("MemTotal:  9 kB\nMemAvailable:     2048 kB\n"), Some(2 * MIB));
        assert_eq!(available(""), None);
    }

    #[test]
    fn a_need_has_two_borders() {
        let need = Need { least: 10, good: 20 };
        assert_eq!(judge(20, &need, "x", "cure"), Finding::Good("x".to_owned()));
        assert_eq!(judge(19, &need, "x", "cure"), Finding::Doubtful("x: tight; cure".to_owned()));
        assert_eq!(judge(9, &need, "x", "cure"), Finding::Obstacle("x: too little; cure".to_owned()));
    }
}
