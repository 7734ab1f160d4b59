//! The view: the newest state of each product that this replica knows, in memory.
//!
//! It is loaded from Postgres when an epoch is entered and then follows the relay. The database is written before the
//! relay, so a loaded state may be ahead of the entries that follow; these are older news for whoever has the loaded
//! state, and still news for a viewer that comes with a cursor from before. The view therefore decides for whom a frame
//! is: [`Audience::All`], [`Audience::Resumed`], or nobody.
//!
//! What is known of a product beside its state (its photo) is held apart, for it may come first; whatever is shown of a
//! product is put together from both. So a frame of its state that was made before the photo never brings the older one
//! back.
//!
//! **Invariant:** per product, versions of the frames for all viewers rise, and so do those of the frames for resumed
//! ones (which get both kinds). So whoever starts at a snapshot or at a cursor never gets a lower version later.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use schema::{ListedProduct, PhotoChanged, PhotoMark, Product, ProductId};

use super::frame::Audience;

/// One product's state.
#[derive(Debug)]
struct Held {
    listed: Arc<ListedProduct>,
    /// Version of the newest frame of the relay since the view was loaded; 0 while there was none.
    relayed: i64,
}

/// One product's photo.
#[derive(Debug)]
struct HeldPhoto {
    mark: PhotoMark,
    /// Whether a frame of the relay told it since the view was loaded.
    relayed: bool,
}

/// The newest state of each product. Sorted by id, so that pages of it need no sorting.
#[derive(Debug, Default)]
pub(super) struct View {
    products: BTreeMap<ProductId, Held>,
    /// Of products that ever had one; the product itself may be on its way.
    photos: HashMap<ProductId, HeldPhoto>,
}

impl View {
    /// Takes a state from Postgres, when the view is loaded.
    pub(super) fn load(&mut self, listed: ListedProduct) {
        let id = listed.product.product_id;
        if listed.photo != PhotoMark::NONE {
            self.photos.insert(id, HeldPhoto { mark: listed.photo, relayed: false });
        }
        self.products.insert(id, Held { listed: Arc::new(listed), relayed: 0 });
    }

    /// Takes a state from the relay and says who should hear of it.
    pub(super) fn fold(&mut self, product: Product) -> Option<Audience> {
        let version = product.version.get();
        let photo = self.photo(product.product_id);
        match self.products.entry(product.product_id) {
            Entry::Vacant(free) => {
                free.insert(Held { listed: Arc::new(ListedProduct { product, photo }), relayed: version });
                Some(Audience::All)
            }
            Entry::Occupied(mut held) => {
                let held = held.get_mut();
                if version <= held.relayed {
                    return None;
                }
                held.relayed = version;
                if version <= held.listed.product.version.get() {
                    return Some(Audience::Resumed);
                }
                held.listed = Arc::new(ListedProduct { product, photo });
                Some(Audience::All)
            }
        }
    }

    /// Takes a photo's change from the relay and says who should hear of it. One below what is held is for nobody, not
    /// even for viewers that have an older one: every frame tells the photo that is held, and a lower one behind it
    /// would take them back.
    pub(super) fn fold_photo(&mut self, change: &PhotoChanged) -> Option<Audience> {
        let mark = change.mark();
        let held = self
            .photos
            .entry(change.product_id)
            .or_insert(HeldPhoto { mark: PhotoMark::NONE, relayed: false });
        if mark.revision < held.mark.revision || (mark.revision == held.mark.revision && held.relayed) {
            return None;
        }
        held.relayed = true;
        if mark.revision == held.mark.revision {
            return Some(Audience::Resumed);
        }
        held.mark = mark;
        if let Some(product) = self.products.get_mut(&change.product_id) {
            Arc::make_mut(&mut product.listed).photo = mark;
        }
        Some(Audience::All)
    }

    /// The photo of a product.
    pub(super) fn photo(&self, id: ProductId) -> PhotoMark {
        self.photos.get(&id).map_or(PhotoMark::NONE, |held| held.mark)
    }

    /// One product.
    pub(super) fn get(&self, id: ProductId) -> Option<&Arc<ListedProduct>> {
        self.products.get(&id).map(|held| &held.listed)
    }

