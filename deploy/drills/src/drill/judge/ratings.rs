//! Ratings: each counts once, however often it was sent, read or folded.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use super::{Case, Findings, decode};
use crate::drill::fleet::photos::hex;
use crate::drill::world::RATINGS;

/// Count and sum of each subject are those of the topic's records, of one key the first one.
pub(super) fn totals_are_the_fold(case: &Case<'_>, findings: &mut Findings) {
    let mut keys = HashSet::new();
    let mut totals: HashMap<String, (i64, i64)> = HashMap::new();
    for rating in case.evidence.topic(RATINGS).iter().filter_map(decode::rating) {
        if rating.key.is_none_or(|key| keys.insert((rating.subject.clone(), key))) {
            let total = totals.entry(rating.subject).or_default();
            *total = (total.0 + 1, total.1 + rating.rate);
        }
    }
    let stored = &case.evidence.tables.ratings;
    let subjects: HashSet<&String> = totals.keys().chain(stored.keys()).collect();
    for subject in subjects {
        let (folded, stored) = (totals.get(subject), stored.get(subject));
        findings
            .check(folded == stored, || format!("{subject}: stored {stored:?}, the topic says {folded:?}"));
    }
}

/// What was answered 202 stands in the topic as it was sent; and nothing stands there that nobody sent.
pub(super) fn acknowledged_is_there(case: &Case<'_>, findings: &mut Findings) {
    let records = case.evidence.topic(RATINGS).iter().filter_map(decode::rating);
    let there: HashMap<(String, String), i64> =
        records.filter_map(|rating| Some(((rating.subject, rating.key?), rating.rate))).collect();
    let mut sent = HashSet::new();
    for rating in &case.evidence.ratings {
        let key = (rating.subject.clone(), hex(&Sha256::digest(rating.key.as_bytes())));
        let found = there.get(&key);
        findings.check(found == Some(&rating.rate) || (found.is_none() && !rating.acknowledged), || {
            format!("{rating:?} stands in the topic as {found:?}")
        });
        sent.insert(key);
    }
    for unknown in there.keys().filter(|key| !sent.contains(*key)) {
        findings.check(false, || format!("nobody sent {unknown:?}"));
    }
}
