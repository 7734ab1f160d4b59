//! Collects figures and prints their medians, and the ratios that are aimed at.

use std::fmt;

use crate::load::Measured;

/// How the bare handler is called.
pub(crate) const REFERENCE: &str = "Redis GET and nothing else";
/// How a gateway without photos in memory is called.
pub(crate) const WITHOUT: &str = "gateway, each from Redis";
/// How a gateway as it comes is called.
pub(crate) const WITH: &str = "gateway, with its memory";

/// Of the reference, by whom it is to be reached.
const AIMS: [(&str, f64); 2] = [(WITHOUT, 0.9), (WITH, 2.0)];

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    per_second: f64,
    half_ms: f64,
    most_ms: f64,
    /// Answers without a photo.
    refused: f64,
    /// The server's processor time of one answer, microseconds.
    cpu_us: f64,
}

/// Measurements by name, in the order in which they came first.
#[derive(Default)]
pub(crate) struct Report(Vec<(&'static str, Vec<Figures>)>);

impl Figures {
    /// Of a measurement in which the server used so many processor `seconds`.
    pub(crate) fn of(measured: &Measured, seconds: f64) -> Self {
        let [half_ms, most_ms] = [0.5, 0.99].map(|part| measured.quantile_ms(part));
        let (refused, cpu_us) = (measured.refused as f64, seconds * 1e6 / measured.taken as f64);
        Self { per_second: measured.per_second(), half_ms, most_ms, refused, cpu_us }
    }
}

impl Report {
    /// Takes a measurement.
    pub(crate) fn add(&mut self, name: &'static str, figures: Figures) {
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, list)) => list.push(figures),
            None => self.0.push((name, vec![figures])),
        }
    }

    /// The newest rate of each.
    pub(crate) fn last_round(&self) -> String {
        let last = |(name, list): &(&str, Vec<Figures>)| {
            format!("{name} {:.0}/s", list.last().map_or(f64::NAN, |figures| figures.per_second))
        };
        self.0.iter().map(last).collect::<Vec<_>>().join("; ")
    }

    fn of(&self, wanted: &str) -> &[Figures] {
        self.0.iter().find(|(name, _)| *name == wanted).map_or(&[], |(_, list)| list)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["photos/s", "least", "most", "p50 ms", "p99 ms", "server µs", "refused"];
        write!(f, "{:<28}", "medians of the rounds")?;
        writeln!(f, "{}", head.map(|name| format!("{name:>10}")).concat())?;
        for (name, list) in &self.0 {
            let of = |figure: fn(&Figures) -> f64, part| quantile(list.iter().map(figure), part);
            let [median, least, most] = [0.5, 0.0, 1.0].map(|part| of(|figures| figures.per_second, part));
            write!(f, "{name:<28}{median:>10.0}{least:>10.0}{most:>10.0}")?;
            write!(
                f,
                "{:>10.2}{:>10.2}",
                of(|figures| figures.half_ms, 0.5),
                of(|figures| figures.most_ms, 0.5)
            )?;
            writeln!(
                f,
                "{:>10.1}{:>10.0}",
                of(|figures| figures.cpu_us, 0.5),
                of(|figures| figures.refused, 1.0)
            )?;
        }
        // the median of the rounds' ratios, so that a slow minute of the machine counts little
        for (name, aim) in AIMS {
            let pairs = self.of(name).iter().zip(self.of(REFERENCE));
            let ratio = quantile(pairs.map(|(mine, other)| mine.per_second / other.per_second), 0.5);
            writeln!(f, "{name} / {REFERENCE}: {ratio:.2} (aim: {aim:.1} or more)")?;
        }
        Ok(())
    }
}

/// The value below which this part of them lies.
fn quantile(values: impl Iterator<Item = f64>, part: f64) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let at = (part * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}
