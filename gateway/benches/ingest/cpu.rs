//! Processor time of whole process trees, from `/proc/PID/stat`.

use std::fs;

/// The kernel's clock ticks a second; it has been 100 on Linux for decades, whatever the kernel's own timer does.
const TICKS_PER_S: f64 = 100.0;

/// Processor seconds of those who work while a topic drains.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cpu {
    /// The gateway, or this program where it stands in for it.
    pub(crate) program: f64,
    pub(crate) postgres: f64,
    pub(crate) kafka: f64,
    pub(crate) redis: f64,
}

impl Cpu {
    /// What they used so far, with the gateway's process id.
    pub(crate) fn with_gateway(pid: u32) -> Self {
        Self::with(tree(pid))
    }

    /// What they used so far, with this process in the gateway's place.
    pub(crate) fn with_ourselves() -> Self {
        Self::with(times(std::process::id()).iter().take(2).sum())
    }

    /// Servers are children of this process and found by name.
    fn with(program: f64) -> Self {
        let server = |name| child_named(name).map_or(0.0, tree);
        Self { program, postgres: server("postgres"), kafka: server("java"), redis: server("redis-server") }
    }

    /// What they used since `earlier`, for a million changes when it was `changes`.
    pub(crate) fn per_million_since(self, earlier: Self, changes: f64) -> Self {
        let per_million = |now: f64, before: f64| (now - before) / changes * 1e6;
        Self {
            program: per_million(self.program, earlier.program),
            postgres: per_million(self.postgres, earlier.postgres),
            kafka: per_million(self.kafka, earlier.kafka),
            redis: per_million(self.redis, earlier.redis),
        }
    }
}

fn child_named(name: &str) -> Option<u32> {
    let of_this_name = |pid: &u32| {
        let comm = fs::read_to_string(format!("/proc/{pid}/comm"));
        comm.is_ok_and(|comm| comm.trim() == name)
    };
    // the servers are direct children: a backend of PostgreSQL comes before its parent in this list
    stack::proc::descendants(std::process::id()).into_iter().filter(of_this_name).min()
}

/// Seconds of the process, of all that descend from it, and of its children that have ended.
pub(crate) fn tree(pid: u32) -> f64 {
    let [own_user, own_system, ended_user, ended_system] = times(pid);
    let below: f64 =
        stack::proc::descendants(pid).into_iter().map(|pid| times(pid).iter().take(2).sum::<f64>()).sum();
    own_user + own_system + ended_user + ended_system + below
}

/// `utime stime cutime cstime` in seconds; zeros for a process that is not there.
fn times(pid: u32) -> [f64; 4] {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // fields are counted behind the name, which may hold blanks: the state is number 3, utime number 14
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut ticks = fields.split_whitespace().skip(11).map(|field| field.parse::<f64>().unwrap_or(0.0));
    std::array::from_fn(|_| ticks.next().unwrap_or(0.0) / TICKS_PER_S)
}
