//! `stack status`: what runs, and which replica holds which partitions.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use stack::probe::http_get;
use stack::settings::Settings;
use stack::supervisor::{Phase, Report};
use stack::{control, daemon};

use super::place::Place;
use super::say;

/// How long a replica may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let place = Place::open()?;
    let (reports, settings) = match look(&place)? {
        Found::Stack(reports, settings) => (reports, settings),
        Found::Beginning => {
            say("the stack is just being started; `make up` says how far it is");
            return Ok(ExitCode::SUCCESS);
        }
        Found::Nothing => {
            say("nothing runs here; `make up` starts the stack");
            return Ok(ExitCode::SUCCESS);
        }
    };
    say(processes(&reports).trim_end());
    match replicas(&reports) {
        Some(text) => say(&format!("\n{}", text.trim_end())),
        None => say("\nno replica answers"),
    }
    say(&format!("\nload balancer http://localhost:{}", settings.port));
    Ok(ExitCode::SUCCESS)
}

/// What there is to tell of.
enum Found {
    Stack(Vec<Report>, Settings),
    /// A supervisor that has not been told yet what to keep.
    Beginning,
    Nothing,
}

/// What the supervisor says; it may be beginning, or ending, while it is asked.
fn look(place: &Place) -> anyhow::Result<Found> {
    let deadline = Instant::now() + ANSWER;
    while daemon::running(&place.layout)?.is_some() {
        let reports = control::ask(&place.layout, &["status"]);
        match (reports, place.settings_in_use()) {
            (Ok(reports), Some(_)) => return Ok(Found::Stack(reports, place.running()?)),
            (Ok(_), None) => return Ok(Found::Beginning),
            (Err(error), _) if Instant::now() > deadline => return Err(error),
            (Err(_), _) => thread::sleep(Duration::from_millis(20)),
        }
    }
    Ok(Found::Nothing)
}

/// Scales the gateways, waits, and shows the result.
pub(crate) fn scale(count: &str) -> anyhow::Result<ExitCode> {
    let place = Place::open()?;
    control::ask(&place.layout, &["scale", count])?;
    let status = || control::ask(&place.layout, &["status"]);
    stack::supervisor::wait::until_ready(
        status,
        |name| name.starts_with("gw"),
        &place.layout,
        Duration::from_secs(60),
    )?;
    run()
}

/// One word about one process: `kill`, `stop`, `start`, `pause`, `resume`.
pub(crate) fn tell(verb: &str, name: &str) -> anyhow::Result<ExitCode> {
    let place = Place::open()?;
    let status = || control::ask(&place.layout, &["status"]);
    let is_down = |report: &Report| report.name == name && report.phase == Phase::Down;
    if ["kill", "stop"].contains(&verb) && status()?.iter().any(is_down) {
        say(&format!("{name} is down already, and stays so until `make up` or `make scale`"));
        return Ok(ExitCode::SUCCESS);
    }
    control::ask(&place.layout, &[verb, name])?;
    match verb {
        "kill" | "stop" => {
            stack::supervisor::wait::until_down(status, |other| other == name, Duration::from_secs(20))?;
            say(&format!("{name} is down and stays so until `make up` or `make scale`"));
        }
        "start" => {
            stack::supervisor::wait::until_ready(
                status,
                |other| other == name,
                &place.layout,
                Duration::from_secs(60),
            )?;
            say(&format!("{name} is ready"));
        }
        _ => say(&format!("{verb} {name}: done")),
    }
    Ok(ExitCode::SUCCESS)
}

fn processes(reports: &[Report]) -> String {
    let head = format!(
        "{:<10} {:<9} {:>7} {:>6} {:>9} {:>8}  {}\n",
        "NAME", "STATE", "PID", "PORT", "SINCE", "RESTARTS", "NOTE"
    );
    reports.iter().fold(head, |text, report| {
        let number = |value: Option<u32>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        let (pid, port) = (number(report.pid), number(report.port.map(u32::from)));
        let (name, phase, since, restarts) = (&report.name, report.phase, age(report.since), report.restarts);
        let line =
            format!("{name:<10} {phase:<9} {pid:>7} {port:>6} {since:>9} {restarts:>8}  {}", report.note);
        text + line.trim_end() + "\n"
    })
}

fn age(since: Duration) -> String {
    match since.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// The answer of the first replica that gives one.
fn replicas(reports: &[Report]) -> Option<String> {
    let ready = reports.iter().filter(|report| report.phase == Phase::Ready && report.name.starts_with("gw"));
    ready
        .filter_map(|report| http_get(report.port?, "/replicas", ANSWER).ok())
        .find_map(|answer| table(&answer.body))
}

fn table(json: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(json).ok()?;
    let mut replicas: Vec<&Value> = answer.get("replicas")?.as_array()?.iter().collect();
    replicas.sort_by_key(|replica| word(replica, "replica"));
    let head = format!("{:<10} {:<30} {:>8} {:>8}\n", "REPLICA", "PARTITIONS", "LAG", "VIEWERS");
    Some(replicas.iter().fold(head, |text, replica| {
        let list = replica.get("partitions").and_then(Value::as_array);
        let numbers: Vec<String> = list.into_iter().flatten().map(ToString::to_string).collect();
        let partitions = if numbers.is_empty() { "-".to_owned() } else { numbers.join(" ") };
        let (name, lag, viewers) = (word(replica, "replica"), word(replica, "lag"), word(replica, "viewers"));
        text + &format!("{name:<10} {partitions:<30} {lag:>8} {viewers:>8}\n")
    }))
}

fn word(object: &Value, field: &str) -> String {
    match object.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "-".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// A product that the replicas know, for a command that a person can copy.
pub(crate) fn any_product(settings: &Settings) -> Option<String> {
    let answer = http_get(settings.port, "/products?limit=1", ANSWER).ok()?;
    let page: Value = serde_json::from_str(&answer.body).ok()?;
    Some(page.get("products")?.get(0)?.get("product_id")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_shown_by_replica() {
        let json = r#"{"replicas":[{"replica":"gw2","partitions":[],"lag":null,"viewers":0},
            {"replica":"gw1","partitions":[0,1,11],"lag":3,"viewers":2}]}"#;
        let text = table(json).unwrap();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1], ["gw1", "0", "1", "11", "3", "2"]);
        assert_eq!(rows[2], ["gw2", "-", "-", "0"]);
        assert_eq!(table("{}"), None);
    }

    #[test]
    fn ages_are_short() {
        let of = |seconds| age(Duration::from_secs(seconds));
        assert_eq!(
            (of(59), of(60), of(7_380)),
            ("59 s".to_owned(), "1 min".to_owned(), "2 h 3 min".to_owned())
        );
    }
}
