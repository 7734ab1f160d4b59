//! What `gateway dead-letters` can be asked for.

use std::path::PathBuf;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Subcommand, ValueEnum, value_parser};
use schema::PoisonReason;

/// What to do with dead letters.
#[derive(Debug, Clone, Subcommand)]
pub enum LettersCommand {
    /// List them, newest first.
    List(List),
    /// Show one with its headers and its whole value.
    Show(Show),
    /// Send changes back, to be judged anew. A letter stays where it is; a record that is sent back twice is written once.
    Redrive(Redrive),
}

/// Which ones to list, and how.
#[derive(Debug, Clone, Args)]
pub struct List {
    /// Whose letters.
    #[arg(long, value_enum, default_value_t = Of::Changes)]
    pub topic: Of,
    /// Which ones.
    #[command(flatten)]
    pub filter: Filter,
    /// Most letters, 1 to 10000: the newest of those that are asked for.
    #[arg(long, default_value_t = 50, value_parser = value_parser!(u64).range(1..=10_000))]
    pub limit: u64,
    /// For machines: a JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Which one to show, and how.
#[derive(Debug, Clone, Args)]
pub struct Show {
    /// Where it lies: PARTITION/OFFSET, as it is listed.
    pub position: Place,
    /// Whose letter.
    #[arg(long, value_enum, default_value_t = Of::Changes)]
    pub topic: Of,
    /// For machines: one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Which ones to send back, and how.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("which").args(["positions", "reason", "since", "until", "all"]).required(true).multiple(true))]
pub struct Redrive {
    /// Where they lie: PARTITION/OFFSET, as they are listed.
    #[arg(conflicts_with_all = ["reason", "since", "until", "all"])]
    pub positions: Vec<Place>,
    /// Which ones.
    #[command(flatten)]
    pub filter: Filter,
    /// All of them.
    #[arg(long, conflicts_with_all = ["reason", "since", "until"])]
    pub all: bool,
    /// Most letters, 1 to 1000000: the oldest of those that are asked for.
    #[arg(long, default_value_t = 10_000, value_parser = value_parser!(u64).range(1..=1_000_000))]
    pub limit: u64,
    /// Letters a second, 1 to 10000.
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u64).range(1..=10_000))]
    pub rate: u64,
    /// Say what would be sent, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// File with a corrected value for the one letter that is named; - reads it from standard input.
    #[arg(long, value_name = "FILE", requires = "positions")]
    pub value: Option<PathBuf>,
    /// For machines: a JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Which letters.
#[derive(Debug, Clone, Args)]
pub struct Filter {
    /// Only those with this reason; may stand several times.
    #[arg(long, value_parser = reasons())]
    pub reason: Vec<PoisonReason>,
    /// Only those written at this time or later: RFC 3339, or how long ago (90s, 15m, 2h, 3d).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<DateTime<Utc>>,
    /// Only those written before this time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<DateTime<Utc>>,
}

/// Whose dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Of {
    /// Those of changes.
    Changes,
    /// Those of ratings.
    Ratings,
}

/// Where a letter lies in its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be PARTITION/OFFSET, as in 3/17";
        let (partition, offset) = text.split_once('/').ok_or(wrong)?;
        let place =
            Self { partition: partition.parse().or(Err(wrong))?, offset: offset.parse().or(Err(wrong))? };
        if place.partition >= 0 && place.offset >= 0 { Ok(place) } else { Err(wrong) }
    }
}

fn reasons() -> impl TypedValueParser<Value = PoisonReason> {
    let known = PossibleValuesParser::new(PoisonReason::ALL.map(PoisonReason::as_str));
    known.try_map(|name| PoisonReason::ALL.into_iter().find(|r| r.as_str() == name).ok_or("is no reason"))
}

fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    before(text, Utc::now()).or_else(|| DateTime::parse_from_rfc3339(text).ok().map(Into::into)).ok_or_else(
        || "must be RFC 3339, as 2026-05-04T12:00:00Z, or a time ago, as 15m (s, m, h, d)".to_owned(),
    )
}

/// `text` such as `15m`, before `now`.
fn before(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    now.checked_sub_signed(TimeDelta::try_seconds(i64::from(count) * seconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_moment_or_how_long_ago() {
        let noon: DateTime<Utc> = "2026-05-04T12:00:00Z".parse().unwrap();
        for (text, earlier_s) in [("0s", 0), ("90s", 90), ("15m", 900), ("2h", 7_200), ("3d", 259_200)] {
            assert_eq!(before(text, noon), Some(noon - TimeDelta::seconds(earlier_s)), "{text}");
        }
        assert_eq!(moment("2026-05-04T14:00:00+02:00"), Ok(noon));
        for wrong in ["", "m", "-5m", "5", "5 m", "yesterday", "99999999999d", "5\u{b5}"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_place_is_two_numbers() {
        assert_eq!("3/17".parse(), Ok(Place { partition: 3, offset: 17 }));
        for wrong in ["", "3", "3/", "/17", "-1/2", "1/-2", "1/2/3", "a/b"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
