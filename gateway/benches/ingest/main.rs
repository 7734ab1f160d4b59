//! `make bench-ingest`: how fast a change goes from Kafka into PostgreSQL, and how soon it is on a screen.
//!
//! It starts a Kafka, a PostgreSQL (fsync and all) and a Redis of its own, has the real generator fill a topic, and then
//! measures, in rounds by turns because machines are noisy:
//!
//! - the *ceiling*: the gateway's own write with its batches ready in memory, over one and over two connections. No Kafka,
//!   no relay: what the database can take. Batches are cut from the topic in the order in which a consumer gets it.
//! - *row by row*: an upsert and a history row in a transaction of their own for each change, as one writes it at first.
//! - the *drain*: one gateway process that finds the topic full, from its first committed row to its last.
//! - the *latency*: the topic empty, changes at a steady rate, from `occurred_at` to the frame on a WebSocket.
//!
//! Every measurement has a database of its own on the same server. Medians are printed, with the ratios of the drain to its
//! references and the processor time of each process. Nothing is asserted: figures are for people.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people, far below 2^52"
)]

mod args;
mod ceiling;
mod cpu;
mod database;
mod drain;
mod latency;
mod processes;
mod report;
mod row_by_row;
mod servers;
mod topic;

use anyhow::Context as _;
use clap::Parser as _;

use args::Args;
use report::Report;
use servers::Servers;
use topic::Topic;

fn main() -> anyhow::Result<()> {
    // `cargo test --all-targets` runs this program, too, and wants no benchmark
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let args = Args::parse();
    let servers = Servers::start()?;
    servers.preload(&args)?;
    // the gateway's kind of runtime; children are started from this thread, with which they would die
    tokio::runtime::Runtime::new()?.block_on(run(&args, &servers))
}

async fn run(args: &Args, servers: &Servers) -> anyhow::Result<()> {
    let topic = Topic::read(&servers.kafka(), servers::TOPIC).context("reading the topic")?;
    println!("{topic}");
    let mut report = Report::default();
    for round in 1..=args.rounds {
        for connections in [1, 2].into_iter().filter(|_| !args.drain_only) {
            let measured = ceiling::measure(servers, &topic, connections).await?;
            report.add(&report::ceiling(connections), &measured);
        }
        for gateway in &args.gateways {
            let drained = drain::measure(servers, &topic, gateway).await?;
            report.add(&args.name_of(gateway), &drained);
        }
        if !args.drain_only {
            let measured = row_by_row::measure(servers, &topic, args.single_rows).await?;
            report.add(report::ROW_BY_ROW, &measured);
        }
        println!("round {round} of {}: {}", args.rounds, report.last_round());
    }
    println!("\n{report}");
    for gateway in args.gateways.iter().filter(|_| !args.drain_only) {
        let ages_ms = latency::measure(servers, args, gateway).await?;
        println!("{}", report::latency(&ages_ms));
    }
    Ok(())
}
