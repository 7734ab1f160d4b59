//! What a change does to a product.
//!
//! Most changes sell a piece or a few; when little is left, a delivery comes; now and then the price moves, by some
//! percent around the list price, so that it neither runs away nor dies. Each change differs from what was before in
//! its price or its stock, so that a viewer sees something move.

use chrono::{DateTime, SubsecRound, Utc};
use rand::{Rng, RngExt};
use schema::{PriceMinor, Product, ProductChanged, Stock, Version};
use uuid::Builder;

use crate::catalogue::{Item, shop_price};

/// Stock below which a delivery is likely, pieces.
const LOW_STOCK: i64 = 5;
/// How far a price moves away from the list price, part of it.
const PRICE_SWING: f64 = 0.3;

/// The state with which a product of the catalogue begins.
pub fn first(item: &Item, now: DateTime<Utc>) -> Product {
    Product {
        product_id: item.product_id,
        version: Version::MIN,
        name: item.name.clone(),
        price_minor: item.list_price,
        currency: item.currency,
        stock: item.stock,
        occurred_at: micros(now),
    }
}

/// The state after one more change; `None` when the versions are used up.
pub fn next(
    before: &Product,
    list_price: PriceMinor,
    now: DateTime<Utc>,
    rng: &mut impl Rng,
) -> Option<Product> {
    let mut after = before.clone();
    after.version = before.version.next()?;
    after.occurred_at = micros(now);
    match rng.random_range(0..10) {
        0..=6 => after.stock = traded(before.stock, rng),
        7 | 8 => after.price_minor = priced(before.price_minor, list_price, rng),
        _ => {
            after.stock = traded(before.stock, rng);
            after.price_minor = priced(before.price_minor, list_price, rng);
        }
    }
    Some(after)
}

/// The event that announces `state`: a new id, made from `now` and randomness (UUID v7).
pub fn announce(state: &Product, now: DateTime<Utc>, rng: &mut impl Rng) -> ProductChanged {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    ProductChanged {
        event_id: Builder::from_unix_timestamp_millis(millis, &rng.random()).into_uuid(),
        product_id: state.product_id,
        version: state.version,
        name: state.name.clone(),
        price_minor: state.price_minor,
        currency: state.currency,
        stock: state.stock,
        occurred_at: state.occurred_at,
    }
}

/// A sale, or a delivery when little is left.
fn traded(stock: Stock, rng: &mut impl Rng) -> Stock {
    let left = stock.get();
    if left == 0 || (left < LOW_STOCK && rng.random_bool(0.5)) {
        return Stock::saturating(left + rng.random_range(2..=20) * 12);
    }
    Stock::saturating((left - rng.random_range(1..=3)).max(0))
}

/// Another price, within the swing around the list price.
fn priced(price: PriceMinor, list_price: PriceMinor, rng: &mut impl Rng) -> PriceMinor {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "prices are below 2^53")]
    let minor = (list_price.get() as f64 * (1.0 + rng.random_range(-PRICE_SWING..PRICE_SWING))) as i64;
    let wanted = PriceMinor::saturating(shop_price(minor));
    if wanted == price { PriceMinor::saturating(wanted.get() + 10) } else { wanted }
}

/// What a change says of its time has microseconds, because the database keeps no more.
pub(crate) fn micros(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn a_product() -> (Item, Product) {
        let item = catalogue::items(1, 1).next().unwrap();
        let product = first(&item, Utc::now());
        (item, product)
    }

    #[test]
    fn each_change_is_the_next_version_and_changes_something() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (item, mut product) = a_product();
        for version in 2..2000 {
            let after = next(&product, item.list_price, Utc::now(), &mut rng).unwrap();
            assert_eq!(after.version.get(), version);
            assert!((after.price_minor, after.stock) != (product.price_minor, product.stock));
            assert_eq!((&after.name, after.currency), (&product.name, product.currency));
            product = after;
        }
        let part = product.price_minor.get() * 100 / item.list_price.get();
        assert!((60..=140).contains(&part), "the price stays near the list price: {part} %");
    }

    #[test]
    fn the_last_version_has_no_next_change() {
        let (item, mut product) = a_product();
        product.version = Version::MAX;
        assert!(next(&product, item.list_price, Utc::now(), &mut ChaCha8Rng::seed_from_u64(1)).is_none());
    }

    #[test]
    fn an_event_is_readable_by_the_contract() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (_, product) = a_product();
        let event = announce(&product, Utc::now(), &mut rng);
        let json = serde_json::to_vec(&event).unwrap();
        let key = event.product_id.key();
        let read = ProductChanged::decode(Some(key.as_bytes()), Some(&json), None, None).unwrap();
        assert_eq!(read, event);
        assert_eq!(read.product(), product);
    }

    #[test]
    fn no_two_events_share_an_id() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (_, product) = a_product();
        let now = Utc::now();
        assert_ne!(announce(&product, now, &mut rng).event_id, announce(&product, now, &mut rng).event_id);
    }
}
