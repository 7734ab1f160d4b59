//! The view: the newest state of each product that this replica knows, in memory.
//!
//! It is loaded from Postgres when an epoch is entered and then follows the relay. The database is written before the
//! relay, so a loaded state may be ahead of the entries that follow; these are older news for whoever has the loaded
//! state, and still news for a viewer that comes with a cursor from before. The view therefore decides for whom a frame
//! is: [`Audience::All`], [`Audience::Resumed`], or nobody.
//!
//! What is known of a product beside its state (its photo, its rating) is held apart, for it may come first; whatever is
//! shown of a product is put together from both. So a frame of its state that was made before the photo never brings the
//! older one back. The site's rating stands beside those of products.
//!
//! **Invariant:** per product, versions of the frames for all viewers rise, and so do those of the frames for resumed
//! ones (which get both kinds). So whoever starts at a snapshot or at a cursor never gets a lower version later.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use schema::frames::RatingChanged;
use schema::{ListedProduct, PhotoChanged, PhotoMark, Product, ProductId, Rating, Subject};

use super::frame::{Audience, Beside};

/// One product's state.
#[derive(Debug)]
struct Held {
    listed: Arc<ListedProduct>,
    /// Version of the newest frame of the relay since the view was loaded; 0 while there was none.
    relayed: i64,
}

/// Something beside a product's state: the newest one, by a number that rises.
#[derive(Debug)]
struct Newest<T> {
    value: T,
    number: i64,
    /// Whether a frame of the relay told it since the view was loaded.
    relayed: bool,
}

impl<T> Newest<T> {
    const fn loaded(value: T, number: i64) -> Self {
        Self { value, number, relayed: false }
    }

    /// Takes one from the relay and says who should hear of it. One below what is held is for nobody, not even for
    /// viewers that have an older one: frames of the product tell what is held, and a lower one behind them would take
    /// these viewers back.
    fn fold(&mut self, value: T, number: i64) -> Option<Audience> {
        if number < self.number || (number == self.number && self.relayed) {
            return None;
        }
        let is_new = number > self.number;
        *self = Self { value, number, relayed: true };
        Some(if is_new { Audience::All } else { Audience::Resumed })
    }
}

/// The newest state of each product. Sorted by id, so that pages of it need no sorting.
#[derive(Debug, Default)]
pub(super) struct View {
    products: BTreeMap<ProductId, Held>,
    /// Of products that ever had one; the product itself may be on its way.
    photos: HashMap<ProductId, Newest<PhotoMark>>,
    /// Of what was ever rated; the product itself may be on its way.
    ratings: HashMap<Subject, Newest<Rating>>,
}

impl View {
    /// Takes a state from Postgres, when the view is loaded.
    pub(super) fn load(&mut self, listed: ListedProduct) {
        let id = listed.product.product_id;
        if listed.photo != PhotoMark::NONE {
            self.photos.insert(id, Newest::loaded(listed.photo, listed.photo.revision.get()));
        }
        if let Some(rating) = listed.rating {
            self.load_rating(id.into(), rating);
        }
        self.products.insert(id, Held { listed: Arc::new(listed), relayed: 0 });
    }

    /// Takes a rating from Postgres, when the view is loaded.
    pub(super) fn load_rating(&mut self, subject: Subject, rating: Rating) {
        self.ratings.insert(subject, Newest::loaded(rating, rating.count));
    }

    /// Takes a state from the relay and says who should hear of it.
    pub(super) fn fold(&mut self, product: Product) -> Option<Audience> {
        let version = product.version.get();
        let Beside { photo, rating } = self.beside(product.product_id);
        match self.products.entry(product.product_id) {
            Entry::Vacant(free) => {
                let listed = Arc::new(ListedProduct { product, photo, rating });
                free.insert(Held { listed, relayed: version });
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
                held.listed = Arc::new(ListedProduct { product, photo, rating });
                Some(Audience::All)
            }
        }
    }

    /// Takes a photo's change from the relay and says who should hear of it.
    pub(super) fn fold_photo(&mut self, change: &PhotoChanged) -> Option<Audience> {
        let mark = change.mark();
        let held = self.photos.entry(change.product_id).or_insert(Newest::loaded(PhotoMark::NONE, 0));
        let audience = held.fold(mark, mark.revision.get());
        if audience == Some(Audience::All)
            && let Some(product) = self.products.get_mut(&change.product_id)
        {
            Arc::make_mut(&mut product.listed).photo = mark;
        }
        audience
    }

    /// Takes a rating's change from the relay and says who should hear of it.
    pub(super) fn fold_rating(&mut self, change: &RatingChanged) -> Option<Audience> {
        let RatingChanged { subject, rating } = *change;
        let held = self.ratings.entry(subject).or_insert(Newest::loaded(rating, 0));
        let audience = held.fold(rating, rating.count);
        if audience == Some(Audience::All)
            && let Some(product) = subject.product_id().and_then(|id| self.products.get_mut(&id))
        {
            Arc::make_mut(&mut product.listed).rating = Some(rating);
        }
        audience
    }

    /// What is known of a product beside its state.
    pub(super) fn beside(&self, id: ProductId) -> Beside {
        let photo = self.photos.get(&id).map_or(PhotoMark::NONE, |held| held.value);
        Beside { photo, rating: self.rating(id.into()) }
    }

    /// What a subject's ratings add up to.
    pub(super) fn rating(&self, subject: Subject) -> Option<Rating> {
        self.ratings.get(&subject).map(|held| held.value)
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
        ListedProduct { product: product(id, version), photo: photo(id, revision).mark(), rating: None }
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

    /// A rating's change, of a product or of the site.
    pub(in crate::live) fn rated(id: Option<u128>, count: i64) -> RatingChanged {
        let subject = id.map_or(Subject::Site, |id| Subject::Product(uuid::Uuid::from_u128(id).into()));
        RatingChanged { subject, rating: Rating { average: Some(1.0), window: 10, count, sum: count } }
    }

    #[test]
    fn a_rating_never_goes_back_whatever_comes_of_its_product() {
        let mut view = View::default();
        view.load(ListedProduct { rating: Some(rated(Some(1), 5).rating), ..listed(1, 3, 0) });
        let audiences = [4, 5, 5, 7, 6].map(|count| view.fold_rating(&rated(Some(1), count)));
        assert_eq!(audiences, [None, Some(Audience::Resumed), None, Some(Audience::All), None]);
        view.fold(product(1, 4));
        let shown: Vec<_> = view.products_after(None).map(|p| p.rating.unwrap().count).collect();
        assert_eq!(shown, [7]);
        assert_eq!(view.fold_rating(&rated(None, 1)), Some(Audience::All));
        assert_eq!(view.rating(Subject::Site).map(|rating| rating.count), Some(1));
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
