//! Collects figures and prints their medians.

use std::fmt;

use crate::cpu::Cpu;
use crate::drain::Drained;

/// How the naive way is called.
pub(crate) const ROW_BY_ROW: &str = "row by row";

/// Figures by name, in the order in which they came first.
#[derive(Default)]
pub(crate) struct Report {
    rates: Vec<(String, Vec<f64>)>,
    drains: Vec<(String, Vec<Drained>)>,
}

/// `1 connection`, `2 connections`.
pub(crate) fn connections(count: usize) -> String {
    format!("{count} connection{}", if count == 1 { "" } else { "s" })
}

impl Report {
    /// A rate, rows a second.
    pub(crate) fn add(&mut self, name: &str, rows_per_s: f64) {
        entry(&mut self.rates, name).push(rows_per_s);
    }

    /// A drain.
    pub(crate) fn add_drain(&mut self, name: &str, drained: &Drained) {
        self.add(name, drained.rows_per_s);
        entry(&mut self.drains, name).push(*drained);
    }

    /// The newest figure of each kind.
    pub(crate) fn last_round(&self) -> String {
        let last =
            |(name, rates): &(String, Vec<f64>)| format!("{name} {:.0}/s", rates.last().unwrap_or(&0.0));
        self.rates.iter().map(last).collect::<Vec<_>>().join("; ")
    }

    fn fmt_rates(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "rows a second, history included:     median       least        most")?;
        for (name, rates) in &self.rates {
            let (least, most) = (quantile(rates, 0.0), quantile(rates, 1.0));
            writeln!(f, "  {name:<30} {:>11.0} {least:>11.0} {most:>11.0}", quantile(rates, 0.5))?;
        }
        Ok(())
    }

    /// The drain against the others: the median of the rounds' ratios, so that a slow minute of the machine does not count.
    fn fmt_ratios(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (drain, _) in &self.drains {
            let rates_of =
                |name: &str| self.rates.iter().find(|(other, _)| other == name).map(|(_, rates)| rates);
            let Some(mine) = rates_of(drain) else { continue };
            writeln!(f, "{drain}, against:")?;
            for (name, rates) in self.rates.iter().filter(|(name, _)| name != drain) {
                let ratios: Vec<f64> = mine.iter().zip(rates).map(|(mine, other)| mine / other).collect();
                writeln!(f, "  {name:<30} {:>11.2}", quantile(&ratios, 0.5))?;
            }
        }
        Ok(())
    }

    fn fmt_cpu(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, drains) in &self.drains {
            let median =
                |of: fn(&Cpu) -> f64| quantile(&drains.iter().map(|d| of(&d.cpu)).collect::<Vec<_>>(), 0.5);
            let first: Vec<f64> = drains.iter().map(|d| d.first_row.as_secs_f64()).collect();
            writeln!(
                f,
                "{name}: processor seconds per million changes: gateway {:.1}, PostgreSQL {:.1}, Kafka {:.1}, Redis \
                 {:.1}; {:.1} s from start to the first row",
                median(|cpu| cpu.gateway),
                median(|cpu| cpu.postgres),
                median(|cpu| cpu.kafka),
                median(|cpu| cpu.redis),
                quantile(&first, 0.5)
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_rates(f)?;
        self.fmt_ratios(f)?;
        self.fmt_cpu(f)
    }
}

fn entry<'a, T>(list: &'a mut Vec<(String, Vec<T>)>, name: &str) -> &'a mut Vec<T> {
    let at = list.iter().position(|(other, _)| other == name).unwrap_or_else(|| {
        list.push((name.to_owned(), Vec::new()));
        list.len() - 1
    });
    &mut list[at].1
}

/// The value below which `part` of `values` lie; 0.5 is the median.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1)) as f64 * part;
    sorted.get(at.round() as usize).copied().unwrap_or(f64::NAN)
}
