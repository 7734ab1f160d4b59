//! Whether the judge can be trusted: all replicas have one bug, and it must be caught by the invariant that the bug is
//! against. The same rows on the same programs without a bug must violate nothing: a judge that always cries is worth as
//! little as one that never does.

use std::collections::BTreeMap;
use std::path::Path;

use super::act;
use super::judge::{self, Verdict};
use super::plan::{Act, Step};
use super::rows::Servers;
use super::world::Programs;

/// A bug, and how it comes to light.
struct Planted {
    bug: &'static str,
    row: &'static str,
    /// How often the row is played.
    times: usize,
    /// How the names of the invariants begin that the bug is against: one of them must be violated.
    against: &'static [&'static str],
}

impl Planted {
    const fn once(bug: &'static str, row: &'static str, against: &'static [&'static str]) -> Self {
        Self { bug, row, times: 1, against }
    }
}

const BUGS: [Planted; 8] = [
    Planted::once("commit_before_write", "gateway-kill", &["what is committed has its outcome"]),
    Planted::once("no_version_guard", "late-versions", &["a row is the newest record"]),
    Planted {
        bug: "skip_relay_on_replay",
        row: "die-before-relay",
        // the product's next change does not join on to what viewers have; but one that waits in Kafka when it is
        // replayed reaches back, and nothing is amiss that time
        times: 5,
        against: &["viewers show what the database holds", "a viewer has no hole"],
    },
    Planted::once("commit_highest_finished", "gateway-kill", &["what is committed has its outcome"]),
    Planted::once("forget_revoke", "gateway-join-busy", &["a replica leaves alone"]),
    Planted::once("ratings_without_progress", "die-after-totals", &["totals are the ratings"]),
    Planted::once("resume_off_by_one", "gateway-kill", &["a viewer has no hole"]),
    Planted::once("drop_from_outbox", "gateway-kill", &["a viewer has no hole"]),
];
/// No bug; otherwise as with one.
const NONE: &str = "";

/// Plays all of it; whether every bug was caught, and nothing without one.
pub(super) async fn play(seed: u64, folder: &Path, programs: &Programs, say: &dyn Fn(&str)) -> bool {
    let rows = all_rows();
    say(&format!("seed {seed}: no bug"));
    let found = violated(seed, &rows, NONE, &folder.join("none"), programs, say).await;
    let mut lines = vec![(found.is_empty(), "none".to_owned(), "all".to_owned(), found)];
    for Planted { bug, row, times, against } in BUGS {
        say(bug);
        let found = violated(seed, &vec![row; times], bug, &folder.join(bug), programs, say).await;
        // not where there was nothing to look at, or something could not be read: what is missing violates as well
        let is_against =
            |verdict: &&Verdict| against.iter().any(|words| verdict.invariant.starts_with(words));
        let caught = found.iter().filter(is_against).any(|verdict| verdict.checked > 0)
            && !found.iter().any(|verdict| verdict.invariant == judge::PLAYED);
        lines.push((caught, bug.to_owned(), row.to_owned(), found));
    }
    println!("| bug | row | | violated |\n|---|---|---|---|");
    for (right, bug, row, found) in &lines {
        let verdict = if *right { "as it must be" } else { "WRONG" };
        let found: Vec<_> = found.iter().map(|v| format!("{} ({})", v.invariant, v.violations)).collect();
        println!("| {bug} | {row} | {verdict} | {} |", found.join("; "));
    }
    for (_, bug, _, found) in lines.iter().filter(|(right, ..)| !right) {
        println!("\n**{bug}**\n");
        found.iter().flat_map(|verdict| &verdict.told).for_each(|told| println!("- {told}"));
    }
    lines.iter().all(|(right, ..)| *right)
}

/// Every row, as often as some bug has it played: what would be cried without a bug is looked for as long.
fn all_rows() -> Vec<&'static str> {
    let mut times: BTreeMap<&'static str, usize> = BTreeMap::new();
    for planted in BUGS {
        let most = times.entry(planted.row).or_default();
        *most = planted.times.max(*most);
    }
    times.into_iter().flat_map(|(row, times)| vec![row; times]).collect()
}

/// The invariants that were violated.
async fn violated(
    seed: u64,
    rows: &[&'static str],
    bug: &'static str,
    folder: &Path,
    programs: &Programs,
    say: &dyn Fn(&str),
) -> Vec<Verdict> {
    let steps = (seed..).zip(rows).map(|(seed, row)| Step { row, seed, calm_ms: 2_000 });
    let act = Act { servers: Servers::Armed, seed, steps: steps.collect() };
    let programs = Programs { planted: Some(bug), ..programs.clone() };
    let evidence = act::play(&act, folder, &programs, &|| false, say).await;
    judge::judge(&evidence).into_iter().filter(|verdict| verdict.violations > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::super::rows;
    use super::*;

    /// The variants of an enum of the gateway, in snake case.
    fn variants(name: &str) -> Vec<String> {
        let source = include_str!("../../../../gateway/src/drill/mod.rs");
        let (_, body) = source.split_once(&format!("pub enum {name} {{")).unwrap();
        let (body, _) = body.split_once("\n}").unwrap();
        let lines = body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
        let snake = |line: &str| {
            let mut snake = String::new();
            for letter in line.trim_end_matches(',').chars() {
                if letter.is_uppercase() && !snake.is_empty() {
                    snake.push('_');
                }
                snake.extend(letter.to_lowercase());
            }
            snake
        };
        lines.map(snake).collect()
    }

    #[test]
    fn every_bug_is_planted_and_every_step_has_its_row() {
        let mut planted: Vec<_> = BUGS.iter().map(|planted| planted.bug.to_owned()).collect();
        let mut bugs = variants("Bug");
        planted.sort();
        bugs.sort();
        assert_eq!(planted, bugs);
        let rows_file = include_str!("rows/armed.rs");
        for step in variants("Step") {
            assert!(rows_file.contains(&format!("\"{step}\"")), "no replica dies at {step}");
        }
        for Planted { bug, row, against, .. } in BUGS {
            assert!(rows::named(&[row.to_owned()]).is_ok(), "{bug}");
            let names = judge::judge(&super::super::evidence::Evidence::default());
            for words in against {
                assert!(names.iter().any(|verdict| verdict.invariant.starts_with(words)), "{bug}: {words}");
            }
        }
    }
}
