//! The worker: random changes on a timer.
//!
//! It starts where the topic ends ([`start`](crate::start)), announces the products that the topic lacks, and then
//! loops: take in what others wrote, make the ticks that are due, serve acknowledgements; until the count is reached
//! or a stop is asked for. Then it flushes.
//!
//! **Invariant:** a product's state moves on exactly when Kafka's buffer has taken the change. So no version is
//! skipped, and none is used twice, however the buffer, the broker or a stop gets in between.
//!
//! Changes that others make to our products, by hand most likely, are followed while the worker is paced: the next tick
//! builds on them. At full speed it would have to read back all that it writes; there it follows nobody.

use std::collections::HashMap;
use std::time::Instant;

use chrono::Utc;
use rand::rngs::StdRng;
use schema::{PriceMinor, Product, ProductChanged, ProductId};
use tokio::runtime::Handle;

use crate::catalogue::{self, Item};
use crate::change;
use crate::choose::Choose;
use crate::config::RunArgs;
use crate::pace::{Pace, Rate};
use crate::produce::{Producer, SLICE, Taken, Traffic};
use crate::report::{Report, Summary};
use crate::resume::{Known, Reader, Settle};
use crate::start::{RunError, Started, start};
use crate::stop::Stop;

/// From this rate on changes wait some milliseconds to travel together, changes a second.
const BULK_FROM: f64 = 2000.0;
/// Most records of others that are taken in between two ticks.
const CATCH_UP: usize = 1000;

/// A product of ours.
struct Slot {
    state: Product,
    list_price: PriceMinor,
}

/// The products of ours, by place in the catalogue.
struct Slots {
    slots: Vec<Slot>,
    places: HashMap<ProductId, usize>,
}

/// The products of ours.
pub fn items(args: &RunArgs) -> impl Iterator<Item = Item> + Clone + Send + use<> {
    let shard = args.shard;
    catalogue::items(args.seed, args.products).filter(move |item| shard.owns(item.product_id))
}

/// Makes random changes until the count is reached or a stop is asked for.
pub fn run(args: &RunArgs, runtime: &Handle, stop: &Stop) -> Result<Summary, RunError> {
    let items = || items(args);
    let places: HashMap<ProductId, usize> =
        items().enumerate().map(|(place, item)| (item.product_id, place)).collect();
    let choose = Choose::new(places.len(), args.zipf).ok_or(RunError::NothingToDo(args.shard))?;
    let (traffic, follow) = match args.rate {
        Rate::Max => (Traffic::Bulk, false),
        Rate::PerSecond(rate) if rate >= BULK_FROM => (Traffic::Bulk, true),
        Rate::PerSecond(_) => (Traffic::Paced, true),
    };
    let Some(Started { mut producer, known, reader }) =
        start(&args.common, traffic, |id| places.contains_key(&id), Settle::Still, runtime, stop)?
    else {
        return Ok(Summary::default());
    };
    let mut rng: StdRng = rand::make_rng();
    let mut others = follow.then_some(reader);
    if let Some(slots) = announce(items(), known, &mut producer, &mut rng, stop)? {
        let slots = Slots { slots, places };
        tick(args, slots, &choose, &mut producer, others.as_mut(), &mut rng, stop)?;
    }
    producer.flush(stop)?;
    Ok(Summary::of(&producer))
}

/// Sends version 1 of each product that the topic lacks; `None` when a stop came first.
fn announce(
    items: impl Iterator<Item = Item>,
    mut known: Known,
    producer: &mut Producer,
    rng: &mut StdRng,
    stop: &Stop,
) -> Result<Option<Vec<Slot>>, RunError> {
    let mut slots = Vec::new();
    let mut new = 0_u64;
    for item in items {
        let state = if let Some(state) = known.take(item.product_id) {
            state
        } else {
            let now = Utc::now();
            let first = change::first(&item, now);
            let taken = producer.send(&change::announce(&first, now, rng), stop)?;
            if taken == Taken::Stopped || stop.asked() {
                return Ok(None);
            }
            new += 1;
            first
        };
        slots.push(Slot { state, list_price: item.list_price });
    }
    tracing::info!(products = slots.len(), new, "catalogue ready");
    Ok(Some(slots))
}

/// Changes a random product at each tick.
fn tick(
    args: &RunArgs,
    mut products: Slots,
    choose: &Choose,
    producer: &mut Producer,
    mut others: Option<&mut Reader>,
    rng: &mut StdRng,
    stop: &Stop,
) -> Result<(), RunError> {
    let mut pace = Pace::new(args.rate, Instant::now());
    let mut report = Report::new(Instant::now());
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 && !stop.asked() {
        if let Some(others) = &mut others {
            others.catch_up(CATCH_UP, |change| products.follow(change))?;
        }
        let due = pace.due(Instant::now()).min(Pace::PORTION).min(left);
        for _ in 0..due {
            pace.made_one();
            left -= 1;
            let Some(slot) = products.slots.get_mut(choose.place(rng)) else { continue };
            let now = Utc::now();
            // a product whose versions are used up changes no more
            let Some(next) = change::next(&slot.state, slot.list_price, now, rng) else { continue };
            match producer.send(&change::announce(&next, now, rng), stop)? {
                Taken::Yes => slot.state = next,
                Taken::Stopped => return Ok(()),
            }
        }
        let now = Instant::now();
        let delivered = producer.serve(pace.next_at().saturating_duration_since(now).min(SLICE))?;
        if let Some(others) = &mut others {
            others.expect(&delivered);
        }
        report.look(producer, now);
    }
    Ok(())
}

impl Slots {
    /// Takes in a change that may be another's; our own have no higher version than the state.
    fn follow(&mut self, change: &ProductChanged) {
        let slot = self.places.get(&change.product_id).and_then(|place| self.slots.get_mut(*place));
        if let Some(slot) = slot.filter(|slot| slot.state.version < change.version) {
            tracing::info!(product = %change.product_id, version = %change.version, "somebody else changed a product of ours; going on from there");
            slot.state = change.product();
        }
    }
}