    /// All products behind `after`, by id.
    pub(super) fn products_after(
        &self,
        after: Option<ProductId>,
    ) -> impl Iterator<Item = &Arc<ListedProduct>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.products.range((from, Bound::Unbounded)).map(|(_, held)| &held.listed)
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
    pub(in crate::live) fn product(id: u128, version: i64) -> Product {
        Product {
            product_id: uuid::Uuid::from_u128(id).into(),
            version: version.try_into().unwrap(),
            name: "Tea".try_into().unwrap(),
            price_minor: 250.try_into().unwrap(),
            currency: "EUR".try_into().unwrap(),
            stock: 7.try_into().unwrap(),
            occurred_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    /// The same as lists show it, with the photo of a revision.
    pub(in crate::live) fn listed(id: u128, version: i64, revision: i64) -> ListedProduct {
        ListedProduct { product: product(id, version), photo: photo(id, revision).mark() }
    }

    /// A photo's change; its hash tells the revision, and revision 0 is none.
    pub(in crate::live) fn photo(id: u128, revision: i64) -> PhotoChanged {
        let hash = (revision > 0).then(|| [u8::try_from(revision).unwrap(); 32].into());
        let product_id = uuid::Uuid::from_u128(id).into();
        PhotoChanged { product_id, hash, revision: revision.try_into().unwrap() }
    }

    /// Version and photo of each product.
    fn held(view: &View) -> Vec<(i64, i64)> {
        view.products_after(None).map(|p| (p.product.version.get(), p.photo.revision.get())).collect()
    }

    #[test]
    fn a_state_never_goes_back() {
        let mut view = View::default();
        assert_eq!(view.fold(product(1, 5)), Some(Audience::All));
        assert_eq!(view.fold(product(1, 4)), None);
        assert_eq!(view.fold(product(1, 5)), None);
        assert_eq!(view.fold(product(1, 6)), Some(Audience::All));
        assert_eq!(held(&view), [(6, 0)]);
    }

    #[test]
    fn older_news_than_the_loaded_state_are_for_resumed_viewers() {
        let mut view = View::default();
        view.load(listed(1, 6, 0));
        let audiences: Vec<_> = [4, 3, 6, 6, 7].iter().map(|v| view.fold(product(1, *v))).collect();
        let all = Some(Audience::All);
        assert_eq!(audiences, [Some(Audience::Resumed), None, Some(Audience::Resumed), None, all]);
        assert_eq!(held(&view), [(7, 0)]);
    }

    #[test]
    fn a_state_that_was_made_before_the_photo_does_not_bring_the_old_one_back() {
        let mut view = View::default();
        view.load(listed(1, 5, 3));
        assert_eq!(view.fold_photo(&photo(1, 4)), Some(Audience::All));
        view.fold(product(1, 6));
        assert_eq!(held(&view), [(6, 4)]);
        assert_eq!([3, 4].map(|revision| view.fold_photo(&photo(1, revision))), [None, None]);
        assert_eq!(held(&view), [(6, 4)]);
    }

    #[test]
    fn a_photo_may_come_before_its_product() {
        let mut view = View::default();
        assert_eq!(view.fold_photo(&photo(1, 1)), Some(Audience::All));
        view.fold(product(1, 1));
        assert_eq!(held(&view), [(1, 1)]);
    }

    #[test]
    fn of_photos_up_to_the_loaded_one_only_that_is_told_to_resumed_viewers() {
        let mut view = View::default();
        view.load(listed(1, 1, 5));
        let audiences = [4, 5, 5, 4, 6].map(|revision| view.fold_photo(&photo(1, revision)));
        assert_eq!(audiences, [None, Some(Audience::Resumed), None, None, Some(Audience::All)]);
    }

    #[test]
    fn products_come_by_id() {
        let mut view = View::default();
        for id in [3, 1, 2] {
            view.fold(product(id, 1));
        }
        let ids: Vec<_> = view
            .products_after(Some(uuid::Uuid::from_u128(1).into()))
            .map(|p| p.product.product_id)
            .collect();
        assert_eq!(ids, [uuid::Uuid::from_u128(2).into(), uuid::Uuid::from_u128(3).into()]);
        assert_eq!(view.len(), 3);
    }
}
