//! The command line of the private stack; see the library for what it keeps. `make help` shows the everyday verbs.

use std::process::ExitCode;

mod cli;

use cli::place::Place;
use cli::{doctor, down, status, test_env, tools, up};

const USAGE: &str = "\
usage: stack VERB
  up [-d]                  start what is missing, or move to other settings; -d: and leave it in the background
  down | clean             stop everything | and delete the data
  status | doctor          what runs | what is in the way
  scale gateway N          1 to 6 replicas
  kill NAME | stop NAME    SIGKILL | gracefully; it stays down until `up`, `scale` or `start NAME`
  start NAME | pause NAME | resume NAME
  logs [NAME…]             follow
  psql | redis | topic [NAME] | change --product ID [--price P] [--stock S]
  replay FILE [--speed X|max] [--strict]
  test-env [--brokers N] -- COMMAND…   run a command beside private Kafka, PostgreSQL and Redis
Settings are variables: REPLICAS RATE PRODUCTS BROKERS PORT STATS_PORT GATEWAY_PORT KAFKA_PORT PG_PORT REDIS_PORT
PROFILE RUN.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["up"] => up::run(true),
        ["up", "-d"] => up::run(false),
        // for stack.sh: 1 when a variable can't be used
        ["settings"] => Place::open().and_then(|place| place.wanted()).map(|_| ExitCode::SUCCESS),
        ["supervise"] => {
            Place::open().and_then(|place| stack::daemon::run(&place.layout)).map(|()| ExitCode::SUCCESS)
        }
        ["down"] => down::run(),
        ["clean"] => down::clean(),
        ["status"] => status::run(),
        ["doctor"] => doctor::run(),
        ["scale", "gateway", count] => status::scale(count),
        [verb @ ("kill" | "stop" | "start" | "pause" | "resume"), name] => status::tell(verb, name),
        ["logs", names @ ..] => tools::logs(names),
        ["psql", args @ ..] => tools::psql(args),
        ["redis", args @ ..] => tools::redis(args),
        ["topic", args @ ..] => tools::topic(args),
        ["change", args @ ..] => tools::change(args),
        ["replay", file, args @ ..] => tools::replay(file, args),
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
