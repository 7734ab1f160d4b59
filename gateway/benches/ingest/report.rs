//! Collects figures and prints their medians.

use std::fmt;

use crate::cpu::Cpu;
use crate::latency;

/// How the naive way is called.
pub(crate) const ROW_BY_ROW: &str = "row by row";
/// How the names of drains begin.
const DRAIN: &str = "drain";

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// Rows of the history a second.
    pub(crate) rows_per_s: f64,
    /// Processor seconds for a million of them.
    pub(crate) cpu: Cpu,
}

/// Measurements by name, in the order in which they came first.
#[derive(Default)]
pub(crate) struct Report(Vec<(String, Vec<Measured>)>);

/// How a ceiling is called.
pub(crate) fn ceiling(connections: usize) -> String {
    format!("ceiling, {connections} connection{}", if connections == 1 { "" } else { "s" })
}

/// The latency's line.
pub(crate) fn latency(ages_ms: &[f64]) -> String {
    let [half, most, longest] = [0.5, 0.99, 1.0].map(|part| quantile(ages_ms, part));
    let (changes, rate) = (ages_ms.len(), latency::RATE);
    format!(
        "from a change to a WebSocket, {rate} changes a second: p50 {half:.1} ms, p99 {most:.1} ms, longest \
         {longest:.1} ms of {changes}"
    )
}

impl Report {
    /// Takes a measurement.
    pub(crate) fn add(&mut self, name: &str, measured: &Measured) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, list)) => list.push(*measured),
            None => self.0.push((name.to_owned(), vec![*measured])),
        }
    }

    /// The newest figure of each kind.
    pub(crate) fn last_round(&self) -> String {
        let last = |(name, list): &(String, Vec<Measured>)| {
            format!("{name} {:.0}/s", list.last().map_or(f64::NAN, |measured| measured.rows_per_s))
        };
        self.0.iter().map(last).collect::<Vec<_>>().join("; ")
    }

    fn fmt_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<36} rows a second, history included    processor s per million rows", "")?;
        writeln!(f, "{:<36}   median    least     most    client   PostgreSQL  Kafka  Redis", "")?;
        for (name, list) in &self.0 {
            let of = |figure: fn(&Measured) -> f64, part| {
                quantile(&list.iter().map(figure).collect::<Vec<_>>(), part)
            };
            let [median, least, most] = [0.5, 0.0, 1.0].map(|part| of(|m| m.rows_per_s, part));
            write!(f, "{name:<36} {median:>8.0} {least:>8.0} {most:>8.0}  ")?;
            let (client, postgres) = (of(|m| m.cpu.program, 0.5), of(|m| m.cpu.postgres, 0.5));
            let (kafka, redis) = (of(|m| m.cpu.kafka, 0.5), of(|m| m.cpu.redis, 0.5));
            writeln!(f, "{client:>8.1} {postgres:>12.1} {kafka:>6.1} {redis:>6.1}")?;
        }
        Ok(())
    }

    /// A drain against the others: the median of the rounds' ratios, so that a slow minute of the machine counts little.
    fn fmt_ratios(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (drain, mine) in self.0.iter().filter(|(name, _)| name.starts_with(DRAIN)) {
            for (name, others) in self.0.iter().filter(|(name, _)| name != drain) {
                let ratios: Vec<f64> =
                    mine.iter().zip(others).map(|(mine, other)| mine.rows_per_s / other.rows_per_s).collect();
                writeln!(f, "{drain} / {name}: {:.2}", quantile(&ratios, 0.5))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_table(f)?;
        self.fmt_ratios(f)
    }
}

/// The value below which `part` of `values` lie; 0.5 is the median.
fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = sorted.len().saturating_sub(1) as f64 * part;
    sorted.get(at.round() as usize).copied().unwrap_or(f64::NAN)
}
