//! What a viewer follows: all products, or a set.

use std::collections::BTreeSet;

use schema::ProductId;

/// Products that a viewer follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Interest {
    /// All, those to come included.
    All,
    /// These.
    Only(BTreeSet<ProductId>),
}

impl Interest {
    /// Nothing.
    pub(super) const NONE: Self = Self::Only(BTreeSet::new());

    /// Whether `id` is followed.
    pub(super) fn has(&self, id: ProductId) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
        }
    }

    /// What `wanted` names and this does not.
    pub(super) fn missing(&self, wanted: &Self) -> Self {
        match (self, wanted) {
            (Self::All, _) => Self::NONE,
            (_, Self::All) => Self::All,
            (Self::Only(ids), Self::Only(more)) => Self::Only(more - ids),
        }
    }

    /// Follows `more`, too.
    pub(super) fn add(&mut self, more: &Self) {
        match (&mut *self, more) {
            (Self::All, _) => {}
            (_, Self::All) => *self = Self::All,
            (Self::Only(ids), Self::Only(more)) => ids.extend(more),
        }
    }

    /// Leaves out `gone`; all products less some can't be told, so nothing is left of them.
    pub(super) fn without(&mut self, gone: &Self) {
        match (&mut *self, gone) {
            (Self::Only(ids), Self::Only(gone)) => ids.retain(|id| !gone.contains(id)),
            _ => *self = Self::NONE,
        }
    }

    /// Follows `gone` no more. Who follows all can't leave single ones out: then nothing changes and the answer is false.
    pub(super) fn unsubscribe(&mut self, gone: &BTreeSet<ProductId>) -> bool {
        match self {
            Self::All => false,
            Self::Only(ids) => {
                ids.retain(|id| !gone.contains(id));
                true
            }
        }
    }

    /// How many products are named; 0 for all.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Only(ids) => ids.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(ids: &[u128]) -> Interest {
        Interest::Only(ids.iter().map(|id| uuid::Uuid::from_u128(*id).into()).collect())
    }

    #[test]
    fn widening_names_what_is_new() {
        assert_eq!(only(&[1, 2]).missing(&only(&[2, 3])), only(&[3]));
        assert_eq!(Interest::All.missing(&only(&[2])), Interest::NONE);
        assert_eq!(only(&[1]).missing(&Interest::All), Interest::All);
        let mut interest = only(&[1]);
        interest.add(&only(&[2]));
        assert_eq!(interest, only(&[1, 2]));
        interest.without(&only(&[1]));
        assert_eq!(interest, only(&[2]));
        interest.add(&Interest::All);
        assert_eq!(interest, Interest::All);
        assert!(interest.has(uuid::Uuid::from_u128(9).into()));
    }

    #[test]
    fn single_products_can_be_left_only_by_who_named_them() {
        let Interest::Only(gone) = only(&[1]) else { unreachable!() };
        let mut interest = only(&[1, 2]);
        assert!(interest.unsubscribe(&gone));
        assert_eq!(interest, only(&[2]));
        assert!(!Interest::All.unsubscribe(&gone));
    }
}
