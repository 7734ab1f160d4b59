//! `make bench-ratings`: how many ratings a second one replica takes, each durable on the broker before its answer.
//!
//! It starts a Kafka, a PostgreSQL and a Redis of its own and one gateway, and sends over a few kept connections, each of
//! which waits for its answer before it sends again, as `wrk` does: `GET /healthz` first, which is what the server and
//! this machine can do at all, then `POST /rate` with a random rate in each request. Printed are requests a second and
//! the times of the answers, and whether the total is exact in the end. Nothing is asserted but that: figures are for
//! people.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people, far below 2^52"
)]

mod load;
#[path = "../ingest/processes.rs"]
#[allow(dead_code, reason = "this program needs no generator")]
mod processes;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Parser as _;

use load::Measured;
use processes::Running;

/// How long the gateway may take to be ready, and to count what was sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ratings a second, beside requests that do nothing.
#[derive(Debug, clap::Parser)]
#[command(name = "ratings")]
struct Args {
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Connections, by turns.
    #[arg(long, value_delimiter = ',', default_value = "5,64")]
    connections: Vec<usize>,
    /// The gateway to measure.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_gateway"))]
    gateway: PathBuf,
    /// Cargo passes it.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    // `cargo test --all-targets` runs this program, too, and wants no benchmark
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let args = Args::parse();
    println!("starting Kafka, PostgreSQL and Redis");
    let servers =
        stack::Private::start(stack::Options { durable: true, full_jit: true, ..Default::default() })?;
    servers.create_database("bench")?;
    let addr_file = servers.folder().join("bench.addr");
    let mut command = Command::new(&args.gateway);
    command.args(["--listen", "127.0.0.1:0", "--replica", "bench", "--drain-s", "0"]);
    command.args(["--kafka", &servers.kafka(), "--redis-url", &servers.redis_url()]);
    command.args(["--database-url", &servers.database_url("bench")]).arg("--addr-file").arg(&addr_file);
    command.env("RUST_LOG", "warn").stdin(Stdio::null());
    stack::child::tie_to_us(&mut command);
    // children die with the thread that starts them: this one
    let gateway = Running::start(command)?;
    let ratio = tokio::runtime::Runtime::new()?.block_on(run(&args, &addr_file, gateway.pid()));
    gateway.stop()?;
    ratio
}

async fn run(args: &Args, addr_file: &std::path::Path, pid: u32) -> anyhow::Result<()> {
    let addr: SocketAddr = until("the gateway is ready", || {
        let addr: SocketAddr = std::fs::read_to_string(addr_file).ok()?.trim().parse().ok()?;
        let answer = stack::probe::http_get(addr.port(), "/readyz", Duration::from_secs(1));
        answer.is_ok_and(|answer| answer.status == 200).then_some(addr)
    })
    .await?;
    println!(
        "{:<22} {:>5}  {:>9}  {:>8} {:>8} {:>8}  refused",
        "", "conn.", "answers/s", "p50 ms", "p99 ms", "most ms"
    );
    let (mut sent, duration) = (Sent::default(), Duration::from_secs(args.seconds));
    for &connections in &args.connections {
        let nothing = load::measure(addr, connections, duration, load::healthz).await?;
        println!("{:<22} {connections:>5}  {nothing}", "GET /healthz");
        let rated = load::measure(addr, connections, duration, load::rate).await?;
        let ratio = rated.per_second() / nothing.per_second();
        println!(
            "{:<22} {connections:>5}  {rated}   {ratio:.2} of /healthz, {} MiB",
            "POST /rate",
            memory_mib(pid)
        );
        sent.add(&rated);
    }
    let total: serde_json::Value = until("all ratings are counted", || {
        let answer = stack::probe::http_get(addr.port(), "/total", Duration::from_secs(5)).ok()?;
        let total: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
        (total.get("count")?.as_u64()? >= sent.count).then_some(total)
    })
    .await?;
    let told = |field: &str| total.get(field).and_then(serde_json::Value::as_u64).unwrap_or_default();
    ensure!((told("count"), told("sum")) == (sent.count, sent.sum), "sent {sent:?}, counted {total}");
    println!("{} ratings were taken, and the total is exact: {total}", sent.count);
    Ok(())
}

/// What was taken, all in all.
#[derive(Debug, Default)]
struct Sent {
    count: u64,
    sum: u64,
}

impl Sent {
    fn add(&mut self, measured: &Measured) {
        self.count += measured.taken;
        self.sum += measured.sum;
    }
}

/// Asks until there is an answer.
async fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        ensure!(started.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Memory of a process that is in use.
fn memory_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}
