//! The judge: one function an invariant, from evidence to how often it was looked at and what broke it.
//!
//! It reads [`Evidence`] and nothing else, parses records itself ([`decode`]), and holds the services to what they
//! promise, not to what they say. An invariant that was never looked at is a violation too: a check without anything to
//! check is no pass. Each one has a test in which a violation made by hand is caught ([`tests`]).

mod changes;
mod commits;
mod decode;
mod letters;
mod owned;
mod photos;
mod processes;
mod ratings;
#[cfg(test)]
mod tests;
mod viewers;

use serde::Serialize;

use self::decode::Change;
use super::evidence::{Evidence, Record};
use super::world::{CHANGES, REDRIVE};

/// Violations that are told in words; further ones are only counted.
const TOLD: usize = 10;

/// What the judge found on one invariant.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Verdict {
    pub(crate) invariant: &'static str,
    pub(crate) checked: u64,
    pub(crate) violations: u64,
    /// The first violations, for a person.
    pub(crate) told: Vec<String>,
}

/// What is gathered while one invariant is judged.
#[derive(Debug, Default)]
struct Findings {
    checked: u64,
    violations: u64,
    told: Vec<String>,
}

impl Findings {
    /// Looks at one thing.
    fn check(&mut self, holds: bool, violation: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.violations += 1;
            if self.told.len() < TOLD {
                self.told.push(violation());
            }
        }
    }
}

/// Evidence, with the changes of its topics read.
struct Case<'e> {
    evidence: &'e Evidence,
    /// Topic, record, and what it holds; no change: poison.
    changes: Vec<(&'static str, &'e Record, Option<Change>)>,
}

impl<'e> Case<'e> {
    fn of(evidence: &'e Evidence) -> Self {
        let topics = [CHANGES, REDRIVE].into_iter();
        let records =
            topics.flat_map(|topic| evidence.topic(topic).iter().map(move |record| (topic, record)));
        Self {
            evidence,
            changes: records.map(|(topic, record)| (topic, record, decode::change(record))).collect(),
        }
    }

    /// The changes that are as agreed.
    fn good(&self) -> impl Iterator<Item = (&'static str, &'e Record, &Change)> {
        self.changes.iter().filter_map(|(topic, record, change)| Some((*topic, *record, change.as_ref()?)))
    }
}

/// Whether there is anything to judge: a row that broke off, or evidence that could not be read, violates this one.
pub(crate) const PLAYED: &str = "every row is played to its end";

type Invariant = fn(&Case<'_>, &mut Findings);

/// Every invariant, by the words of the report.
const INVARIANTS: [(&str, Invariant); 25] = [
    (PLAYED, processes::played),
    ("after a fault the lag ends and all are ready", processes::well_again),
    ("an acknowledged change is stored, or a newer one", changes::acknowledged_is_stored),
    ("a row is the newest record of its product", changes::row_is_the_fold),
    ("history holds a version once, as it was sent", changes::history_is_true),
    ("a version is new at most once", changes::new_once),
    ("what is committed has its outcome and was told before", commits::nothing_early),
    ("a replica leaves alone what it gave back", owned::left_alone),
    ("commits never go back", commits::never_back),
    ("all is committed in the end", commits::all_in_the_end),
    ("one dead letter for each bad record, none else", letters::one_each),
    ("dead letters carry what they owe", letters::carry),
    ("what is sent back arrives, and is counted", letters::sent_back),
    ("a viewer's versions only grow", viewers::only_grow),
    ("a viewer has no hole that it was not told of", viewers::no_hole),
    ("a viewer is told what was agreed", viewers::as_agreed),
    ("viewers show what the database holds", viewers::converged),
    ("after the last fault they do within 10 s", viewers::converged_soon),
    ("totals are the ratings of the topic, each once", ratings::totals_are_the_fold),
    ("an acknowledged rating is in the topic, and none unsent", ratings::acknowledged_is_there),
    ("a photo is what its tag says", photos::match_their_tags),
    ("a photo is not older than 5 s", photos::not_old),
    ("memory stays below its cap", processes::memory),
    ("no descriptor leaks", processes::descriptors),
    ("programs end when they are asked to, well and in 10 s", processes::ends),
];

/// Judges all invariants.
pub(crate) fn judge(evidence: &Evidence) -> Vec<Verdict> {
    let case = Case::of(evidence);
    let of_one = |(invariant, judge): &(&'static str, Invariant)| {
        let mut findings = Findings::default();
        judge(&case, &mut findings);
        if findings.checked == 0 {
            findings.violations += 1;
            findings.told.push("never looked at: there was nothing to check".to_owned());
        }
        let Findings { checked, violations, told } = findings;
        Verdict { invariant, checked, violations, told }
    };
    INVARIANTS.iter().map(of_one).collect()
}
