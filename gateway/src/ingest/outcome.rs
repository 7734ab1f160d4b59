//! What became of each change: new, stale, replay or conflict. Pure.
//!
//! Inside a batch the first record of a (product, version) counts. Against the database: above the version that the write
//! replaced is *new*, below it *stale*; equal to it is a *replay* when the event is the same and a *conflict* when not.

use std::collections::HashMap;

use schema::{ProductChanged, ProductId};
use uuid::Uuid;

use crate::db::Stored;

/// What became of one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Written.
    New,
    /// Below the stored version: skipped.
    Stale,
    /// The stored version again, by the same event: skipped.
    Replay,
    /// The stored version again, by another event: a dead letter.
    Conflict,
}

impl Outcome {
    /// The name in metrics and the audit log.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Stale => "stale",
            Self::Replay => "replay",
            Self::Conflict => "conflict",
        }
    }
}

/// A batch in the order of the write.
pub(super) struct Sorted<'a> {
    /// The first change of each (product, version), sorted by both.
    pub(super) unique: Vec<&'a ProductChanged>,
    /// For each change of the batch its place in `unique`, and whether it is the one that stands there.
    places: Vec<(usize, bool)>,
}

impl<'a> Sorted<'a> {
    /// Sorts `changes`, which stand in the order of their offsets.
    pub(super) fn new(changes: &'a [(usize, ProductChanged)]) -> Self {
        let mut order: Vec<(usize, &'a ProductChanged)> =
            changes.iter().map(|(_, change)| change).enumerate().collect();
        // stable: of equal ones the first offset stays first
        order.sort_by_key(|(_, change)| (change.product_id, change.version));
        let mut unique: Vec<&ProductChanged> = Vec::with_capacity(order.len());
        let mut places = vec![(0, false); changes.len()];
        for (at, change) in order {
            let is_first = unique
                .last()
                .is_none_or(|last| (last.product_id, last.version) != (change.product_id, change.version));
            if is_first {
                unique.push(change);
            }
            if let Some(place) = places.get_mut(at) {
                *place = (unique.len() - 1, is_first);
            }
        }
        Self { unique, places }
    }

    /// The outcome of each change, in the batch's order; `None` for one whose product has nothing stored (it was refused).
    pub(super) fn outcomes(
        &self,
        changes: &[(usize, ProductChanged)],
        stored: &HashMap<ProductId, Stored>,
    ) -> Vec<Option<Outcome>> {
        let of_one = |((_, change), &(place, is_first)): (&(usize, ProductChanged), &(usize, bool))| {
            let held = stored.get(&change.product_id)?;
            let outcome = judge(change, held);
            match self.unique.get(place) {
                Some(first) if !is_first && outcome == Outcome::New => {
                    Some(same_event(change, Some(first.event_id)))
                }
                _ => Some(outcome),
            }
        };
        changes.iter().zip(&self.places).map(of_one).collect()
    }
}

fn judge(change: &ProductChanged, held: &Stored) -> Outcome {
    let version = change.version.get();
    let (floor, floor_event) = if held.written {
        (held.previous, held.previous_event_id)
    } else {
        (held.product.version.get(), Some(held.event_id))
    };
    match version.cmp(&floor) {
        std::cmp::Ordering::Greater => Outcome::New,
        std::cmp::Ordering::Equal => same_event(change, floor_event),
        std::cmp::Ordering::Less => Outcome::Stale,
    }
}

fn same_event(change: &ProductChanged, event: Option<Uuid>) -> Outcome {
    if event == Some(change.event_id) { Outcome::Replay } else { Outcome::Conflict }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(product: u128, version: i64, event: u128) -> ProductChanged {
        ProductChanged {
            event_id: Uuid::from_u128(event),
            product_id: Uuid::from_u128(product).into(),
            version: version.try_into().unwrap(),
            name: "Tea".try_into().unwrap(),
            price_minor: 100.try_into().unwrap(),
            currency: "EUR".try_into().unwrap(),
            stock: 1.try_into().unwrap(),
            occurred_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    fn held(
        change: &ProductChanged,
        previous: (i64, Option<u128>),
        written: bool,
    ) -> HashMap<ProductId, Stored> {
        let stored = Stored {
            product: change.product(),
            event_id: change.event_id,
            previous: previous.0,
            previous_event_id: previous.1.map(Uuid::from_u128),
            written,
        };
        HashMap::from([(change.product_id, stored)])
    }

    fn outcomes(changes: Vec<ProductChanged>, stored: &HashMap<ProductId, Stored>) -> Vec<Option<Outcome>> {
        let changes: Vec<_> = changes.into_iter().enumerate().collect();
        Sorted::new(&changes).outcomes(&changes, stored)
    }

    #[test]
    fn versions_above_the_replaced_one_are_new_whatever_their_order() {
        let stored = held(&change(1, 6, 60), (4, Some(40)), true);
        let found = outcomes(vec![change(1, 6, 60), change(1, 5, 50), change(1, 3, 30)], &stored);
        assert_eq!(found, [Some(Outcome::New), Some(Outcome::New), Some(Outcome::Stale)]);
    }

    #[test]
    fn an_equal_version_is_judged_by_its_event() {
        let stored = held(&change(1, 6, 60), (5, Some(50)), true);
        let found = outcomes(vec![change(1, 5, 50), change(1, 5, 51), change(1, 6, 60)], &stored);
        assert_eq!(found, [Some(Outcome::Replay), Some(Outcome::Conflict), Some(Outcome::New)]);
        let unwritten = held(&change(1, 6, 60), (5, Some(50)), false);
        let found = outcomes(vec![change(1, 6, 60), change(1, 6, 61), change(1, 5, 50)], &unwritten);
        assert_eq!(found, [Some(Outcome::Replay), Some(Outcome::Conflict), Some(Outcome::Stale)]);
    }

    #[test]
    fn inside_a_batch_the_first_offset_counts() {
        let stored = held(&change(1, 1, 10), (0, None), true);
        let found = outcomes(vec![change(1, 1, 10), change(1, 1, 10), change(1, 1, 11)], &stored);
        assert_eq!(found, [Some(Outcome::New), Some(Outcome::Replay), Some(Outcome::Conflict)]);
    }

    #[test]
    fn the_write_order_is_sorted_and_unique() {
        let changes: Vec<_> = [change(2, 1, 1), change(1, 2, 2), change(1, 1, 3), change(1, 2, 4)]
            .into_iter()
            .enumerate()
            .collect();
        let sorted = Sorted::new(&changes);
        let keys: Vec<_> =
            sorted.unique.iter().map(|c| (c.product_id.uuid().as_u128(), c.version.get())).collect();
        assert_eq!(keys, [(1, 1), (1, 2), (2, 1)]);
        assert_eq!(sorted.unique.get(1).unwrap().event_id, Uuid::from_u128(2));
    }
}
