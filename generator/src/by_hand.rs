//! One change by hand: reads a product's state from its partition, and produces its next version.
//!
//! A running generator makes versions of the same product. It follows changes by hand, so it goes on above this one; but
//! both may take the same version in the same moment. Then the one that stands first in the partition counts, and the
//! other becomes a dead letter. So the partition is read once more after the acknowledgement, and when the version was
//! lost, the next one is tried.

use std::fmt;

use chrono::Utc;
use rand::rngs::StdRng;
use schema::{PriceMinor, Product, ProductChanged, ProductId};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::change::{self, micros};
use crate::config::ChangeArgs;
use crate::produce::topic::{Patience, TopicState};
use crate::produce::{Delivered, ProduceError, Producer, SLICE, Taken, Traffic, partition, topic};
use crate::resume::{End, Reader, Settle};
use crate::start::{RunError, open_audit_log};
use crate::stop::Stop;

/// How often to try for a version of our own.
const TRIES: u32 = 5;

/// Why there was no change.
#[derive(Debug, thiserror::Error)]
pub enum ByHandError {
    /// The topic has no such product.
    #[error(
        "there is no product {product} on topic {topic}; the list of products is at /products of the gateway"
    )]
    UnknownProduct {
        /// The id that was given.
        product: ProductId,
        /// Where it was looked for.
        topic: String,
    },
    /// The product's versions are used up.
    #[error("the versions of product {0} are used up")]
    UsedUp(ProductId),
    /// Somebody else was quicker, every time.
    #[error("somebody else changed product {0} at the same moment, {TRIES} times; try again")]
    LostEachTime(ProductId),
    /// A stop was asked for.
    #[error("stopped before the change was made")]
    Stopped,
}

/// What was done.
#[derive(Debug)]
pub struct Done {
    before: Product,
    after: Product,
    delivered: Delivered,
}

/// Makes the change.
pub fn run(args: &ChangeArgs, runtime: &Handle, stop: &Stop) -> Result<Done, RunError> {
    let common = &args.common;
    let audit = common.audit_log.as_deref().map(open_audit_log).transpose()?;
    let spec = schema::topics::changes(&common.topic);
    let state = topic::ready(runtime, &common.kafka, &spec, Patience::Short, stop)?;
    let TopicState::Ready { partitions } = state else { return Err(ByHandError::Stopped.into()) };
    let mut producer = Producer::new(&common.kafka, &common.topic, Traffic::Single, audit)?;
    producer.connect();
    let partition = partition::of_key(args.product.key().as_bytes(), partitions);
    let mut reader = Reader::new(&common.kafka, &common.topic, [partition])?;
    let mut rng: StdRng = rand::make_rng();
    let mut newest: Option<Product> = None;
    read_on(&mut reader, args.product, stop, |change| keep_newest(&mut newest, change))?;
    for _ in 0..TRIES {
        // what was written while all that was read: the less lies between reading and writing, the fewer collisions
        read_on(&mut reader, args.product, stop, |change| keep_newest(&mut newest, change))?;
        let Some(before) = newest.clone() else {
            let topic = common.topic.clone();
            return Err(ByHandError::UnknownProduct { product: args.product, topic }.into());
        };
        let after = after(&before, args.price, args).ok_or(ByHandError::UsedUp(args.product))?;
        let change = change::announce(&after, Utc::now(), &mut rng);
        let delivered = deliver(&mut producer, &change, stop)?;
        let mut holder: Option<Uuid> = None;
        read_on(&mut reader, args.product, stop, |seen| {
            keep_newest(&mut newest, seen);
            if seen.version == change.version {
                holder.get_or_insert(seen.event_id);
            }
        })?;
        if holder.is_none_or(|holder| holder == change.event_id) {
            return Ok(Done { before, after, delivered });
        }
        tracing::warn!(version = %change.version, "somebody else took this version first; trying the next one");
    }
    Err(ByHandError::LostEachTime(args.product).into())
}

/// Reads the partition to its present end, giving the events of `product` to `take`.
fn read_on(
    reader: &mut Reader,
    product: ProductId,
    stop: &Stop,
    take: impl FnMut(&ProductChanged),
) -> Result<(), RunError> {
    match reader.read_to_end(|id| id == product, take, Settle::Now, stop)? {
        End::Reached => Ok(()),
        End::Stopped => Err(ByHandError::Stopped.into()),
    }
}

/// Of two events with the same version the first counts, as in the database.
fn keep_newest(newest: &mut Option<Product>, change: &ProductChanged) {
    if newest.as_ref().is_none_or(|newest| newest.version < change.version) {
        *newest = Some(change.product());
    }
}

fn after(before: &Product, price: Option<PriceMinor>, args: &ChangeArgs) -> Option<Product> {
    Some(Product {
        version: before.version.next()?,
        price_minor: price.unwrap_or(before.price_minor),
        stock: args.stock.unwrap_or(before.stock),
        occurred_at: micros(Utc::now()),
        ..before.clone()
    })
}

/// Produces `change` and waits until Kafka has it.
fn deliver(producer: &mut Producer, change: &ProductChanged, stop: &Stop) -> Result<Delivered, RunError> {
    if producer.send(change, stop)? == Taken::Stopped {
        return Err(ByHandError::Stopped.into());
    }
    loop {
        if let Some(delivered) = producer.serve(SLICE)?.pop() {
            return Ok(delivered);
        }
        if stop.asked() {
            return Err(ProduceError::Unacknowledged { unacknowledged: 1, sent: 1 }.into());
        }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, after, delivered } = self;
        writeln!(f, "{} ({})", after.name, after.product_id)?;
        writeln!(f, "  price    {} → {}", Money(before), Money(after))?;
        writeln!(f, "  stock    {} → {}", before.stock, after.stock)?;
        writeln!(f, "  version  {} → {}", before.version, after.version)?;
        write!(f, "  written  partition {}, offset {}", delivered.partition, delivered.offset)
    }
}

/// A price with its point where people expect it.
struct Money<'a>(&'a Product);

impl fmt::Display for Money<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Product { price_minor, currency, .. } = self.0;
        let (minor, digits) = (price_minor.get(), usize::from(currency.exponent()));
        let unit = 10_i64.pow(u32::from(currency.exponent()));
        if digits == 0 {
            return write!(f, "{minor} {currency}");
        }
        write!(f, "{}.{:0digits$} {currency}", minor / unit, minor % unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use schema::Currency;

    fn priced(minor: i64, currency: &str) -> String {
        let mut product = change::first(&catalogue::items(1, 1).next().unwrap(), Utc::now());
        product.price_minor = PriceMinor::saturating(minor);
        product.currency = Currency::try_from(currency).unwrap();
        Money(&product).to_string()
    }

    #[test]
    fn money_has_its_point_where_its_currency_has_it() {
        assert_eq!(priced(1205, "EUR"), "12.05 EUR");
        assert_eq!(priced(7, "EUR"), "0.07 EUR");
        assert_eq!(priced(1205, "JPY"), "1205 JPY");
        assert_eq!(priced(1205, "KWD"), "1.205 KWD");
    }
}
