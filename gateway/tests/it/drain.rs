//! SIGTERM: what is in hand is finished or left to others, and the process ends in time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::helpers::{Change, Gate, World, audit, change, until};

/// What operators are promised.
const IN_TIME: Duration = Duration::from_secs(10);

#[tokio::test]
async fn sigterm_under_load_leaves_nothing_half_done_and_exits_0_within_10_s() {
    let world = World::shared("drain", 4).await;
    let mut gateway = world.gateway("gw1", &[]);
    let mut generator = world.generator(&["--products", "50", "--rate", "500"]);
    until("it writes", async || (gateway.audit().len() > 500).then_some(())).await;
    let asked = Instant::now();
    gateway.process.terminate();
    let status = gateway.process.ended().await;
    assert!(asked.elapsed() < IN_TIME, "it took {:?}", asked.elapsed());
    assert_eq!(status.code(), Some(0));

    // what it wrote is committed, to the last record: nobody has to do any of it again
    let mut written: HashMap<i32, i64> = HashMap::new();
    for line in gateway.audit().iter().filter(|line| line.is_outcome()) {
        let next = written.entry(line.partition).or_default();
        *next = (*next).max(line.offset.unwrap() + 1);
    }
    let committed = world.committed(&world.topic);
    for (partition, next) in written {
        assert_eq!(committed[&partition], next, "partition {partition}");
    }
    // it has left the group, instead of being waited for
    assert_eq!(world.group_members(), 0);

    let heir = world.gateway("gw2", &[]);
    generator.stop().await;
    world.until_all_committed().await;
    let lines = [gateway.audit(), heir.audit()].concat();
    audit::assert_new_once(&lines);
    assert!(!lines.iter().any(|line| line.event == "replay" || line.event == "stale"), "nothing came twice");
    world.follow_relay().await;
}

#[tokio::test]
async fn a_log_that_cannot_be_written_ends_nothing_and_sigterm_still_does() {
    let world = World::shared("unwritable", 1).await;
    let mut gateway = world.gateway_on_a_full_disk("gw1");
    let product = change::product();
    world.producer().changes_to(0, &[Change::of(product, 1)]).await;
    world.until_stored(product, 1).await;
    gateway.process.terminate();
    assert_eq!(gateway.process.ended().await.code(), Some(0));
}

#[tokio::test]
async fn sigterm_while_the_database_is_stuck_exits_0_within_10_s_and_commits_nothing() {
    let world = World::shared("stuck", 2).await;
    let (mut gateway, producer) = (world.gateway("gw1", &[]), world.producer());
    let mut gate = Gate::close(&world).await;
    gate.stop_writer(&world, &producer, 0).await;
    let product = change::product();
    producer.changes_to(0, &[Change::of(product, 1)]).await;
    let asked = Instant::now();
    gateway.process.terminate();
    let status = gateway.process.ended().await;
    assert!(asked.elapsed() < IN_TIME, "it took {:?}", asked.elapsed());
    assert_eq!(status.code(), Some(0));
    assert_eq!(world.committed(&world.topic)[&0], 0);

    gate.open().await;
    let _heir = world.gateway("gw2", &[]);
    world.until_stored(product, 1).await;
    world.until_all_committed().await;
}
