//! How both programs treat their settings: what each of them is stands with the program, in clap's terms.
//!
//! A wrong one is refused in one line with exit code 2; a variable that nobody knows is told with the nearest name, since
//! a misspelt one would otherwise do nothing without a word; [`show`] prints what counts, secrets hidden; and
//! [`assert_example`] holds a program's part of `.env.example` to its flags, so that the file is never stale.
//!
//! A setting is a flag with a variable. One whose variable is hidden in `--help` (`hide_env_values`) is a secret.

pub mod kafka;

mod distance;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// What all variables of ours begin with.
const PREFIX: &str = "SHELFWIRE_";
/// Every variable of both programs; each program's tests hold its part to what it knows.
const EXAMPLE: &str = include_str!("../../../.env.example");
/// Variables of ours that neither program reads: where `echo.js` connects, where the documents' test finds the sources.
const ELSEWHERE: [&str; 2] = ["SHELFWIRE_URL", "SHELFWIRE_ROOT"];
/// What the variables of the tests' own servers begin with.
const TESTS: &str = "SHELFWIRE_TEST_";
/// Longest line of a comment.
const WIDTH: usize = 110;

/// A wrong setting: one line on stderr. `--help` and `--version` come this way, too.
pub fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    // clap writes over several lines, then hints behind an empty one
    let text = error.to_string();
    let words: Vec<_> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    // stderr that is gone leaves nobody to tell
    let _ = writeln!(io::stderr(), "{}", words.join(" "));
    ExitCode::from(2)
}

/// A line for each of `variables` that looks like ours and is known to neither program.
pub fn unknown(variables: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let known: BTreeSet<&str> = EXAMPLE.lines().filter_map(name_in).chain(ELSEWHERE).collect();
    // a name that is no text is none of ours
    let names = variables.into_iter().filter_map(|name| name.into_string().ok());
    let ours = names.filter(|name| name.starts_with(PREFIX) && !name.starts_with(TESTS));
    let strange = ours.filter(|name| !known.contains(name.as_str()));
    let told = |name: String| match distance::nearest(&name, known.iter().copied()) {
        Some(near) => format!("{name} is no setting: is {near} meant?"),
        None => format!("{name} is no setting"),
    };
    strange.map(told).collect()
}

/// Tells on stderr what [`unknown`] finds in the environment; for commands that have no log.
pub fn warn() {
    for line in unknown(std::env::vars_os().map(|(name, _)| name)) {
        eprintln!("warning: {line}");
    }
}

/// Prints what counts: each setting with its value and where that is from.
pub fn show(command: &Command, matches: &ArgMatches) -> ExitCode {
    warn();
    match io::stdout().write_all(shown(command, matches).as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn shown(command: &Command, matches: &ArgMatches) -> String {
    let mut text = String::new();
    for (name, arg) in variables(command) {
        let source = match matches.value_source(arg.get_id().as_str()) {
            Some(ValueSource::CommandLine) => "flag",
            Some(ValueSource::EnvVariable) => "environment",
            Some(_) => "default",
            None => "not set",
        };
        let given = matches.get_raw(arg.get_id().as_str()).into_iter().flatten();
        let given: Vec<_> = given.map(|value| value.to_string_lossy()).collect();
        let value = if arg.is_hide_env_values_set() && ["flag", "environment"].contains(&source) {
            "(hidden)".to_owned()
        } else {
            given.join(",")
        };
        // writing to a String can't fail
        let _ = writeln!(text, "{:<60} # {source}", format!("{name}={value}"));
    }
    text
}

/// The part of `.env.example` that is `command`'s: each variable with its help, commented out, at its default.
fn example(command: &Command) -> String {
    let mut text = format!("{}\n", heading(command.get_name()));
    for (name, arg) in variables(command) {
        let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        text.push('\n');
        for line in wrapped(&help) {
            let _ = writeln!(text, "# {line}");
        }
        let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let _ = writeln!(text, "#{name}={}", default.join(","));
    }
    text
}

/// For each program's tests: panics when its part of `.env.example` is stale. `UPDATE_ENV_EXAMPLE=1` renews it.
///
/// # Panics
/// The part is stale, or can't be renewed.
pub fn assert_example(command: &Command) {
    let name = command.get_name();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.env.example");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let (kept, fresh) = (part(&text, name).trim_end(), example(command));
    if std::env::var_os("UPDATE_ENV_EXAMPLE").is_some() {
        let renewed = text.replace(kept, fresh.trim_end());
        assert!(std::fs::write(file, renewed).is_ok(), "{file} can't be written");
        return;
    }
    assert_eq!(kept, fresh.trim_end(), "stale: UPDATE_ENV_EXAMPLE=1 cargo test -p {name} --lib example");
}

/// The part of an example that is the program's named `program`.
fn part<'a>(text: &'a str, program: &str) -> &'a str {
    let heading = heading(program);
    let Some(part) = text.find(&heading).and_then(|start| text.get(start..)) else { return "" };
    let next = part.find("\n# === ").unwrap_or(part.len());
    part.get(..next).unwrap_or_default()
}

