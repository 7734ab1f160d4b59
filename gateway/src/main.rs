//! The gateway's program: reads settings, starts logging, builds the application, runs it until a signal.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use gateway::app::Application;
use gateway::config::{Cli, Command, LogFormat, Settings};
use gateway::{dead_letters, drill, healthcheck};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let parsed = Cli::command().try_get_matches();
    let parsed = parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return settings::refuse(&error),
    };
    let settings = match cli.settings.resolve() {
        Ok(settings) => settings,
        Err(line) => {
            eprintln!("error: {line}");
            return ExitCode::from(2);
        }
    };
    if cli.print_config {
        return settings::show(&Cli::command(), &matches);
    }
    match cli.command.unwrap_or(Command::Run) {
        Command::Healthcheck => healthcheck::ask(settings.listen),
        Command::DeadLetters(asked) => {
            settings::warn();
            dead_letters::answer(&settings, &asked)
        }
        Command::Run => run(settings),
    }
}

#[tokio::main]
async fn run(settings: Settings) -> ExitCode {
    start_logging(settings.log_format);
    if let Err(line) = drill::start() {
        eprintln!("error: {line}");
        return ExitCode::from(2);
    }
    for line in settings::unknown(std::env::vars_os().map(|(name, _)| name)) {
        tracing::warn!("{line}");
    }
    let shutdown = CancellationToken::new();
    let application = match Application::build(settings) {
        Ok(application) => application,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    tokio::spawn(cancel_on_signal(shutdown.clone()));
    match application.run(shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("gateway ended: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start_logging(format: LogFormat) {
    // actix_http has an error line for each request that it can't read: any client could fill the log with it
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn,actix_http=off"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // it would tell of a line that can't be written where none can be, and panic
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

/// SIGTERM and SIGINT ask for a clean stop, which is bounded in time; only SIGKILL is faster.
async fn cancel_on_signal(shutdown: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals can't be caught: stop the process with SIGKILL");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("asked to stop: draining");
    shutdown.cancel();
}
