//! Settings of photos: how long they are kept, and how much memory they may take.

use std::time::Duration;

use clap::{Args, value_parser};

/// What photos may cost.
#[derive(Debug, Clone, Args)]
pub struct PhotoSettings {
    /// Seconds for which Redis keeps a photo that nobody replaces, 1 to 604800, give or take a fifth, so that photos put
    /// in together do not go together. Longer spares the database, shorter spares Redis memory.
    #[arg(long, env = "SHELFWIRE_PHOTO_TTL_S", default_value_t = 3_600, value_parser = value_parser!(u64).range(1..=604_800), help_heading = "Photos")]
    pub photo_ttl_s: u64,
    /// Bytes of photos kept in memory for a quarter of a second, which spares Redis what is hot; 0 keeps none.
    #[arg(
        long = "photo-memory-bytes",
        env = "SHELFWIRE_PHOTO_MEMORY_BYTES",
        default_value_t = 67_108_864,
        help_heading = "Photos"
    )]
    pub memory_bytes: u64,
}

impl PhotoSettings {
    /// How long Redis keeps a photo, about.
    pub const fn ttl(&self) -> Duration {
        Duration::from_secs(self.photo_ttl_s)
    }
}
