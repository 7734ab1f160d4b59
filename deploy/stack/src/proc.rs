//! What `/proc` knows: who listens on a port, who descends from whom, and which processes were left over.
//!
//! Everything here reads text files of the kernel, so the parsing is pure and tested at the bottom. A process that ends
//! while it is looked at is simply not there.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Programs that the stack starts. A shell or an editor that somebody opened in one of our folders is none of them.
const OURS: [&str; 6] = ["redis-server", "postgres", "java", "haproxy", "gateway", "generator"];

/// A process as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// The program's short name.
    pub name: String,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

/// All processes below `pid`, children first.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in pids() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if let Some(parent) = parent_in(&stat) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![pid];
    while let Some(parent) = next.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            found.push(child);
            next.push(child);
        }
    }
    found
}

/// Whether one of the process's own sockets listens on this port.
pub fn listens(pid: u32, port: u16) -> bool {
    listening(port).iter().any(|inode| sockets(pid).contains(inode))
}

/// The process that holds a port, where we may see it (another user's process has no readable descriptors).
pub fn holder(port: u16) -> Option<Process> {
    let inodes = listening(port);
    let pid = pids().into_iter().find(|pid| sockets(*pid).iter().any(|inode| inodes.contains(inode)))?;
    Some(Process { pid, name: name(pid) })
}

/// Whether anybody at all listens on a port.
pub fn is_listening(port: u16) -> bool {
    !listening(port).is_empty()
}

/// Processes of an earlier supervisor of this run folder: our programs whose working folder lies in it.
pub fn strays(run: &Path) -> Vec<Process> {
    // PostgreSQL and Redis go to their data by themselves.
    ["proc", "pg", "redis"].iter().flat_map(|home| working_in(&run.join(home))).collect()
}

/// What a service of this run folder left behind in its own one. Nothing, where it works elsewhere: there are others.
pub fn remains(run: &Path, dir: &Path) -> Vec<Process> {
    if dir.starts_with(run) && dir != run { working_in(dir) } else { Vec::new() }
}

/// Our programs whose working folder is this one, or lies in it.
fn working_in(folder: &Path) -> Vec<Process> {
    let works_there = |pid: &u32| {
        let dir = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_else(|_| PathBuf::from("/"));
        dir.starts_with(folder) && OURS.contains(&name(*pid).as_str())
    };
    pids().into_iter().filter(works_there).map(|pid| Process { pid, name: name(pid) }).collect()
}

fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// Socket inodes among a process's open files.
fn sockets(pid: u32) -> Vec<u64> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let links = files.filter_map(|file| fs::read_link(file.path()).ok());
    links
        .filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok())
        .collect()
}

/// Inodes of the sockets that listen on a port, of both address families (Java's are always IPv6).
fn listening(port: u16) -> Vec<u64> {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    tables.iter().flat_map(|table| listening_in(table, port)).collect()
}

fn listening_in(table: &str, port: u16) -> Vec<u64> {
    const LISTEN: &str = "0A";
    let wanted = format!("{port:04X}");
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = fields.as_slice() else { return None };
        let (_, port) = local.rsplit_once(':')?;
        (*state == LISTEN && port == wanted).then(|| inode.parse().ok())?
    };
    table.lines().skip(1).filter_map(row).collect()
}

/// The parent in a `/proc/PID/stat` line; the name before it may hold blanks and brackets.
fn parent_in(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_listening_port_is_found_with_its_owner() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(listens(std::process::id(), port));
        assert_eq!(holder(port).unwrap().pid, std::process::id());
        drop(listener);
        assert!(!is_listening(port));
    }

    #[test]
    fn only_listening_rows_of_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n\
            1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n\
            2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1\n";
        assert_eq!(listening_in(table, 8080), [4711]);
        assert_eq!(listening_in("", 8080), [0_u64; 0]);
    }

    #[test]
    fn a_parent_is_read_past_a_strange_name() {
        assert_eq!(parent_in("12 (a) b) c) S 7 12 12"), Some(7));
        assert_eq!(parent_in("12 (cut"), None);
    }

    #[test]
    fn a_grandchild_is_a_descendant() {
        let mut shell = std::process::Command::new("sh").args(["-c", "sleep 20 & wait"]).spawn().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while descendants(shell.id()).is_empty() && std::time::Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(descendants(shell.id()).len(), 1);
        crate::child::signal_tree(shell.id(), nix::sys::signal::Signal::SIGKILL);
        shell.wait().unwrap();
    }
}
