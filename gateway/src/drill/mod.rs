//! What drills do to a replica from inside: end it between two steps, or have it break a promise.
//!
//! Only a build with the cargo feature `drill` can; in any other, both functions are empty and nothing of this is in the
//! binary.
//!
//! - A [`Step`] is a place between two things that must both happen. `FAILPOINTS='relay_to_offsets=9*off->return'` ends
//!   the process at the tenth passage, with SIGKILL: nothing is flushed, nobody is told.
//! - A [`Bug`] is a defect that the judge of the drills must find. `SHELFWIRE_PLANTED=no_version_guard` plants one.
//!
//! A name that is not known is refused at the start: a drill that does nothing would prove nothing.

#[cfg(feature = "drill")]
mod armed;

#[cfg(feature = "drill")]
pub use armed::{passes, planted, start};

/// Where a process can be made to die. In the environment the names are in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The batch's changes are written, and their transaction is about to be committed.
    ApplyBeforeCommit,
    /// Their transaction is committed, and nothing of the batch is relayed.
    CommitToRelay,
    /// The batch is relayed, and its offsets are not committed.
    RelayToOffsets,
    /// The batch's ratings are counted, and their transaction is about to be committed.
    FoldBeforeCommit,
    /// Their transaction is committed, and no total is relayed.
    FoldToRelay,
    /// The totals are relayed, and the offsets are not committed.
    FoldToOffsets,
    /// Partitions are being given back, and writers have been told.
    Revoke,
    /// A dead letter was acknowledged; others of the batch may be on their way, and its offsets are not committed.
    DeadLetter,
    /// The replica has left its groups, and viewers are being sent away.
    Drain,
}

/// A defect that can be planted. In the environment the names are in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Offsets of a batch are committed before it is written.
    CommitBeforeWrite,
    /// An older version overwrites a newer one.
    NoVersionGuard,
    /// A product whose changes were all stored before is not relayed.
    SkipRelayOnReplay,
    /// Of what has gathered the newer half is worked on first, and its offsets are committed at once.
    CommitHighestFinished,
    /// Partitions are given back while writers work on what they have of them.
    ForgetRevoke,
    /// A rating that comes again counts again.
    RatingsWithoutProgress,
    /// A viewer that comes back misses the first relay entry after its cursor.
    ResumeOffByOne,
    /// Every fiftieth frame does not get into its viewer's outbox.
    DropFromOutbox,
}

/// Reads from the environment what is to happen.
///
/// # Errors
/// A line that names what is not known.
#[cfg(not(feature = "drill"))]
pub const fn start() -> Result<(), String> {
    Ok(())
}

/// The process passes `step`, or ends there.
#[cfg(not(feature = "drill"))]
pub const fn passes(_step: Step) {}

/// Whether `bug` is planted here and now.
#[cfg(not(feature = "drill"))]
pub const fn planted(_bug: Bug) -> bool {
    false
}
