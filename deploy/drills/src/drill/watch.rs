//! Looks at groups and processes all the time: how far behind the lanes are, and what each process takes.
//!
//! A thread of its own, because the client of Kafka blocks, and because what is measured must not wait for faults.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::evidence::Usage;
use super::world::{LANES, Started, World, kafka};

const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Without an answer for so long other clients are tried: one may have forgotten its brokers.
const GIVE_UP: Duration = Duration::from_secs(10);
/// Lag while the brokers do not say.
const UNKNOWN: i64 = i64::MAX;

/// The thread, and what it saw last.
pub(crate) struct Watch {
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

struct Seen {
    lag: AtomicI64,
    /// How often the lag was looked at.
    looks: AtomicI64,
    processes: Started,
    usage: Mutex<HashMap<u32, Usage>>,
    stop: AtomicBool,
}

impl Watch {
    /// Looks at the lanes, and at every process that the world has started or will.
    pub(crate) fn start(world: &World) -> anyhow::Result<Self> {
        let brokers = world.stack.kafka();
        let seen = Arc::new(Seen {
            lag: AtomicI64::new(UNKNOWN),
            looks: AtomicI64::new(0),
            processes: Arc::clone(&world.started),
            usage: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let connect = move || -> anyhow::Result<Vec<_>> {
            LANES.iter().map(|(group, topic)| Ok((kafka::consumer(&brokers, group)?, *topic))).collect()
        };
        let mut consumers = connect()?;
        let mut answered = Instant::now();
        let shared = Arc::clone(&seen);
        let look = move || {
            while !shared.stop.load(Ordering::Relaxed) {
                let lags = consumers.iter().map(|(consumer, topic)| kafka::lag(consumer, topic));
                let lag = lags.sum::<anyhow::Result<i64>>().unwrap_or(UNKNOWN);
                if lag != UNKNOWN {
                    answered = Instant::now();
                } else if answered.elapsed() > GIVE_UP {
                    answered = Instant::now();
                    consumers = connect().unwrap_or(consumers);
                }
                shared.lag.store(lag, Ordering::Relaxed);
                shared.looks.fetch_add(1, Ordering::Relaxed);
                shared.look_at_processes(false);
                std::thread::sleep(LOOK_EVERY);
            }
        };
        let thread = Some(std::thread::Builder::new().name("watch".to_owned()).spawn(look)?);
        Ok(Self { seen, thread })
    }

    /// The lag of all lanes; none while the brokers do not say.
    pub(crate) fn lag(&self) -> Option<i64> {
        Some(self.seen.lag.load(Ordering::Relaxed)).filter(|lag| *lag != UNKNOWN)
    }

    /// Waits until the lag is at most `most`, looked at after now; returns how long it took.
    pub(crate) async fn until_lag(&self, most: i64, limit: Duration) -> anyhow::Result<Duration> {
        let (started, looks) = (Instant::now(), self.seen.looks.load(Ordering::Relaxed));
        loop {
            let fresh = self.seen.looks.load(Ordering::Relaxed) > looks + 1;
            if fresh && self.lag().is_some_and(|lag| lag <= most) {
                return Ok(started.elapsed());
            }
            anyhow::ensure!(started.elapsed() < limit, "the lag is {:?} after {limit:?}", self.lag());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The last look at processes, and all that was seen of them.
    pub(crate) fn end(mut self) -> Vec<Usage> {
        self.stop();
        self.seen.look_at_processes(true);
        lock(&self.seen.usage).values().cloned().collect()
    }

    fn stop(&mut self) {
        self.seen.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Seen {
    fn look_at_processes(&self, last: bool) {
        let processes = lock(&self.processes).clone();
        let mut all = lock(&self.usage);
        for (name, pid) in processes {
            let (Some(peak_bytes), Some(fds)) = (peak_bytes(pid), open_fds(pid)) else { continue };
            let usage = all.entry(pid).or_insert_with(|| Usage { name, pid, ..Usage::default() });
            usage.peak_bytes = peak_bytes;
            usage.last_fds = last.then_some(fds);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most memory that the process ever had.
fn peak_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

fn open_fds(pid: u32) -> Option<usize> {
    Some(std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}
