//! Replay: recorded changes instead of random ones.
//!
//! Each line of the recording (module `line`) says a product's whole state; the id follows from its stock-keeping unit, and
//! the version is the next one after what the topic has. `--speed` stretches the distances between the recorded times;
//! what lies in the past is due at once. A bad line is told, and then skipped and counted, or, when strict, ends the
//! replay; what was sent before it is flushed first. A recording whose header is wrong is refused as a whole.

pub mod line;
mod source;

use std::io;
use std::path::Path;
use std::time::Instant;

use chrono::Utc;
use rand::rngs::StdRng;
use schema::{Product, Version};
use tokio::runtime::Handle;

use crate::change;
use crate::config::RunArgs;
use crate::pace::{Speed, Timeline};
use crate::produce::{Producer, SLICE, Taken, Traffic};
use crate::report::{Report, Summary};
use crate::resume::{Known, Reader, Settle};
use crate::start::{RunError, Started, start};
use crate::stop::Stop;
use line::{BadLine, Format, LONGEST, Recorded};
use source::{Line, Next, Source};

/// Most bad lines that are told one by one; the others are only counted.
const TOLD: u64 = 100;
/// Most records of others that are taken in between two lines.
const CATCH_UP: usize = 1000;

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The recording cannot be read.
    #[error("the recording {path} cannot be read")]
    Read {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Its header is wrong.
    #[error("the recording begins neither with a CSV header nor with a JSON object: {0}")]
    Header(BadLine),
    /// A line is bad, and the replay strict.
    #[error("stopped at a bad line: {0}")]
    Strict(BadLine),
}

/// What a replay owns.
struct Replay<'a> {
    args: &'a RunArgs,
    source: Source,
    producer: Producer,
    known: Known,
    /// Follows the topic while changes are paced, as the worker does.
    others: Option<Reader>,
    report: Report,
    rng: StdRng,
    bad_lines: u64,
}

/// Replays `recording` to its end, or until a stop is asked for.
pub fn run(args: &RunArgs, recording: &Path, runtime: &Handle, stop: &Stop) -> Result<Summary, RunError> {
    // before Kafka is waited for: a wrong path should be told at once
    let unread = |source| ReplayError::Read { path: recording.display().to_string(), source };
    let source = Source::open(recording).map_err(unread)?;
    let traffic = if args.speed == Speed::Max { Traffic::Bulk } else { Traffic::Paced };
    let started = start(&args.common, traffic, |id| args.shard.owns(id), Settle::Now, runtime, stop)?;
    let Some(Started { producer, known, reader }) = started else { return Ok(Summary::default()) };
    let mut replay = Replay {
        args,
        source,
        producer,
        known,
        others: (args.speed != Speed::Max).then_some(reader),
        report: Report::new(Instant::now()),
        rng: rand::make_rng(),
        bad_lines: 0,
    };
    let ended = replay.lines(&unread, stop);
    // what was sent is flushed whatever ended the lines; a producer that failed has nothing to flush
    if !matches!(ended, Err(RunError::Produce(_))) {
        replay.producer.flush(stop)?;
    }
    ended.map(|()| Summary { bad_lines: replay.bad_lines, ..Summary::of(&replay.producer) })
}

impl Replay<'_> {
    fn lines(&mut self, unread: &dyn Fn(io::Error) -> ReplayError, stop: &Stop) -> Result<(), RunError> {
        let mut timeline = Timeline::new(self.args.speed);
        let mut format = None;
        let mut left = self.args.count.unwrap_or(u64::MAX);
        while left > 0 && !stop.asked() {
            let line = match self.source.next(SLICE).map_err(unread)? {
                Next::End => break,
                Next::Waiting => {
                    self.serve(Instant::now())?;
                    continue;
                }
                Next::Line(line) if line.text.trim_ascii().is_empty() => continue,
                Next::Line(line) => line,
            };
            let recorded = match read(&mut format, &line).map_err(ReplayError::Header)? {
                Some(Ok(recorded)) => recorded,
                Some(Err(bad)) => {
                    self.bad_line(bad)?;
                    continue;
                }
                None => continue,
            };
            if !self.args.shard.owns(recorded.product_id) {
                continue;
            }
            let due = timeline.due(recorded.occurred_at, Instant::now());
            if !self.wait(due, stop)? {
                break;
            }
            self.send(recorded, line.number, stop)?;
            left -= 1;
        }
        Ok(())
    }

    fn send(&mut self, recorded: Recorded, number: u64, stop: &Stop) -> Result<(), RunError> {
        let version = match self.known.get(recorded.product_id).map(|state| state.version) {
            None => Version::MIN,
            Some(version) => match version.next() {
                Some(next) => next,
                None => return self.bad_line(used_up(number)),
            },
        };
        let Recorded { product_id, name, price_minor, currency, stock, occurred_at } = recorded;
        let state = Product { product_id, version, name, price_minor, currency, stock, occurred_at };
        let change = change::announce(&state, Utc::now(), &mut self.rng);
        if self.producer.send(&change, stop)? == Taken::Yes {
            self.known.fold(&change);
        }
        Ok(())
    }

    fn bad_line(&mut self, bad: BadLine) -> Result<(), RunError> {
        if self.args.strict {
            return Err(ReplayError::Strict(bad).into());
        }
        self.bad_lines += 1;
        match self.bad_lines {
            ..=TOLD => tracing::warn!("{bad}; skipped"),
            n if n == TOLD + 1 => tracing::warn!("more bad lines are skipped and counted, but not told"),
            _ => {}
        }
        Ok(())
    }

    /// Waits until `due`, serving what comes; whether no stop was asked for.
    fn wait(&mut self, due: Instant, stop: &Stop) -> Result<bool, RunError> {
        loop {
            self.serve(due)?;
            if stop.asked() || Instant::now() >= due {
                return Ok(!stop.asked());
            }
        }
    }

    /// Takes in acknowledgements and the changes of others, until `due` or for a slice.
    fn serve(&mut self, due: Instant) -> Result<(), RunError> {
        let now = Instant::now();
        let delivered = self.producer.serve(due.saturating_duration_since(now).min(SLICE))?;
        if let Some(others) = &mut self.others {
            others.expect(&delivered);
            others.catch_up(CATCH_UP, |change| {
                if self.args.shard.owns(change.product_id) {
                    self.known.fold(change);
                }
            })?;
        }
        self.report.look(&self.producer, now);
        Ok(())
    }
}

/// Reads one line; the first says the format, and is nothing more when it is a header.
fn read(format: &mut Option<Format>, line: &Line) -> Result<Option<Result<Recorded, BadLine>>, BadLine> {
    let known = if let Some(known) = format {
        known
    } else {
        let found = format.insert(Format::of(line.number, &line.text)?);
        if matches!(found, Format::Csv { .. }) {
            return Ok(None);
        }
        found
    };
    if line.too_long {
        let rule = format!("must have at most {LONGEST} bytes");
        return Ok(Some(Err(BadLine { number: line.number, field: None, rule })));
    }
    Ok(Some(known.parse(line.number, &line.text)))
}

fn used_up(number: u64) -> BadLine {
    BadLine { number, field: Some("sku"), rule: "names a product whose versions are used up".to_owned() }
}
