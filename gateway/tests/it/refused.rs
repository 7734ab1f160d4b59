//! Values that the database refuses, although the contract allows them.

use crate::helpers::{Change, Gate, World, change, gate};

/// A price that the test's table does not take.
const REFUSED: i64 = 666;

async fn world_that_refuses(name: &str) -> World {
    let world = World::shared(name, 2).await;
    world
        .sql
        .run(&format!("ALTER TABLE products ADD CONSTRAINT taste CHECK (price_minor <> {REFUSED})"))
        .await;
    world
}

/// `good` products and `bad` ones, the bad ones spread among the others.
fn mixed(good: usize, bad: usize) -> (Vec<Change>, Vec<Change>) {
    let good: Vec<_> = (0..good).map(|_| Change::of(change::product(), 1)).collect();
    let bad: Vec<_> =
        (0..bad).map(|_| Change { price: REFUSED, ..Change::of(change::product(), 1) }).collect();
    let every = good.len() / bad.len();
    let mut all = Vec::new();
    for (at, change) in good.iter().enumerate() {
        all.push(change.clone());
        if at % every == every - 1 {
            all.extend(bad.get(at / every).cloned());
        }
    }
    (all, bad)
}

#[tokio::test]
async fn a_value_that_the_database_refuses_is_rejected_alone() {
    let world = world_that_refuses("rejected").await;
    let (_gateway, producer) = (world.gateway("gw1", &[]), world.producer());
    let mut gate = Gate::close(&world).await;
    gate.stop_writer(&world, &producer, 0).await;
    let (all, bad) = mixed(100, 5);
    let offsets = producer.changes_to(0, &all).await;
    gate::until_fetched(&world, &producer, 1).await;
    gate.open().await;
    world.until_all_committed().await;

    for change in &all {
        let expected = (!bad.contains(change)).then_some((1, change.price));
        assert_eq!(world.stored(change.product).await, expected);
    }
    let letters = world.letters();
    assert_eq!(letters.len(), bad.len());
    for letter in letters {
        assert_eq!(letter.header("dlq-reason").as_deref(), Some("rejected"));
        assert!(letter.header("dlq-error").unwrap().contains("taste"), "names the rule: {letter:?}");
        let offset: i64 = letter.header("dlq-offset").unwrap().parse().unwrap();
        let at = offsets.iter().position(|other| *other == offset).unwrap();
        assert!(bad.contains(&all[at]));
        assert_eq!(letter.value, Some(all[at].value()));
    }
}

#[tokio::test]
async fn a_later_version_of_a_refused_product_is_applied() {
    let world = world_that_refuses("refused_then_good").await;
    let (_gateway, producer, product) = (world.gateway("gw1", &[]), world.producer(), change::product());
    let mut row = Change::row(product, 1, 3);
    row[1].price = REFUSED;
    producer.changes_to(0, &row).await;
    world.until_all_committed().await;

    assert_eq!(world.stored(product).await, Some((3, 103)));
    // when all are of one batch only the newest version meets the table's rule, and all are history
    let history = world.history(product).await;
    assert!(history == [1, 3] || history == [1, 2, 3], "{history:?}");
    crate::helpers::relay::follow(&world.frames().await);
}

#[tokio::test]
async fn a_table_that_refuses_many_rows_dead_letters_none() {
    let world = world_that_refuses("many").await;
    let (gateway, producer) = (world.gateway("gw1", &[]), world.producer());
    let mut gate = Gate::close(&world).await;
    gate.stop_writer(&world, &producer, 0).await;
    let (all, _) = mixed(100, 20);
    producer.changes_to(0, &all).await;
    gate::until_fetched(&world, &producer, 1).await;
    gate.open().await;
    gateway.process.until_logged("taste").await;
    assert_eq!(world.letters(), []);

    world.sql.run("ALTER TABLE products DROP CONSTRAINT taste").await;
    world.until_all_committed().await;
    for change in &all {
        assert_eq!(world.stored(change.product).await, Some((1, change.price)));
    }
    assert_eq!(world.letters(), []);
}
