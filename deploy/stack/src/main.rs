//! The command line of the private stack; see the library for what it keeps. `make help` shows the everyday verbs.

use std::process::ExitCode;

mod test_env;

const USAGE: &str = "\
usage: stack VERB
  test-env [--brokers N] -- COMMAND…   run a command beside private Kafka, PostgreSQL and Redis";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test-env", rest @ ..] => test_env::run(rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("stack: {error:#}");
        ExitCode::FAILURE
    })
}
