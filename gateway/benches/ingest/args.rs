//! What can be set: `cargo bench -p gateway --bench ingest -- --rounds 5`.

use std::path::{Path, PathBuf};

/// Rows a second from Kafka to PostgreSQL, beside its ceiling and the naive way.
#[derive(Debug, clap::Parser)]
#[command(name = "ingest")]
pub(crate) struct Args {
    /// Changes in the topic, beside the first version of each product.
    #[arg(long, default_value_t = 300_000)]
    pub(crate) count: u64,
    /// Products of the catalogue.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) products: u64,
    /// Rounds; odd ones have a middle.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Changes of one row-by-row measurement: it takes long, and its rate does not change with their number.
    #[arg(long, default_value_t = 3_000)]
    pub(crate) single_rows: usize,
    /// Seconds of the latency's measurement, 500 changes each.
    #[arg(long, default_value_t = 10)]
    pub(crate) latency_s: u64,
    /// Measure the drain alone, for instance under a profiler.
    #[arg(long)]
    pub(crate) drain_only: bool,
    /// Gateway programs to drain with, by turns: to compare builds.
    #[arg(long = "gateway", default_value = env!("CARGO_BIN_EXE_gateway"))]
    pub(crate) gateways: Vec<PathBuf>,
    /// Cargo passes it.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Args {
    /// How the report calls this program's drain.
    pub(crate) fn name_of(&self, gateway: &Path) -> String {
        match self.gateways.as_slice() {
            [_] => "drain, one replica".to_owned(),
            _ => format!("drain, {}", gateway.display()),
        }
    }
}
