//! Which positions are finished, and what may be committed.
//!
//! **Invariant:** what is committed for a partition never goes back within an assignment, and never belongs to an
//! assignment that has ended.

use std::collections::HashMap;
use std::time::Instant;

use super::record::{Position, Record};

/// Positions whose records all have their outcome: for each partition the next offset to read, with the number of
/// the assignment under which the work was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished(pub HashMap<Position, (u64, i64)>);

impl Finished {
    /// What is finished once all of `records` are.
    pub fn of(records: &[Record]) -> Self {
        let mut finished = HashMap::new();
        for record in records {
            let next = record.offset + 1;
            match finished.get_mut(&record.position) {
                Some(entry) => {
                    let (_, held): &mut (u64, i64) = entry;
                    *held = next.max(*held);
                }
                None => {
                    finished.insert(record.position.clone(), (record.assignment, next));
                }
            }
        }
        Self(finished)
    }
}

/// The partitions that this process owns, and how far each is committed.
#[derive(Debug, Default)]
pub(super) struct Owned {
    next_number: u64,
    partitions: HashMap<Position, Ownership>,
    /// Commits that the group did not take: one that is being put together anew refuses them. A partition to which
    /// nothing comes any more would otherwise stay behind for ever.
    again: Finished,
}

#[derive(Debug)]
struct Ownership {
    number: u64,
    /// The last commit that was asked for, and when. Whether the group took it is told apart.
    committed: Option<(i64, Instant)>,
    /// Being taken away: what is in hand may finish, nothing new may start.
    revoking: bool,
}

impl Owned {
    /// The partition comes here; returns the assignment's number.
    pub(super) fn assign(&mut self, position: Position) -> u64 {
        self.next_number += 1;
        let number = self.next_number;
        self.partitions.insert(position, Ownership { number, committed: None, revoking: false });
        number
    }

    /// The partition is about to go.
    pub(super) fn revoking(&mut self, position: &Position) {
        if let Some(ownership) = self.partitions.get_mut(position) {
            ownership.revoking = true;
        }
    }

    /// The partition has gone.
    pub(super) fn remove(&mut self, position: &Position) {
        self.partitions.remove(position);
    }

    /// The number of the partition's assignment, while it is here to stay.
    pub(super) fn number(&self, position: &Position) -> Option<u64> {
        self.partitions.get(position).filter(|o| !o.revoking).map(|o| o.number)
    }

    /// What of `finished` moves a partition forward under its present assignment, asked for at `now`.
    pub(super) fn committable(&mut self, finished: &Finished, now: Instant) -> Vec<(Position, i64)> {
        let mut forward = Vec::new();
        for (position, (number, next)) in &finished.0 {
            let Some(ownership) = self.partitions.get_mut(position).filter(|o| o.number == *number) else {
                continue;
            };
            if ownership.committed.is_none_or(|(committed, _)| committed < *next) {
                ownership.committed = Some((*next, now));
                forward.push((position.clone(), *next));
            }
        }
        forward
    }

    /// The commit of `next` may not have been taken: it is made again, unless a later one is made before.
    pub(super) fn commit_again(&mut self, position: &Position, next: i64) {
        let Some(ownership) = self.partitions.get_mut(position) else { return };
        if ownership.committed.take_if(|(committed, _)| *committed == next).is_some() {
            self.again.0.insert(position.clone(), (ownership.number, next));
        }
    }

    /// The last commits of `partitions` are made again, whatever became of them.
    pub(super) fn commit_last_again(&mut self, partitions: &[Position]) {
        for position in partitions {
            if let Some((next, _)) = self.partitions.get(position).and_then(|o| o.committed) {
                self.commit_again(position, next);
            }
        }
    }

    /// `known` tells what the group has: commits from before `asked_before` that it does not have are made again.
    pub(super) fn check(&mut self, known: impl Fn(&Position) -> Option<i64>, asked_before: Instant) {
        let is_missing = |(position, ownership): (&Position, &Ownership)| {
            let (next, _) = ownership.committed.filter(|(_, asked_at)| *asked_at < asked_before)?;
            (known(position)? < next).then(|| (position.clone(), next))
        };
        let missing: Vec<_> = self.partitions.iter().filter_map(is_missing).collect();
        for (position, next) in &missing {
            self.commit_again(position, *next);
        }
    }

    /// What is to be committed again.
    pub(super) fn take_again(&mut self) -> Finished {
        std::mem::take(&mut self.again)
    }

    /// All partitions that are here.
    pub(super) fn positions(&self) -> impl Iterator<Item = &Position> {
        self.partitions.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(partition: i32) -> Position {
        Position { topic: "t".into(), partition }
    }

    fn finished(partition: i32, number: u64, next: i64) -> Finished {
        Finished(HashMap::from([(position(partition), (number, next))]))
    }

    #[test]
    fn a_commit_never_goes_back() {
        let mut owned = Owned::default();
        let number = owned.assign(position(1));
        assert_eq!(owned.committable(&finished(1, number, 10), Instant::now()), [(position(1), 10)]);
        assert_eq!(owned.committable(&finished(1, number, 10), Instant::now()), []);
        assert_eq!(owned.committable(&finished(1, number, 9), Instant::now()), []);
    }

    #[test]
    fn work_of_an_ended_assignment_is_not_committed() {
        let mut owned = Owned::default();
        let old = owned.assign(position(1));
        owned.remove(&position(1));
        assert_eq!(owned.committable(&finished(1, old, 10), Instant::now()), []);
        let new = owned.assign(position(1));
        assert_eq!(owned.committable(&finished(1, old, 10), Instant::now()), []);
        assert_eq!(owned.committable(&finished(1, new, 5), Instant::now()), [(position(1), 5)]);
    }

    #[test]
    fn a_commit_that_the_group_does_not_have_is_made_again_unless_it_was_overtaken() {
        let (mut owned, now) = (Owned::default(), Instant::now());
        let later = now + std::time::Duration::from_secs(1);
        let number = owned.assign(position(1));
        owned.committable(&finished(1, number, 10), now);
        for known in [Some(10), None] {
            owned.check(|_| known, later);
            assert_eq!(owned.take_again(), Finished::default(), "{known:?}");
        }
        owned.check(|_| Some(9), now);
        assert_eq!(owned.take_again(), Finished::default(), "it may be on its way");
        owned.check(|_| Some(9), later);
        assert_eq!(owned.take_again(), finished(1, number, 10));
        assert_eq!(owned.committable(&finished(1, number, 10), now), [(position(1), 10)]);
        owned.commit_last_again(&[position(1), position(2)]);
        assert_eq!(owned.committable(&finished(1, number, 11), now), [(position(1), 11)]);
        let again = owned.take_again();
        assert_eq!(owned.committable(&again, now), []);
    }

    #[test]
    fn a_partition_on_its_way_out_may_finish_but_not_start() {
        let mut owned = Owned::default();
        let number = owned.assign(position(1));
        owned.revoking(&position(1));
        assert_eq!(owned.number(&position(1)), None);
        assert_eq!(owned.committable(&finished(1, number, 3), Instant::now()), [(position(1), 3)]);
    }
}
