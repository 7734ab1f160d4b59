//! What the topic already says about the products: the newest state of each, from which the generator goes on.
//!
//! The topic is the generator's only memory. At start it is read to its end ([`Reader::read_to_end`]), and the highest
//! valid version of each product counts ([`Known::fold`]). While changes are made at a paced rate the reader goes on
//! reading, so that a change made by hand moves the running generator on instead of colliding with its next version.
//!
//! Records that are not events of the contract are skipped: they have no version here, and the gateway keeps them as
//! dead letters.

mod clients;
mod decode;
mod ends;
mod reader;

use std::collections::HashMap;

use schema::{Product, ProductChanged, ProductId};

pub use reader::{End, Reader, ResumeError, Settle};

/// The newest known state of each product.
#[derive(Debug, Default)]
pub struct Known(HashMap<ProductId, Product>);

/// What a record said that was not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    /// A higher version: it is the state now.
    Newer,
    /// A version at or below the known one.
    Known,
}

impl Known {
    /// Takes in one event. Of two events with the same version the first counts, as it does in the database.
    pub fn fold(&mut self, change: &ProductChanged) -> Folded {
        let known = self.0.get(&change.product_id).map(|product| product.version);
        if known.is_some_and(|version| version >= change.version) {
            return Folded::Known;
        }
        self.0.insert(change.product_id, change.product());
        Folded::Newer
    }

    /// The newest state of `product`.
    pub fn get(&self, product: ProductId) -> Option<&Product> {
        self.0.get(&product)
    }

    /// Takes the state of `product` out.
    pub fn take(&mut self, product: ProductId) -> Option<Product> {
        self.0.remove(&product)
    }

    /// How many products are known.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue, change};
    use chrono::Utc;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use schema::{Stock, Version};

    fn event(version: i64, stock: i64) -> ProductChanged {
        let mut product = change::first(&catalogue::items(1, 1).next().unwrap(), Utc::now());
        product.version = Version::try_from(version).unwrap();
        product.stock = Stock::try_from(stock).unwrap();
        change::announce(&product, Utc::now(), &mut ChaCha8Rng::seed_from_u64(1))
    }

    #[test]
    fn the_highest_version_counts_wherever_it_stands() {
        let mut known = Known::default();
        let folded: Vec<Folded> =
            [event(1, 10), event(3, 30), event(2, 20)].iter().map(|e| known.fold(e)).collect();
        assert_eq!(folded, [Folded::Newer, Folded::Newer, Folded::Known]);
        let state = known.get(event(1, 0).product_id).unwrap();
        assert_eq!((state.version.get(), state.stock.get()), (3, 30));
    }

    #[test]
    fn of_two_equal_versions_the_first_counts() {
        let mut known = Known::default();
        known.fold(&event(5, 1));
        assert_eq!(known.fold(&event(5, 2)), Folded::Known);
        assert_eq!(known.get(event(5, 0).product_id).unwrap().stock.get(), 1);
    }
}
