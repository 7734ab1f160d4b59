//! Processes: memory, descriptors, and how they end.

use super::{Case, Findings};
use crate::drill::world::process::GRACE;

/// What a replica may take: the ring, photos, waiting records and outboxes at their bounds, and the program itself.
const CAP: u64 = 512 * 1024 * 1024;
/// Descriptors of a replica without viewers: its listener, its threads' own, pools, clients of Kafka.
const IDLE_FDS: usize = 400;

/// Each row did what it was to do, and all that is to be judged could be read.
pub(super) fn played(case: &Case<'_>, findings: &mut Findings) {
    for fault in &case.evidence.faults {
        findings.check(fault.error.is_none(), || {
            format!("{} failed: {}", fault.row, fault.error.as_deref().unwrap_or_default())
        });
    }
    for trouble in &case.evidence.troubles {
        findings.check(false, || trouble.clone());
    }
}

/// After each fault the lanes catch up and the replicas are ready.
pub(super) fn well_again(case: &Case<'_>, findings: &mut Findings) {
    for fault in &case.evidence.faults {
        findings.check(fault.back_ms.is_some(), || format!("{fault:?}"));
    }
}

/// No process of ours ever took more than its cap.
pub(super) fn memory(case: &Case<'_>, findings: &mut Findings) {
    for usage in &case.evidence.processes {
        findings
            .check(usage.peak_bytes <= CAP && usage.peak_bytes > 0, || format!("more than {CAP}: {usage:?}"));
    }
}

/// When all viewers have gone, a process has no more descriptors than one that just started may have.
pub(super) fn descriptors(case: &Case<'_>, findings: &mut Findings) {
    for usage in &case.evidence.processes {
        if let Some(fds) = usage.last_fds {
            findings.check(fds <= IDLE_FDS, || format!("more than {IDLE_FDS} in the end: {usage:?}"));
        }
    }
}

/// Whoever is asked to end does so with exit code 0 in time; nobody ends by itself.
pub(super) fn ends(case: &Case<'_>, findings: &mut Findings) {
    let grace = case.evidence.allowed(GRACE);
    for ended in &case.evidence.ended {
        findings.check(ended.asked && ended.code == Some(0) && ended.took <= grace, || format!("{ended:?}"));
    }
}
