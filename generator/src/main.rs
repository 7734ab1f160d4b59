//! The binary: reads the settings, starts the logs and the signals, runs, and turns the end into an exit code.
//!
//! 0: done, or stopped with everything acknowledged. 1: something failed, in one line on stderr. 2: a wrong setting.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{CommandFactory as _, FromArgMatches as _};
use generator::config::{Cli, Command, LogFormat};
use generator::stop::Stop;
use generator::{by_hand, photos, replay, worker};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let parsed = Cli::command().try_get_matches();
    let parsed = parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return settings::refuse(&error),
    };
    if cli.print_config {
        return settings::show(&Cli::command(), &matches);
    }
    let command = cli.command.unwrap_or(Command::Run(cli.run));
    match &command {
        Command::Run(args) => start_logs(args.common.log_format, "info"),
        // a person waits for its answer, on stdout
        Command::Change(args) => start_logs(args.common.log_format, "warn"),
    }
    for line in settings::unknown(std::env::vars_os().map(|(name, _)| name)) {
        tracing::warn!("{line}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let stop = Stop::default();
        let listening = runtime.block_on(async { listen(stop.clone()) });
        listening?;
        let ended = execute(&command, runtime.handle(), &stop);
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: &Command, runtime: &Handle, stop: &Stop) -> anyhow::Result<()> {
    match command {
        Command::Run(args) => {
            if args.photos.photos {
                photos::start(&args.photos, worker::items(args), stop.clone())?;
            }
            let summary = match &args.replay {
                Some(recording) => replay::run(args, recording, runtime, stop)?,
                None => worker::run(args, runtime, stop)?,
            };
            tracing::info!("{}: {summary}", if stop.asked() { "stopped" } else { "done" });
        }
        Command::Change(args) => writeln!(io::stdout(), "{}", by_hand::run(args, runtime, stop)?)?,
    }
    Ok(())
}

/// Turns SIGTERM and SIGINT into the wish to stop.
fn listen(stop: Stop) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        // a supervisor may signal the process and its group at once: that is one wish
        const SAME_WISH: Duration = Duration::from_secs(1);
        let mut asked: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = terminate.recv() => {},
                _ = interrupt.recv() => {},
            }
            match asked {
                None => tracing::info!("asked to stop; flushing what is in flight"),
                Some(asked) if asked.elapsed() < SAME_WISH => continue,
                Some(_) => tracing::info!("asked again; not waiting for what is in flight"),
            }
            asked.get_or_insert_with(Instant::now);
            stop.ask();
        }
    });
    Ok(())
}

fn start_logs(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // it would tell of a line that can't be written where none can be, and panic
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false);
    match format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().init(),
    }
}
