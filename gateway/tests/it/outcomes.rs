//! What becomes of a version that is not above the stored one.

use crate::helpers::{Change, World, change};

#[tokio::test]
async fn a_stale_version_is_skipped() {
    let world = World::shared("stale", 2).await;
    let (gateway, producer, product) = (world.gateway("gw1", &[]), world.producer(), change::product());
    let row = Change::row(product, 1, 3);
    producer.changes_to(0, &row).await;
    world.until_stored(product, 3).await;

    // the second one comes late, from a writer that does not know of the third: another event, other data
    let late = Change { price: 9_999, ..Change::of(product, 2) };
    let at = producer.changes_to(0, &[late, row[0].clone()]).await;
    world.until_all_committed().await;

    assert_eq!(world.stored(product).await, Some((3, 103)));
    assert_eq!(world.history(product).await, [1, 2, 3]);
    assert_eq!(world.letters(), []);
    let audit = gateway.audit();
    for offset in at {
        let found = audit.iter().find(|line| line.offset == Some(offset) && line.is_outcome());
        assert_eq!(found.unwrap().event, "stale");
    }
}

#[tokio::test]
async fn an_equal_version_with_another_event_goes_to_the_dead_letters() {
    let world = World::shared("conflict", 2).await;
    let (gateway, producer, product) = (world.gateway("gw1", &[]), world.producer(), change::product());
    let row = Change::row(product, 1, 2);
    producer.changes_to(1, &row).await;
    world.until_stored(product, 2).await;

    let other = Change { price: 9_999, ..Change::of(product, 2) };
    let at = producer.changes_to(1, &[other.clone(), row[1].clone()]).await;
    world.until_all_committed().await;

    assert_eq!(world.stored(product).await, Some((2, 102)), "the first event of a version stays");
    assert_eq!(world.history(product).await, [1, 2]);
    let letters = world.letters();
    assert_eq!(letters.len(), 1, "the replay is skipped, the conflict is not: {letters:?}");
    let letter = &letters[0];
    assert_eq!(letter.header("dlq-reason").unwrap(), "conflict");
    assert_eq!(letter.key, Some(format!("{}/1/{}", world.topic, at[0]).into_bytes()));
    assert_eq!(letter.value, Some(other.value()));
    assert_eq!(letter.header("dlq-key"), Some(other.key()));
    let audit = gateway.audit();
    let outcome = |offset| audit.iter().find(|line| line.offset == Some(offset)).unwrap().event.clone();
    assert_eq!([outcome(at[0]), outcome(at[1])], ["conflict", "replay"]);
}

#[tokio::test]
async fn inside_one_batch_the_first_event_of_a_version_counts() {
    use crate::helpers::{Gate, gate};

    let world = World::shared("batch", 2).await;
    let (_gateway, producer, product) = (world.gateway("gw1", &[]), world.producer(), change::product());
    let mut gate = Gate::close(&world).await;
    gate.stop_writer(&world, &producer, 0).await;
    let row = Change::row(product, 1, 3);
    let other = Change { price: 9_999, ..Change::of(product, 2) };
    // all of one batch, and not in the order of their versions
    let batch = [&row[0], &row[2], &row[1], &row[1], &other].map(Clone::clone);
    let at = producer.changes_to(0, &batch).await;
    gate::until_fetched(&world, &producer, 1).await;
    gate.open().await;
    world.until_all_committed().await;

    assert_eq!(world.stored(product).await, Some((3, 103)));
    assert_eq!(world.history(product).await, [1, 2, 3]);
    let letters = world.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].key, Some(format!("{}/0/{}", world.topic, at[4]).into_bytes()));
    assert_eq!(world.frames_of(product).await, [(1, 3)], "one frame a batch");
}
