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
mod replica;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::Parser as _;
use tokio::runtime::Runtime;

use load::{Measured, Request};
use replica::{Replica, until};

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
    let gateway = Replica::start(&args.gateway, &servers, "bench", &[])?;
    let sent = Runtime::new()?.block_on(measure(&args, &gateway))?;
    sent.compare(&gateway)?;
    gateway.stop()
}

async fn measure(args: &Args, gateway: &Replica) -> anyhow::Result<Sent> {
    println!(
        "{:<22} {:>5}  {:>9}  {:>8} {:>8} {:>8}  refused",
        "", "conn.", "answers/s", "p50 ms", "p99 ms", "most ms"
    );
    let (mut sent, duration) = (Sent::default(), Duration::from_secs(args.seconds));
    for &connections in &args.connections {
        let nothing = load::measure(gateway.addr, connections, duration, healthz).await?;
        println!("{:<22} {connections:>5}  {nothing}", "GET /healthz");
        let rated = load::measure(gateway.addr, connections, duration, rate).await?;
        let ratio = rated.per_second() / nothing.per_second();
        println!(
            "{:<22} {connections:>5}  {rated}   {ratio:.2} of /healthz, {} MiB",
            "POST /rate",
            gateway.memory_mib()
        );
        sent.add(&rated);
    }
    Ok(sent)
}

/// `GET /healthz`.
fn healthz() -> Request {
    ("GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n".to_owned(), 0)
}

/// `POST /rate` with a random rate.
fn rate() -> Request {
    let rate = rand::random_range(0..=10);
    (format!("POST /rate?rate={rate} HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n"), rate)
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

    /// Waits until as much is counted, and fails when it is not the same.
    fn compare(&self, gateway: &Replica) -> anyhow::Result<()> {
        let total: serde_json::Value = until("all ratings are counted", || {
            let answer =
                stack::probe::http_get(gateway.addr.port(), "/total", Duration::from_secs(5)).ok()?;
            let total: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
            (total.get("count")?.as_u64()? >= self.count).then_some(total)
        })?;
        let told = |field: &str| total.get(field).and_then(serde_json::Value::as_u64).unwrap_or_default();
        ensure!((told("count"), told("sum")) == (self.count, self.sum), "sent {self:?}, counted {total}");
        println!("{} ratings were taken, and the total is exact: {total}", self.count);
        Ok(())
    }
}
