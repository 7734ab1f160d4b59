//! What a drill says in the end: verdicts, numbers, the fault log, on the terminal and as Markdown and JSON.

pub(crate) mod aims;
pub(crate) mod numbers;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use self::aims::{Aim, aims};
use self::numbers::{Numbers, measure, percentile};
use super::evidence::{Evidence, Fault};
use super::judge::Verdict;

/// Waits that lasted into the next fault are told when they are longer, in ms.
const LONG_MS: i64 = 250;

/// A whole drill, judged.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// As asked for; none: each row once.
    pub(crate) minutes: Option<u64>,
    /// What it took, starts and judging included.
    pub(crate) took_s: u64,
    /// Changes a second.
    pub(crate) rate: u32,
    /// How many times longer than promised things were allowed to take.
    pub(crate) slack: u32,
    /// When it began, in UTC.
    pub(crate) date: String,
    pub(crate) commit: String,
    pub(crate) machine: String,
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) rows: HashMap<&'static str, Numbers>,
    /// What is promised of time, and what came of it.
    pub(crate) aims: Vec<Aim>,
    /// Of each act: from the end of its load to when all viewers showed what the database held.
    pub(crate) converged_ms: Vec<u64>,
    pub(crate) faults: Vec<Fault>,
    /// Rows for which there was no time.
    pub(crate) not_played: Vec<&'static str>,
}

impl Report {
    /// Adds an act: its verdicts are summed up.
    pub(crate) fn add(&mut self, evidence: &Evidence, verdicts: Vec<Verdict>) {
        measure(evidence, &mut self.rows);
        self.aims = aims(&self.rows);
        self.converged_ms.extend(evidence.converged_ms);
        self.faults.extend(evidence.faults.iter().cloned());
        for verdict in verdicts {
            match self.verdicts.iter_mut().find(|known| known.invariant == verdict.invariant) {
                Some(known) => {
                    known.checked += verdict.checked;
                    known.violations += verdict.violations;
                    known.told.extend(verdict.told);
                }
                None => self.verdicts.push(verdict),
            }
        }
    }

    /// How many violations there were.
    pub(crate) fn violations(&self) -> u64 {
        self.verdicts.iter().map(|verdict| verdict.violations).sum()
    }

    /// The report for people; it reads as well on a terminal.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "# Drill of {}\n\nSeed {}, {} (it took {} s), {} changes a second, commit {}, {}.{}\n{} faults, **{} violations**.\n",
            self.date,
            self.seed,
            self.minutes.map_or("each row once".to_owned(), |minutes| format!("{minutes} minutes")),
            self.took_s,
            self.rate,
            self.commit,
            self.machine,
            if self.slack > 1 {
                format!(" Everything was allowed {} times as long as promised.", self.slack)
            } else {
                String::new()
            },
            self.faults.len(),
            self.violations()
        );
        if !self.not_played.is_empty() {
            let _ = writeln!(text, "No time was left for: {}.", self.not_played.join(", "));
        }
        text.push_str("\n## Verdicts\n\n| invariant | checked | violations |\n|---|--:|--:|\n");
        for Verdict { invariant, checked, violations, .. } in &self.verdicts {
            let _ = writeln!(text, "| {invariant} | {checked} | {violations} |");
        }
        for verdict in self.verdicts.iter().filter(|verdict| verdict.violations > 0) {
            let _ = writeln!(text, "\n**{}**\n", verdict.invariant);
            for told in &verdict.told {
                let _ = writeln!(text, "- {told}");
            }
        }
        self.write_aims(&mut text);
        self.write_rows(&mut text);
        self.write_faults(&mut text);
        text
    }

    fn write_aims(&self, text: &mut String) {
        if self.aims.is_empty() {
            return;
        }
        text.push_str(
            "\n## Aims\n\n| milliseconds | rows | aim | measured | of values |\n|---|---|--:|--:|--:|\n",
        );
        for aim in &self.aims {
            let which = if aim.percent == 100 { "most".to_owned() } else { format!("p{}", aim.percent) };
            let measured = aim.measured_ms.map_or("–".to_owned(), |ms| ms.to_string());
            let missed = if aim.measured_ms.is_none_or(|ms| ms > aim.at_most_ms) { " (missed)" } else { "" };
            let Aim { what, rows, at_most_ms, of, .. } = aim;
            let rows = rows.join(", ");
            let _ = writeln!(text, "| {what}, {which} | {rows} | {at_most_ms} | {measured}{missed} | {of} |");
        }
        if let Some(most) = self.converged_ms.iter().max() {
            let of = self.converged_ms.len();
            let _ = writeln!(
                text,
                "\nAll viewers showed what the database held at most {most} ms after the load of an act had ended (of {of} acts)."
            );
        }
    }

    fn write_rows(&self, text: &mut String) {
        text.push_str(
            "\n## Rows\n\nMilliseconds: from the end of the fault to the end of lag (what half a second brings is always \
             on its way); the longest wait of a record in its partition, before the next fault, by partitions that stayed and that moved.\n\n| row | times | lag ended after, median, most | stayed p99, most | moved, most |\n\
             |---|--:|--:|--:|--:|\n",
        );
        let pair = |a: Option<String>, b: Option<String>| {
            format!("{}, {}", a.unwrap_or_default(), b.unwrap_or_default())
        };
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|(name, _)| **name);
        let mut spanning: Vec<i64> = Vec::new();
        for (name, Numbers { faults, back_ms, stayed_ms, moved_ms, spanning_ms }) in rows {
            let of = |values: &[u64], percent| percentile(values, percent).map(|ms| ms.to_string());
            let pause = |values: &[i64], percent| percentile(values, percent).map(|ms| ms.to_string());
            let back = pair(of(back_ms, 50), of(back_ms, 100));
            let stayed = pair(pause(stayed_ms, 99), pause(stayed_ms, 100));
            let moved = pause(moved_ms, 100).unwrap_or_default();
            spanning.extend(spanning_ms);
            let _ = writeln!(text, "| {name} | {faults} | {back} | {stayed} | {moved} |");
        }
        spanning.retain(|ms| *ms > LONG_MS);
        if let Some(most) = spanning.iter().max() {
            let of = spanning.len();
            let _ = writeln!(
                text,
                "\nLasting into the next fault, and counted to neither: {of} waits of more than {LONG_MS} ms, the longest {most} ms."
            );
        }
    }

    fn write_faults(&self, text: &mut String) {
        text.push_str("\n## Faults\n\n| at, s | row | seed | lasted, ms | lag ended after, ms | what |\n|--:|---|--:|--:|--:|---|\n");
        let began = self.faults.first().map_or(0, |fault| fault.began_ms);
        for fault in &self.faults {
            let at = (fault.began_ms - began) / 1_000;
            let lasted = fault.healed_ms - fault.began_ms;
            let back = fault.back_ms.map_or("never".to_owned(), |ms| ms.to_string());
            let notes = fault.notes.join(", ");
            let _ = writeln!(
                text,
                "| {at} | {} | {:016x} | {lasted} | {back} | {notes} |",
                fault.row, fault.seed
            );
        }
    }

    /// Writes `REPORT.md` and `report.json` into `folder`.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("REPORT.md"), self.markdown())?;
        Ok(std::fs::write(folder.join("report.json"), serde_json::to_vec_pretty(self)?)?)
    }
}
