//! The schedule: which rows, in which order, with which seeds. Pure: the same seed gives the same schedule.
//!
//! Rows that need the same servers stand in one act, in an order that the seed shuffles; when the minutes are not used up
//! they come again, in another order. Acts are cut at [`ACT_S`], so that their evidence stays small. How far a drill of so
//! many minutes gets in its schedule is up to the machine: the clock ends it.

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::rows::{Row, Servers};

/// Longest act, in seconds that its rows are thought to take.
const ACT_S: u64 = 420;
/// What the start and the end of an act take, and its judging, in seconds.
const AROUND_S: u64 = 35;

/// A whole drill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) acts: Vec<Act>,
}

/// What happens on one set of servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) servers: Servers,
    pub(crate) seed: u64,
    pub(crate) steps: Vec<Step>,
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) row: &'static str,
    /// What the row draws its own choices from.
    pub(crate) seed: u64,
    /// How long nothing happens before it.
    pub(crate) calm_ms: u64,
}

/// The schedule in which each of `rows` comes once.
pub(crate) fn once(seed: u64, rows: &[&'static Row]) -> Plan {
    fill(seed, None, rows)
}

/// The schedule of `rows` for so many minutes, and more than that: rows may take half of what they are thought to.
pub(crate) fn plan(seed: u64, minutes: u64, rows: &[&'static Row]) -> Plan {
    fill(seed, Some(minutes * 60 * 2), rows)
}

/// Round after round while there is time; one round without a limit.
fn fill(seed: u64, limit: Option<u64>, rows: &[&'static Row]) -> Plan {
    let mut left = limit.unwrap_or(u64::MAX);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut acts: Vec<Act> = Vec::new();
    let mut round: Vec<&Row> = Vec::new();
    while !rows.is_empty() {
        if round.is_empty() {
            if limit.is_none() && !acts.is_empty() {
                break;
            }
            round = rows.to_vec();
            round.shuffle(&mut rng);
            // a row that needs servers of its own costs their start: those come together
            round.sort_by_key(|row| row.servers);
            round.reverse();
        }
        let Some(row) = round.pop() else { break };
        let used = |act: &Act| act.steps.iter().map(|step| seconds(rows, step.row)).sum::<u64>();
        let fits = |act: &&mut Act| act.servers == row.servers && used(act) + row.seconds <= ACT_S;
        let act = acts.last_mut().filter(fits);
        let takes = row.seconds + if act.is_some() { 0 } else { AROUND_S };
        if takes > left {
            break;
        }
        left -= takes;
        let step = Step { row: row.name, seed: rng.random(), calm_ms: rng.random_range(500..2_000) };
        match act {
            Some(act) => act.steps.push(step),
            None => acts.push(Act { servers: row.servers, seed: rng.random(), steps: vec![step] }),
        }
    }
    Plan { seed, acts }
}

fn seconds(rows: &[&'static Row], name: &str) -> u64 {
    rows.iter().find(|row| row.name == name).map_or(0, |row| row.seconds)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::rows;
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_one_another() {
        let rows = rows::all();
        assert_eq!(plan(7, 30, &rows), plan(7, 30, &rows));
        assert_ne!(plan(7, 30, &rows).acts, plan(8, 30, &rows).acts);
    }

    #[test]
    fn once_is_once_each() {
        let rows = rows::all();
        let plan = once(3, &rows);
        let names: Vec<_> = plan.acts.iter().flat_map(|act| &act.steps).map(|step| step.row).collect();
        assert_eq!(names.len(), rows.len());
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), rows.len());
    }

    #[test]
    fn every_row_has_its_turn_and_there_is_enough_for_the_minutes() {
        let rows = rows::all();
        let plan = plan(1, 30, &rows);
        let steps: Vec<_> = plan.acts.iter().flat_map(|act| &act.steps).collect();
        let names: HashSet<_> = steps.iter().map(|step| step.row).collect();
        assert_eq!(names.len(), rows.len());
        let thought: u64 = steps.iter().map(|step| seconds(&rows, step.row)).sum();
        assert!((2_700..=3_600).contains(&thought), "{thought}");
        for act in &plan.acts {
            let servers = |step: &Step| rows.iter().find(|row| row.name == step.row).unwrap().servers;
            assert!(act.steps.iter().all(|step| servers(step) == act.servers));
        }
    }
}
