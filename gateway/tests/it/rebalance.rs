//! Partitions that change hands while their records are in hand.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::helpers::process::Gateway;
use crate::helpers::{Change, Gate, World, audit, change, gate, until};

/// Well below the time that a writer has to finish what is revoked.
const SHORT: Duration = Duration::from_millis(700);
/// In this time a writer has surely not given up what is revoked.
const IN_HAND: TimeDelta = TimeDelta::milliseconds(2_500);
/// Versions of the product that each partition has.
const VERSIONS: i64 = 5;

/// One replica with records of every partition in one batch, which waits at a gate, and a second replica that joins.
struct Handover {
    world: World,
    first: Gateway,
    second: Gateway,
    gate: Gate,
    /// One product a partition; the last one is that of the redrive topic.
    products: Vec<uuid::Uuid>,
}

impl Handover {
    async fn begin(name: &str) -> Self {
        let world = World::shared(name, 3).await;
        let producer = world.producer();
        // one writer, so one batch has all partitions
        let first = world.gateway("gw1", &["--writers", "1"]);
        let (mut outer, mut inner) = (Gate::close(&world).await, Gate::close(&world).await);
        outer.stop_writer(&world, &producer, 0).await;
        let products: Vec<_> = (0..3).map(|_| change::product()).collect();
        for (partition, product) in (0..).zip(&products) {
            producer.changes_to(partition, &Change::row(*product, 1, VERSIONS)).await;
        }
        producer.changes_to(1, &[inner.next()]).await;
        // there is no other writer whose progress could be seen: the replica's own lag counts what stands in Kafka, so
        // whoever is not in the batch is in the next one, and the promise is the same for it
        tokio::time::sleep(SHORT).await;
        outer.open().await;
        inner.until_waiting(&world, 1).await;
        let second = world.gateway("gw2", &["--writers", "1"]);
        Self { world, first, second, gate: inner, products }
    }

    fn revoked(&self) -> bool {
        self.first.audit().iter().any(|line| line.event == "revoked" && line.topic == self.world.topic)
    }

    /// Waits until the first is asked for partitions; returns when that was, by its own log.
    async fn until_asked(&self) -> DateTime<Utc> {
        let group = format!("group=\"{}\"", self.world.group);
        until("the first is asked for partitions", async || {
            let log = self.first.process.log();
            let asked = |line: &&str| line.contains("partitions asked back") && line.contains(&group);
            log.lines().find(asked)?.split_whitespace().next()?.parse().ok()
        })
        .await
    }

    async fn assert_all_well(&self) {
        let world = &self.world;
        world.until_all_committed().await;
        for product in &self.products {
            assert_eq!(world.history(*product).await, (1..=VERSIONS).collect::<Vec<_>>());
        }
        let lines = [self.first.audit(), self.second.audit()].concat();
        audit::assert_new_once(&lines);
        audit::assert_nothing_committed_early(&lines, &world.topic, &world.committed(&world.topic));
        if let Some(held) = world.follow_relay().await {
            assert!(self.products.iter().all(|product| held[product] == VERSIONS));
        }
        assert!(!lines.iter().any(|line| line.event == "lost"), "the group heard from both all the time");
    }
}

#[tokio::test]
async fn a_revoked_partition_is_handed_over_finished() {
    let mut again = 0..2;
    let handover = loop {
        let handover = Handover::begin("handover").await;
        let asked = handover.until_asked().await;
        tokio::time::sleep(SHORT).await;
        let revoked = handover.revoked();
        // (on a busy machine this look may come when the writer may have given up)
        if Utc::now() - asked < IN_HAND {
            assert!(!revoked, "a partition was given away with records of it in hand");
            break handover;
        }
        assert!(again.next().is_some(), "nobody ever looks in time");
    };
    handover.gate.open().await;
    handover.assert_all_well().await;
    until("partitions moved", async || handover.revoked().then_some(())).await;

    // whoever takes over begins behind what was finished: no record was in two pairs of hands
    let mut hands: HashMap<_, String> = HashMap::new();
    for line in [handover.first.audit(), handover.second.audit()].concat().iter().filter(|l| l.is_outcome()) {
        let by = hands.entry(line.place()).or_insert_with(|| line.replica.clone());
        assert_eq!(*by, line.replica, "{line:?} was in two pairs of hands");
    }
}

#[tokio::test]
async fn a_revoked_partition_that_cannot_be_finished_is_dropped_uncommitted() {
    let handover = Handover::begin("dropped").await;
    // the gate stays closed for longer than the handshake waits
    until("the first gives partitions away unfinished", async || handover.revoked().then_some(())).await;
    let world = &handover.world;
    let before: i64 = world.committed(&world.topic).values().sum();
    assert_eq!(before, 1, "only the record at the outer gate is finished");
    handover.second.until_assigned(1).await;
    handover.gate.open().await;
    handover.assert_all_well().await;
    assert!(
        handover.second.audit().iter().any(super::helpers::audit::Line::is_outcome),
        "the second one did it"
    );
}

#[tokio::test]
async fn a_killed_replica_s_partitions_are_taken_over_from_the_last_commit() {
    let world = World::shared("takeover", 2).await;
    let producer = world.producer();
    let mut first = world.gateway("gw1", &[]);
    let mut gate = Gate::close(&world).await;
    gate.stop_writer(&world, &producer, 0).await;
    let product = change::product();
    producer.changes_to(0, &Change::row(product, 1, 9)).await;
    gate::until_fetched(&world, &producer, 1).await;
    first.process.kill();
    gate.open().await;
    let second = world.gateway("gw2", &[]);
    world.until_all_committed().await;
    assert_eq!(world.history(gate.product).await, [1, 2], "what was in hand is done");
    assert_eq!(world.history(product).await, (1..=9).collect::<Vec<_>>(), "and what waited behind it");
    audit::assert_new_once(&[first.audit(), second.audit()].concat());
}

#[tokio::test]
async fn a_replica_that_has_ended_is_in_its_groups_no_more() {
    let world = World::shared("left", 12).await;
    let first = world.gateway("gw1", &[]);
    first.until_assigned(1).await;
    let _generator = world.generator(&["--products", "50", "--rate", "500"]);
    // the client library does not tell the coordinator where it is closed a moment too early: not each time
    for guest in 0..6 {
        let mut second = world.gateway(&format!("guest{guest}"), &[]);
        let here =
            || second.audit().into_iter().filter(|line| line.event == "assigned").map(|line| line.topic);
        until("it shares changes and ratings", async || {
            (here().collect::<HashSet<_>>().len() >= 2).then_some(())
        })
        .await;
        second.process.terminate();
        assert!(second.process.ended().await.success());
        assert_eq!(world.members(), 3, "the others would wait for the end of its session");
    }
}
