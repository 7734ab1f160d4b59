//! The view: the newest state of each product that this replica knows, in memory.
//!
//! It is loaded from Postgres when an epoch is entered and then follows the relay. The database is written before the
//! relay, so a loaded state may be ahead of the entries that follow; these are older news for whoever has the loaded
//! state, and still news for a viewer that comes with a cursor from before. The view therefore decides for whom a frame
//! is: [`Audience::All`], [`Audience::Resumed`], or nobody.
//!
//! **Invariant:** per product, versions of the frames for all viewers rise, and so do those of the frames for resumed
//! ones (which get both kinds). So whoever starts at a snapshot or at a cursor never gets a lower version later.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::Arc;

use schema::{Product, ProductId};

use super::frame::Audience;

/// One product's state.
#[derive(Debug)]
struct Held {
    product: Arc<Product>,
    /// Version of the newest frame of the relay since the view was loaded; 0 while there was none.
    relayed: i64,
}

/// The newest state of each product. Sorted by id, so that pages of it need no sorting.
#[derive(Debug, Default)]
pub(super) struct View {
    products: BTreeMap<ProductId, Held>,
}

impl View {
    /// Takes a state from Postgres, when the view is loaded.
    pub(super) fn load(&mut self, product: Product) {
        self.products.insert(product.product_id, Held { product: Arc::new(product), relayed: 0 });
    }

    /// Takes a state from the relay and says who should hear of it.
    pub(super) fn fold(&mut self, product: &Arc<Product>) -> Option<Audience> {
        let version = product.version.get();
        match self.products.entry(product.product_id) {
            Entry::Vacant(free) => {
                free.insert(Held { product: Arc::clone(product), relayed: version });
                Some(Audience::All)
            }
            Entry::Occupied(mut held) => {
                let held = held.get_mut();
                if version <= held.relayed {
                    return None;
                }
                held.relayed = version;
                if version <= held.product.version.get() {
                    return Some(Audience::Resumed);
                }
                held.product = Arc::clone(product);
                Some(Audience::All)
            }
        }
    }

    /// One product.
    pub(super) fn get(&self, id: ProductId) -> Option<&Arc<Product>> {
        self.products.get(&id).map(|held| &held.product)
    }

    /// All products behind `after`, by id.
    pub(super) fn products_after(&self, after: Option<ProductId>) -> impl Iterator<Item = &Arc<Product>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.products.range((from, Bound::Unbounded)).map(|(_, held)| &held.product)
    }

    /// How many products there are.
    pub(super) fn len(&self) -> usize {
        self.products.len()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A product for tests: `id` and `version`, the rest does not matter.
    pub(in crate::live) fn product(id: u128, version: i64) -> Arc<Product> {
        Arc::new(Product {
            product_id: uuid::Uuid::from_u128(id).into(),
            version: version.try_into().unwrap(),
            name: "Tea".try_into().unwrap(),
            price_minor: 250.try_into().unwrap(),
            currency: "EUR".try_into().unwrap(),
            stock: 7.try_into().unwrap(),
            occurred_at: chrono::DateTime::UNIX_EPOCH,
        })
    }

    fn versions(view: &View) -> Vec<i64> {
        view.products_after(None).map(|p| p.version.get()).collect()
    }

    #[test]
    fn a_state_never_goes_back() {
        let mut view = View::default();
        assert_eq!(view.fold(&product(1, 5)), Some(Audience::All));
        assert_eq!(view.fold(&product(1, 4)), None);
        assert_eq!(view.fold(&product(1, 5)), None);
        assert_eq!(view.fold(&product(1, 6)), Some(Audience::All));
        assert_eq!(versions(&view), [6]);
    }

    #[test]
    fn older_news_than_the_loaded_state_are_for_resumed_viewers() {
        let mut view = View::default();
        view.load(Arc::unwrap_or_clone(product(1, 6)));
        let audiences: Vec<_> = [4, 3, 6, 6, 7].iter().map(|v| view.fold(&product(1, *v))).collect();
        let all = Some(Audience::All);
        assert_eq!(audiences, [Some(Audience::Resumed), None, Some(Audience::Resumed), None, all]);
        assert_eq!(versions(&view), [7]);
    }

    #[test]
    fn products_come_by_id() {
        let mut view = View::default();
        for id in [3, 1, 2] {
            view.fold(&product(id, 1));
        }
        let ids: Vec<_> =
            view.products_after(Some(uuid::Uuid::from_u128(1).into())).map(|p| p.product_id).collect();
        assert_eq!(ids, [uuid::Uuid::from_u128(2).into(), uuid::Uuid::from_u128(3).into()]);
        assert_eq!(view.len(), 3);
    }
}
