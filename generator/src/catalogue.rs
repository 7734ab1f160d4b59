//! The products of the shop, made from a seed and a count.
//!
//! Product `k` depends on the seed and on `k` alone: a larger catalogue begins with the smaller one, and every start,
//! on every machine, knows the same products. The stock-keeping unit names the seed, so catalogues of two seeds share
//! no product. Prices are mostly in euro, around what such a thing costs in a shop.

mod words;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schema::{Currency, Name, PriceMinor, ProductId, Stock};

use words::{BRANDS, CURRENCIES, QUALITIES, THINGS, Thing};

/// A product as the catalogue lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The stock-keeping unit.
    pub sku: String,
    /// The id that follows from it.
    pub product_id: ProductId,
    /// What it is called.
    pub name: Name,
    /// What kind of thing it is.
    pub thing: &'static str,
    /// The price around which its prices move.
    pub list_price: PriceMinor,
    /// The currency of its prices, for ever.
    pub currency: Currency,
    /// Pieces on the first day.
    pub stock: Stock,
}

/// The first `count` products of the catalogue of `seed`.
pub fn items(seed: u64, count: u32) -> impl Iterator<Item = Item> + Clone {
    (1..=count).map(move |number| item(seed, number))
}

fn item(seed: u64, number: u32) -> Item {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // a stream of its own for each product
    rng.set_stream(u64::from(number));
    let thing = pick(&mut rng, THINGS);
    let sku = format!("{}-{seed}-{number:05}", thing.department);
    let (currency, factor) = currency(&mut rng);
    Item {
        product_id: ProductId::from_sku(&sku),
        name: name(&mut rng, thing),
        thing: thing.name,
        list_price: list_price(&mut rng, thing, currency, factor),
        currency,
        stock: Stock::saturating(rng.random_range(5..=240)),
        sku,
    }
}

fn name(rng: &mut impl Rng, thing: &Thing) -> Name {
    let brand = pick(rng, BRANDS);
    let quality = pick(rng, QUALITIES);
    let kind = pick(rng, thing.kinds);
    Name::try_from(format!("{brand} {quality} {}, {kind}", thing.name).as_str())
        .expect("the word lists make names of fewer than 200 characters")
}

/// A currency, and what one euro is worth in it.
fn currency(rng: &mut impl Rng) -> (Currency, f64) {
    let mut at = rng.random_range(0..100);
    let (code, _, worth) = CURRENCIES
        .iter()
        .find(|(_, percent, _)| {
            let here = at < *percent;
            at = at.saturating_sub(*percent);
            here
        })
        .unwrap_or(&CURRENCIES[0]);
    (Currency::try_from(*code).expect("the list has codes of ISO 4217"), *worth)
}

/// A price within the thing's range, near the lower end more often, ending as shop prices do.
fn list_price(rng: &mut impl Rng, thing: &Thing, currency: Currency, worth: f64) -> PriceMinor {
    let (low, high) = thing.euros;
    let euros = low * (high / low).powf(rng.random::<f64>().powi(2));
    #[expect(clippy::cast_possible_truncation, reason = "at most some millions")]
    let minor = (euros * worth * 10_f64.powi(i32::from(currency.exponent()))) as i64;
    PriceMinor::saturating(shop_price(minor))
}

/// The nearest lower price that ends in 9, at least 9: 1234 becomes 1229.
pub(crate) fn shop_price(minor: i64) -> i64 {
    ((minor + 1) / 10 * 10 - 1).max(9)
}

fn pick<'a, T>(rng: &mut impl Rng, list: &'a [T]) -> &'a T {
    let place = rng.random_range(0..list.len());
    list.get(place).expect("the place is within the list")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_same_seed_gives_the_same_products() {
        assert!(items(1, 200).eq(items(1, 200)));
        assert!(items(1, 100).eq(items(1, 200).take(100)), "a larger catalogue begins with the smaller one");
    }

    #[test]
    fn no_product_comes_twice_not_even_with_two_seeds() {
        let ids: HashSet<ProductId> = items(1, 5000).chain(items(2, 5000)).map(|i| i.product_id).collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn a_known_product_stays_what_it_is() {
        let first = items(1, 1).next().unwrap();
        let text = format!("{} {} {} {}", first.sku, first.name, first.list_price, first.currency);
        assert_eq!(text, "GAR-1-00001 Ulmia Classic Hand Trowel, steel 739 EUR");
    }

    #[test]
    fn prices_are_mostly_in_euro_and_end_in_nine() {
        let all: Vec<Item> = items(1, 2000).collect();
        let euros = all.iter().filter(|i| i.currency.code() == "EUR").count();
        assert!((1600..1900).contains(&euros), "{euros}");
        assert!(all.iter().all(|i| i.list_price.get() % 10 == 9));
        assert!(all.iter().all(|i| i.list_price.get() < 10_000_000));
    }

    #[test]
    fn a_shop_price_ends_in_nine() {
        assert_eq!([1234, 1229, 3, 0].map(shop_price), [1229, 1229, 9, 9]);
    }
}
