//! What became of changes: the rows, the history, and what replicas said of them.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Case, Findings};
use crate::drill::evidence::audit::Event;
use crate::drill::evidence::tables::Product;

/// Every change that Kafka acknowledged stands in the topic, and its product's row is not older.
pub(super) fn acknowledged_is_stored(case: &Case<'_>, findings: &mut Findings) {
    let products = &case.evidence.tables.products;
    let events: HashSet<(Uuid, i64, Uuid)> =
        case.good().map(|(_, _, change)| (change.product, change.version, change.event)).collect();
    for produced in &case.evidence.produced {
        let stored = products.get(&produced.product_id).map_or(0, |row| row.shown.version);
        let there = events.contains(&(produced.product_id, produced.version, produced.event_id));
        findings.check(there && stored >= produced.version, || {
            format!("stored in version {stored}, in the topic: {there}: {produced:?}")
        });
    }
}

/// Each product's row is the highest version of its records, and there is no row without a record.
pub(super) fn row_is_the_fold(case: &Case<'_>, findings: &mut Findings) {
    // of several records of one version the first one counts; on one partition it is known which that is
    let mut newest: HashMap<Uuid, Vec<_>> = HashMap::new();
    for (topic, record, change) in case.good() {
        let held = newest.entry(change.product).or_default();
        let version = held.first().map_or(0, |(_, _, first): &(_, _, &super::Change)| first.version);
        if change.version > version {
            held.clear();
        }
        let place = (topic, record.partition);
        let known = held.iter().any(|(other, _, _)| *other == place);
        if change.version >= version && !known {
            held.push((place, record.offset, change));
        }
    }
    let rows = &case.evidence.tables.products;
    for (product, candidates) in &newest {
        let row = rows.get(product);
        let fits = row.is_some_and(|row| candidates.iter().any(|(_, _, change)| change.stored == *row));
        findings.check(fits, || format!("{product}: {row:?}, but the topic says {candidates:?}"));
    }
    for (product, row) in rows.iter().filter(|(product, _)| !newest.contains_key(product)) {
        findings.check(false, || format!("{product}: {row:?} without a record"));
    }
}

/// History has each (product, version) once, as some record says, and what was told as new is there.
pub(super) fn history_is_true(case: &Case<'_>, findings: &mut Findings) {
    let sent: HashMap<(Uuid, i64, Uuid), &Product> = case
        .good()
        .map(|(_, _, change)| ((change.product, change.version, change.event), &change.stored))
        .collect();
    let mut seen = HashSet::new();
    for (product, row) in &case.evidence.tables.history {
        let version = row.shown.version;
        let once = seen.insert((*product, version));
        let sent = sent.get(&(*product, version, row.event));
        findings.check(once && sent == Some(&row), || {
            format!("{product}, once {once}: {row:?}, but the topic says {sent:?}")
        });
    }
    let new = case.evidence.audit.iter().filter(|line| line.event == Event::New);
    for line in new {
        let there = line.product.is_some_and(|product| seen.contains(&(product, line.version)));
        findings.check(there, || format!("new, and not in the history: {line:?}"));
    }
    for (product, row) in &case.evidence.tables.products {
        let there = seen.contains(&(*product, row.shown.version));
        findings.check(there, || format!("{product} is stored in a version that history lacks: {row:?}"));
    }
}

/// No two records of one (product, version) were new.
pub(super) fn new_once(case: &Case<'_>, findings: &mut Findings) {
    let mut first = HashMap::new();
    for line in case.evidence.audit.iter().filter(|line| line.event == Event::New) {
        let before = first.insert((line.product, line.version), line);
        findings
            .check(before.is_none(), || format!("{} says so, and before {before:?}: {line:?}", line.replica));
    }
}
