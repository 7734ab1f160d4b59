//! A snapshot: the products as they stood at one place of the relay, in pages.
//!
//! Taking one copies pointers only. A page's JSON is made when the first viewer comes to it and then shared: after a
//! reset all viewers of a replica read the same snapshot, each at its own pace.

use std::sync::{Arc, OnceLock};

use bytestring::ByteString;
use schema::{ListedProduct, Rating};

use super::frame::json;
use crate::redis::EntryId;

/// Most products of a page.
const PAGE_PRODUCTS: usize = 100;
/// Most bytes of a page's products.
const PAGE_BYTES: usize = 64 * 1024;
/// Bytes of a product's JSON beside its name, at most: field names, a UUID, a hash, a rating, and each value at its longest.
const FIXED_BYTES: usize = 500;

/// Products at one place of the relay.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Their place: what came up to here is in them.
    pub(super) place: EntryId,
    /// The site's rating there.
    pub(super) site: Option<Rating>,
    products: Vec<Arc<ListedProduct>>,
    pages: Vec<Page>,
}

#[derive(Debug)]
struct Page {
    /// Where its products end.
    end: usize,
    /// JSON array of its products.
    json: OnceLock<ByteString>,
}

impl Snapshot {
    /// A snapshot of `products`, which must be sorted by id, and of the site's rating.
    pub(super) fn new(place: EntryId, products: Vec<Arc<ListedProduct>>, site: Option<Rating>) -> Self {
        let mut pages = Vec::new();
        let (mut start, mut bytes) = (0, 0);
        for (at, listed) in products.iter().enumerate() {
            let takes = FIXED_BYTES + escaped_len(listed.product.name.as_str());
            if at > start && (at - start == PAGE_PRODUCTS || bytes + takes > PAGE_BYTES) {
                pages.push(Page { end: at, json: OnceLock::new() });
                (start, bytes) = (at, 0);
            }
            bytes += takes;
        }
        // the last page is there even when it is empty: it says that the snapshot is over
        pages.push(Page { end: products.len(), json: OnceLock::new() });
        Self { place, site, products, pages }
    }

    /// How many pages there are; at least one.
    pub(super) const fn pages(&self) -> usize {
        self.pages.len()
    }

    /// The data of a `snapshot` frame: page `at`, and what its viewer must know about it.
    pub(super) fn page(&self, at: usize, reset: bool) -> ByteString {
        let start = at.checked_sub(1).and_then(|before| self.pages.get(before)).map_or(0, |page| page.end);
        let Some(page) = self.pages.get(at) else { return ByteString::new() };
        let products =
            page.json.get_or_init(|| json(&self.products.get(start..page.end).unwrap_or_default()));
        let last = at + 1 == self.pages.len();
        format!(r#"{{"products":{products},"reset":{reset},"last":{last}}}"#).into()
    }
}

fn escaped_len(text: &str) -> usize {
    text.bytes()
        .map(|byte| {
            if byte < 0x20 {
                6
            } else if matches!(byte, b'"' | b'\\') {
                2
            } else {
                1
            }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::view::tests::listed;
    use super::*;

    fn read(snapshot: &Snapshot, at: usize) -> schema::frames::Snapshot {
        serde_json::from_str(&snapshot.page(at, true)).unwrap()
    }

    #[test]
    fn pages_hold_all_products_once_and_the_last_says_so() {
        let snapshot =
            Snapshot::new(EntryId::default(), (0..201).map(|id| Arc::new(listed(id, 1, 1))).collect(), None);
        assert_eq!(snapshot.pages(), 3);
        let pages: Vec<_> = (0..3).map(|at| read(&snapshot, at)).collect();
        assert_eq!(pages.iter().map(|p| p.products.len()).collect::<Vec<_>>(), [100, 100, 1]);
        assert_eq!(pages.iter().map(|p| p.last).collect::<Vec<_>>(), [false, false, true]);
        let mut ids: Vec<_> = pages.iter().flat_map(|p| &p.products).map(|p| p.product.product_id).collect();
        ids.dedup();
        assert_eq!(ids.len(), 201);
        assert!(pages[0].reset);
    }

    #[test]
    fn nothing_is_one_page() {
        let snapshot = Snapshot::new(EntryId::default(), Vec::new(), None);
        assert_eq!(snapshot.page(0, false), r#"{"products":[],"reset":false,"last":true}"#);
    }

    #[test]
    fn long_names_make_short_pages() {
        let long = |id| {
            let mut listed = listed(id, (1 << 53) - 1, 1);
            listed.photo.revision = schema::PhotoRevision::MAX;
            let (count, sum) = (i64::MAX, i64::MAX);
            listed.rating = Some(Rating { average: Some(20.0 / 3.0), window: 1000, count, sum });
            let product = &mut listed.product;
            product.name = "\u{1}".repeat(200).as_str().try_into().unwrap();
            product.price_minor = schema::PriceMinor::MAX;
            product.stock = schema::Stock::MAX;
            product.occurred_at = "+262142-12-31T23:59:59.999999999Z".parse().unwrap();
            Arc::new(listed)
        };
        let snapshot = Snapshot::new(EntryId::default(), (0..100).map(long).collect(), None);
        assert!(snapshot.pages() > 1);
        for at in 0..snapshot.pages() {
            assert!(snapshot.page(at, false).len() <= PAGE_BYTES + 64, "{}", snapshot.page(at, false).len());
        }
    }
}
