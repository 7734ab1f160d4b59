//! Drills: breaks things under load and proves from outside that nothing was lost and nothing doubled.
//!
//! `plan` makes the schedule from a seed. `act` plays it: a `world` of real servers and our real programs, a
//! `fleet` of viewers, raters and readers on it, and fault after fault of `rows`. What an outsider can see becomes
//! `evidence`; the `judge` holds it against the invariants; the `report` says what was found.
//!
//! What holds:
//! - The judge reads evidence only, and parses records itself: it trusts neither the services nor the fleet.
//! - The same seed gives the same schedule. (What happens in between is up to the machine.)
//! - Nothing is stopped that the drill did not start, and its servers go with it.

mod act;
mod evidence;
mod fleet;
mod judge;
mod plan;
mod report;
mod rows;
mod selftest;
mod watch;
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;

use self::report::Report;
use self::rows::Servers;
use self::world::Programs;

/// Breaks things under load, and judges what comes of it.
#[derive(Debug, Parser)]
#[command(name = "drill")]
pub struct Args {
    /// How long: rows come again until it is over; without it each comes once
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_440))]
    minutes: Option<u64>,
    /// Seed of the schedule; another one each time without it
    #[arg(long)]
    seed: Option<u64>,
    /// Rows to play, with commas between; all without it
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Changes a second
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// How many times longer than promised things may take, on a machine that is slow or has other work
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    slack: u32,
    /// Folder of the gateway and the generator; beside this program without it
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Folder of a gateway built with `--features drill`; without it rows that need one are left out
    #[arg(long)]
    armed: Option<PathBuf>,
    /// Folder for the report, and for logs and audit logs
    #[arg(long)]
    report: Option<PathBuf>,
    /// Play the rows in which a replica dies between two steps, and no others; needs `--armed`
    #[arg(long, requires = "armed", conflicts_with = "rows")]
    steps: bool,
    /// Plant one bug after the other in all replicas: whether the judge catches each; needs `--armed`
    #[arg(long, requires = "armed", conflicts_with_all = ["rows", "steps"])]
    selftest: bool,
    /// List the rows, and end
    #[arg(long)]
    list: bool,
}

/// Runs a drill; whether there were no violations.
pub async fn run(args: Args) -> anyhow::Result<bool> {
    let mut rows = if args.rows.is_empty() { rows::all() } else { rows::named(&args.rows)? };
    rows.retain(|row| !args.steps || row.servers == Servers::Armed);
    if args.list {
        for row in rows {
            println!("{:22} {}", row.name, row.about);
        }
        return Ok(true);
    }
    let mut left_out: BTreeMap<_, Vec<_>> = BTreeMap::new();
    rows.retain(|row| {
        let lacks = rows::lacks(row, args.armed.is_some());
        lacks.inspect(|what| left_out.entry(*what).or_default().push(row.name)).is_none()
    });
    for (what, names) in left_out {
        eprintln!("left out for want of {what}: {}", names.join(", "));
    }
    let seed = args.seed.unwrap_or_else(|| rand::random::<u32>().into());
    let started = Instant::now();
    let say = |words: &str| eprintln!("{:6.1} s  {words}", started.elapsed().as_secs_f64());
    let programs = Programs {
        folder: args.programs,
        armed: args.armed,
        rate: args.rate,
        slack: args.slack,
        planted: None,
    };
    if let Some(folder) = &args.report {
        // not after half an hour
        std::fs::create_dir_all(folder).with_context(|| format!("--report {}", folder.display()))?;
    }
    // a flood of viewers has thousands
    stack::child::raise_open_files();
    let folder = args
        .report
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("shelfwire-drill-{}", std::process::id())));
    if args.selftest {
        let passed = selftest::play(seed, &folder, &programs, &say).await;
        forget(&folder, passed && args.report.is_none());
        if !passed {
            say(&format!("logs and audit logs are kept in {}", folder.display()));
        }
        return Ok(passed);
    }
    let plan =
        args.minutes.map_or_else(|| plan::once(seed, &rows), |minutes| plan::plan(seed, minutes, &rows));
    let mut report = Report {
        seed,
        minutes: args.minutes,
        rate: args.rate,
        slack: programs.slack,
        date: said_by("date", &["-u", "+%F %H:%M UTC"]),
        commit: said_by("git", &["describe", "--always", "--dirty", "--exclude", "*"]),
        machine: machine(),
        ..Report::default()
    };
    say(&format!("seed {seed}"));
    anyhow::ensure!(!plan.acts.is_empty(), "no row fits into the minutes");
    let end = args.minutes.map(|minutes| started + Duration::from_secs(minutes * 60));
    let is_over = || end.is_some_and(|end| Instant::now() >= end);
    for (n, act) in plan.acts.iter().enumerate().take_while(|_| !is_over()) {
        let folder = folder.join(format!("act-{}", n + 1));
        let evidence = act::play(act, &folder, &programs, &is_over, &say).await;
        say("judging");
        let verdicts = judge::judge(&evidence);
        let clean = verdicts.iter().all(|verdict| verdict.violations == 0);
        report.add(&evidence, verdicts);
        forget(&folder, clean && args.report.is_none());
    }
    report.took_s = started.elapsed().as_secs();
    let had_no_turn = rows.iter().map(|row| row.name).filter(|name| !report.rows.contains_key(name));
    report.not_played = had_no_turn.collect();
    println!("{}", report.markdown());
    if let Some(folder) = &args.report {
        report.write(folder)?;
    }
    if report.violations() > 0 {
        say(&format!("logs and audit logs are kept in {}", folder.display()));
    } else {
        forget(&folder, args.report.is_none());
    }
    Ok(report.violations() == 0)
}

/// Removes a folder that nobody will want to look into.
fn forget(folder: &Path, is_unwanted: bool) {
    if is_unwanted {
        let _left = std::fs::remove_dir_all(folder);
    }
}

fn said_by(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    format!("{cores} cores, {} GiB", kib.unwrap_or_default() / 1_048_576)
}
