//! Verbs that become another program, told where our servers are: `psql`, `redis`, `topic`, `change`, `replay`,
//! `logs`.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};
use stack::servers::{kafka, program};
use stack::wire::USER;

use super::place::Place;
use super::say;

/// Replaces this process; returns only if that fails.
fn become_program(mut command: Command) -> anyhow::Result<ExitCode> {
    let name = command.get_program().to_string_lossy().into_owned();
    Err(command.exec()).with_context(|| format!("starting {name}"))
}

fn tool(name: &str) -> anyhow::Result<Command> {
    Ok(Command::new(
        program(name)
            .with_context(|| format!("{name} is not installed; `make doctor` names what to install"))?,
    ))
}

pub(crate) fn psql(args: &[&str]) -> anyhow::Result<ExitCode> {
    let port = Place::open()?.running()?.pg_port.to_string();
    let mut psql = tool("psql")?;
    psql.args(["-h", "127.0.0.1", "-p", &port, "-U", USER, "-d", USER]).args(args);
    become_program(psql)
}

pub(crate) fn redis(args: &[&str]) -> anyhow::Result<ExitCode> {
    let port = Place::open()?.running()?.redis_port.to_string();
    let mut cli = tool("redis-cli")?;
    cli.args(["-h", "127.0.0.1", "-p", &port]).args(args);
    become_program(cli)
}

/// Describes a topic, then follows it; further words go to Kafka's console consumer (`--from-beginning`).
pub(crate) fn topic(args: &[&str]) -> anyhow::Result<ExitCode> {
    let place = Place::open()?;
    let brokers = place.running()?.kafka();
    let (topic, options) = args.split_first().unwrap_or((&"product-changes", &[]));
    let java = || kafka::java(&place.layout, &kafka::jars()?);
    let mut describe = java()?;
    describe.args([
        "org.apache.kafka.tools.TopicCommand",
        "--bootstrap-server",
        &brokers,
        "--describe",
        "--topic",
        topic,
    ]);
    if !describe.status()?.success() {
        bail!("there is no topic {topic}");
    }
    say(&format!("\nFollowing {topic} (Ctrl-C ends): time, partition, offset, headers, key, value\n"));
    let mut follow = java()?;
    follow.args([
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        "--bootstrap-server",
        &brokers,
        "--topic",
        topic,
    ]);
    for shown in ["print.timestamp", "print.partition", "print.offset", "print.headers", "print.key"] {
        follow.args(["--formatter-property", &format!("{shown}=true")]);
    }
    follow.args(options);
    become_program(follow)
}

/// One change by hand, through the generator.
pub(crate) fn change(args: &[&str]) -> anyhow::Result<ExitCode> {
    generator(&["change"], args)
}

/// Produces recorded changes, through the generator.
pub(crate) fn replay(file: &str, args: &[&str]) -> anyhow::Result<ExitCode> {
    generator(&["--replay", file], args)
}

fn generator(first: &[&str], rest: &[&str]) -> anyhow::Result<ExitCode> {
    let settings = Place::open()?.running()?;
    let mut generator = Command::new(settings.binary("generator"));
    generator.env("SHELFWIRE_KAFKA", settings.kafka()).args(first).args(rest);
    become_program(generator)
}

/// Follows the logs of the named processes, or of all of ours.
pub(crate) fn logs(names: &[&str]) -> anyhow::Result<ExitCode> {
    let layout = Place::open()?.layout;
    let mut files: Vec<_> = names.iter().map(|name| layout.log(name)).collect();
    if files.is_empty() {
        let ours = ["gw1", "gw2", "gw3", "gw4", "gw5", "gw6", "generator", "stack"];
        files = ours.iter().map(|name| layout.log(name)).filter(|file| file.exists()).collect();
    }
    if let Some(missing) = files.iter().find(|file| !file.exists()) {
        bail!("there is no log {}", missing.display());
    }
    ensure!(!files.is_empty(), "there are no logs yet (`make up` makes them)");
    let mut tail = tool("tail")?;
    tail.args(["-n", "20", "-F"]).args(files);
    become_program(tail)
}
