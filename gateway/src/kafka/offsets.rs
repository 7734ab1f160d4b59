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
    /// Commits that the group refused, and when to try them again. A group that is being put together anew refuses
    /// them; a partition to which nothing comes any more would otherwise stay behind for ever.
    refused: Option<(Instant, Finished)>,
}

#[derive(Debug)]
struct Ownership {
    number: u64,
    committed: Option<i64>,
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

    /// What of `finished` moves a partition forward under its present assignment.
    pub(super) fn committable(&mut self, finished: &Finished) -> Vec<(Position, i64)> {
        let mut forward = Vec::new();
        for (position, (number, next)) in &finished.0 {
            let Some(ownership) = self.partitions.get_mut(position).filter(|o| o.number == *number) else {
                continue;
            };
            if ownership.committed.is_none_or(|committed| committed < *next) {
                ownership.committed = Some(*next);
                forward.push((position.clone(), *next));
            }
        }
        forward
    }

    /// The group did not take the commit of `next`: it is tried again at `retry_at`, unless a later one is made before.
    pub(super) fn refused(&mut self, position: Position, next: i64, retry_at: Instant) {
        let Some(ownership) = self.partitions.get_mut(&position).filter(|o| o.committed == Some(next)) else {
            return;
        };
        ownership.committed = None;
        let (at, refused) = self.refused.get_or_insert_with(|| (retry_at, Finished::default()));
        *at = retry_at;
        refused.0.insert(position, (ownership.number, next));
    }

    /// The refused commits, once it is time to try them again.
    pub(super) fn due(&mut self, now: Instant) -> Option<Finished> {
        self.refused.take_if(|(at, _)| *at <= now).map(|(_, finished)| finished)
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
        assert_eq!(owned.committable(&finished(1, number, 10)), [(position(1), 10)]);
        assert_eq!(owned.committable(&finished(1, number, 10)), []);
        assert_eq!(owned.committable(&finished(1, number, 9)), []);
    }

    #[test]
    fn work_of_an_ended_assignment_is_not_committed() {
        let mut owned = Owned::default();
        let old = owned.assign(position(1));
        owned.remove(&position(1));
        assert_eq!(owned.committable(&finished(1, old, 10)), []);
        let new = owned.assign(position(1));
        assert_eq!(owned.committable(&finished(1, old, 10)), []);
        assert_eq!(owned.committable(&finished(1, new, 5)), [(position(1), 5)]);
    }

    #[test]
    fn a_refused_commit_is_made_again_unless_it_was_overtaken() {
        let (mut owned, now) = (Owned::default(), Instant::now());
        let later = now + std::time::Duration::from_secs(1);
        let number = owned.assign(position(1));
        owned.committable(&finished(1, number, 10));
        owned.refused(position(1), 9, later);
        assert_eq!(owned.due(later), None, "9 is not what was committed last");
        owned.refused(position(1), 10, later);
        assert_eq!(owned.due(now), None);
        let due = owned.due(later).unwrap();
        assert_eq!(owned.committable(&due), [(position(1), 10)]);
        owned.refused(position(1), 10, later);
        assert_eq!(owned.committable(&finished(1, number, 11)), [(position(1), 11)]);
        let due = owned.due(later).unwrap();
        assert_eq!(owned.committable(&due), []);
    }

    #[test]
    fn a_partition_on_its_way_out_may_finish_but_not_start() {
        let mut owned = Owned::default();
        let number = owned.assign(position(1));
        owned.revoking(&position(1));
        assert_eq!(owned.number(&position(1)), None);
        assert_eq!(owned.committable(&finished(1, number, 3)), [(position(1), 3)]);
    }
}