fn heading(program: &str) -> String {
    format!("# === {program} ===")
}

/// The settings that have a variable, as they stand in the code.
fn variables(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    command.get_arguments().filter_map(|arg| Some((arg.get_env()?.to_str()?, arg)))
}

/// The variable of a line `#NAME=value` or `NAME=value`.
fn name_in(line: &str) -> Option<&str> {
    let (name, _) = line.trim_start_matches('#').split_once('=')?;
    name.starts_with(PREFIX).then_some(name)
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let arg = |name: &'static str, variable: &'static str| Arg::new(name).long(name).env(variable);
        Command::new("toy").args([
            arg("group", "SHELFWIRE_GROUP").default_value("gateway").help("Who shares."),
            arg("admin-token", "SHELFWIRE_TOY_SECRET").hide_env_values(true),
            arg("listen", "SHELFWIRE_LISTEN"),
        ])
    }

    #[test]
    fn a_misspelt_variable_is_told_with_the_nearest_name() {
        let told = |name: &str| unknown([name.into()]);
        assert_eq!(told("SHELFWIRE_GROPU"), ["SHELFWIRE_GROPU is no setting: is SHELFWIRE_GROUP meant?"]);
        assert_eq!(told("SHELFWIRE_KAKFA"), ["SHELFWIRE_KAKFA is no setting: is SHELFWIRE_KAFKA meant?"]);
        assert_eq!(told("SHELFWIRE_SOMETHING_ELSE"), ["SHELFWIRE_SOMETHING_ELSE is no setting"]);
        for known in ["SHELFWIRE_GROUP", "SHELFWIRE_RATE", "SHELFWIRE_URL", "PATH", "SHELFWIRE"] {
            assert_eq!(told(known), [""; 0], "{known}");
        }
    }

    #[test]
    fn what_counts_is_shown_with_its_source_and_no_secret() {
        let args = ["toy", "--listen", "[::]:1", "--admin-token", "hunter2"];
        let matches = command().try_get_matches_from(args).unwrap();
        let shown = shown(&command(), &matches);
        let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines,
            [
                ["SHELFWIRE_GROUP=gateway", "#", "default"],
                ["SHELFWIRE_TOY_SECRET=(hidden)", "#", "flag"],
                ["SHELFWIRE_LISTEN=[::]:1", "#", "flag"],
            ]
        );
    }

    #[test]
    fn an_example_has_each_variable_with_its_help() {
        let text = example(&command());
        assert!(text.starts_with("# === toy ===\n\n# Who shares.\n#SHELFWIRE_GROUP=gateway\n\n"), "{text}");
        assert!(text.ends_with("\n#SHELFWIRE_LISTEN=\n"), "{text}");
        assert!(part(EXAMPLE, "gateway").starts_with("# === gateway ===\n"));
        assert!(!part(EXAMPLE, "gateway").contains("=== generator"));
        assert_eq!(part(EXAMPLE, "nobody"), "");
    }
}
