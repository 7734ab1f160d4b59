//! `make bench-photos`: photos of 40 KB a second from one replica, hot, beside what the server and Redis can do at all.
//!
//! It starts a Kafka, a PostgreSQL and a Redis of its own, two gateways (one keeps no photo in memory, so each answer
//! comes from Redis; the other keeps them as it does by default), and the *reference*: the same HTTP server with as many
//! workers, and a handler that only gets the bytes from Redis and sends them. All hold the same photos, each request
//! takes one of them by chance: with a single one, those who ask at the same time would share one look. The three are
//! measured by turns, in rounds, over kept connections; printed are medians, and ratios of the same round. Answers
//! without a photo (a machine that does too much else: a look that takes too long is given up) are told, too.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people, far below 2^52"
)]

#[path = "../ingest/cpu.rs"]
#[allow(dead_code, reason = "this program looks at single processes")]
mod cpu;
#[path = "../ratings/load.rs"]
mod load;
#[path = "../ingest/processes.rs"]
#[allow(dead_code, reason = "this program needs no generator")]
mod processes;
mod reference;
#[path = "../ratings/replica.rs"]
mod replica;
mod report;
mod shelf;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use tokio::runtime::Runtime;

use reference::Reference;
use replica::Replica;
use report::{Figures, Report};

/// Photos a second, beside a handler that only gets them from Redis.
#[derive(Debug, clap::Parser)]
#[command(name = "photos")]
struct Args {
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Rounds; odd ones have a middle.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Photos that are asked for.
    #[arg(long, default_value_t = 100)]
    photos: usize,
    /// HTTP worker threads of each server. [default: one a core]
    #[arg(long)]
    workers: Option<usize>,
    /// The gateway to measure.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_gateway"))]
    gateway: PathBuf,
    #[command(flatten)]
    task: reference::Task,
    /// Cargo passes it.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Who is measured, under which name.
struct Rival {
    name: &'static str,
    addr: SocketAddr,
    pid: u32,
}

fn main() -> anyhow::Result<()> {
    // `cargo test --all-targets` runs this program, too, and wants no benchmark
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let args = Args::parse();
    let workers = args.workers.map_or_else(|| std::thread::available_parallelism().map(usize::from), Ok)?;
    if args.task.serve(workers)? {
        return Ok(());
    }
    println!("starting Kafka, PostgreSQL and Redis");
    let servers = stack::Private::start(stack::Options { full_jit: true, ..Default::default() })?;
    servers.create_database("bench")?;
    let runtime = Runtime::new()?;
    println!("storing {} products, then a photo of each", args.photos);
    let products = runtime.block_on(shelf::stock(&servers, args.photos))?;
    let start = |name: &str, flags: &[&str]| {
        let workers = workers.to_string();
        let mut all = vec!["--http-workers", &workers, "--admin-token", shelf::TOKEN];
        all.extend(flags);
        Replica::start(&args.gateway, &servers, name, &all)
    };
    let without = start("without", &["--photo-memory-bytes", "0"])?;
    let with = start("with", &[])?;
    let reference = Reference::start(&servers, workers)?;
    let rivals = [
        Rival { name: report::REFERENCE, addr: reference.addr, pid: reference.pid() },
        Rival { name: report::WITHOUT, addr: without.addr, pid: without.pid() },
        Rival { name: report::WITH, addr: with.addr, pid: with.pid() },
    ];
    let report = runtime.block_on(measure(&args, &servers, &rivals, products))?;
    print!("{report}");
    println!("memory of the gateways: {} MiB and {} MiB", without.memory_mib(), with.memory_mib());
    without.stop()?;
    with.stop()
}

async fn measure(
    args: &Args,
    servers: &stack::Private,
    rivals: &[Rival; 3],
    products: Vec<String>,
) -> anyhow::Result<Report> {
    let [_, by, _] = rivals;
    shelf::fill(servers, by.addr, &products).await?;
    let products = Arc::new(products);
    for rival in rivals {
        let bytes = shelf::warm_up(rival.addr, &products).await?;
        println!("{}: {bytes} bytes a photo", rival.name);
    }
    let duration = Duration::from_secs(args.seconds);
    let mut report = Report::default();
    for round in 1..=args.rounds {
        for rival in rivals {
            let products = Arc::clone(&products);
            let request = move || {
                let id = products.get(rand::random_range(0..products.len())).map_or("", String::as_str);
                (format!("GET /products/{id}/photo HTTP/1.1\r\nHost: bench\r\n\r\n"), 0)
            };
            let before = cpu::tree(rival.pid);
            let measured = load::measure(rival.addr, args.connections, duration, request).await?;
            let seconds = cpu::tree(rival.pid) - before;
            report.add(rival.name, Figures::of(&measured, seconds));
        }
        println!("round {round} of {}: {}", args.rounds, report.last_round());
    }
    Ok(report)
}
