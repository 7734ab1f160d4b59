//! Who works on which partition.

use std::collections::HashSet;

use super::{Case, Findings};
use crate::drill::evidence::audit::Event;

/// Once a replica has given a partition back, nothing of it gets an outcome there, and viewers are told nothing of it,
/// until it comes again. (What is lost was not given: what was in hand may be finished.)
pub(super) fn left_alone(case: &Case<'_>, findings: &mut Findings) {
    let mut given_back = HashSet::new();
    for line in &case.evidence.audit {
        let place = (&line.replica, &line.topic, line.partition);
        match line.event {
            Event::Revoked => drop(given_back.insert(place)),
            Event::Assigned => drop(given_back.remove(&place)),
            event if event.is_outcome() || event.is_told() => {
                findings.check(!given_back.contains(&place), || format!("given back before: {line:?}"));
            }
            _ => {}
        }
    }
}
