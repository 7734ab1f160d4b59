//! Settings of what viewers get: how much may wait for them, and how long.

use std::time::Duration;

use clap::{Args, value_parser};

/// What one viewer, and all of them, may cost.
#[derive(Debug, Clone, Args)]
pub struct ViewerSettings {
    /// Most viewers of this replica; the next one is told to come back later. Each takes two file descriptors (mind
    /// `ulimit -n`), some 20 KB, up to --outbox-bytes while it is slow, and up to 1 MB if it came back after so long that
    /// the ring no longer had what it missed.
    #[arg(long, env = "SHELFWIRE_MAX_VIEWERS", default_value_t = 4000, value_parser = value_parser!(u32).range(0..=1_000_000), help_heading = "Viewers")]
    pub max_viewers: u32,
    /// Milliseconds between two heartbeats of a connection, 100 to 60000. 15 s is below the idle time-outs of common
    /// proxies (30 s and more); a client may count a connection dead after two and a half of them.
    #[arg(long, env = "SHELFWIRE_HEARTBEAT_MS", default_value_t = 15_000, value_parser = value_parser!(u64).range(100..=60_000), help_heading = "Viewers")]
    pub heartbeat_ms: u64,
    /// Bytes that may wait for one viewer, 131072 (room for one relay entry) or more; a slower one is closed and
    /// resumes at its cursor.
    #[arg(long, env = "SHELFWIRE_OUTBOX_BYTES", default_value_t = 1_048_576, value_parser = value_parser!(u64).range(131_072..), help_heading = "Viewers")]
    pub outbox_bytes: u64,
    /// Milliseconds after which a viewer that takes nothing though something waits is closed, 1000 or more.
    #[arg(long, env = "SHELFWIRE_STALL_MS", default_value_t = 30_000, value_parser = value_parser!(u64).range(1000..), help_heading = "Viewers")]
    pub stall_ms: u64,
    /// Bytes of recent relay entries kept in memory, 1024 or more: viewers that come back within what fits are resumed
    /// without asking Redis.
    #[arg(long, env = "SHELFWIRE_RING_BYTES", default_value_t = 67_108_864, value_parser = value_parser!(u64).range(1024..), help_heading = "Viewers")]
    pub ring_bytes: u64,
    /// Milliseconds between two pages (500 products) of the comparison of the view with the database, a guard against
    /// our own bugs; 0 turns it off.
    #[arg(long, env = "SHELFWIRE_REPAIR_PAGE_MS", default_value_t = 1_000, help_heading = "Viewers")]
    pub repair_page_ms: u64,
}

impl ViewerSettings {
    /// Time between two heartbeats.
    pub const fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.heartbeat_ms)
    }

    /// Time after which a viewer that takes nothing is closed.
    pub const fn stall(&self) -> Duration {
        Duration::from_millis(self.stall_ms)
    }

    /// Bytes that may wait for one viewer.
    pub fn outbox_bytes(&self) -> usize {
        usize::try_from(self.outbox_bytes).unwrap_or(usize::MAX)
    }

    /// Bytes of recent relay entries.
    pub fn ring_bytes(&self) -> usize {
        usize::try_from(self.ring_bytes).unwrap_or(usize::MAX)
    }
}
