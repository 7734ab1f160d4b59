//! What only a build for drills can do: end between two steps, and break a promise on purpose.
//!
//! Run: `cargo test -p gateway --features drill --test it drill`.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use serde_json::json;
use uuid::Uuid;

use crate::helpers::process::Gateway;
use crate::helpers::{Change, Gate, Kind, Viewer, World, audit, change, relay, until};

const SIGKILL: Option<i32> = Some(9);

async fn dies(gateway: &mut Gateway) {
    assert_eq!(gateway.process.ended().await.signal(), SIGKILL);
}

/// A replica with a bug.
fn planted(world: &World, bug: &str) -> Gateway {
    world.gateway_with("gw1", &[], &[("SHELFWIRE_PLANTED", bug)])
}

/// Changes one after the other, so that a replica has many batches of them.
async fn change_one_by_one(world: &World, product: Uuid, versions: std::ops::RangeInclusive<i64>) {
    let producer = world.producer();
    for version in versions {
        producer.changes_to(0, &[Change::of(product, version)]).await;
    }
}

/// A replica dies at `step` while changes come, and another one goes on.
async fn changes_survive(step: &str) {
    let world = World::shared(step, 2).await;
    let product = change::product();
    let mut first = world.gateway_with("gw1", &[], &[("FAILPOINTS", &format!("{step}=3*off->return"))]);
    first.until_assigned(2).await;
    for version in 1..=8 {
        change_one_by_one(&world, product, version..=version).await;
        if version <= 3 {
            // a batch each, so that it dies at the fourth
            world.until_stored(product, version).await;
        }
    }
    dies(&mut first).await;
    let second = world.gateway("gw2", &[]);
    world.until_all_committed().await;
    assert_eq!(world.history(product).await, (1..=8).collect::<Vec<_>>());
    relay::follow(&world.frames().await);
    audit::assert_new_once(&[first.audit(), second.audit()].concat());
}

#[tokio::test]
async fn a_death_before_the_database_commit_loses_nothing() {
    changes_survive("apply_before_commit").await;
}

#[tokio::test]
async fn a_death_between_commit_and_relay_loses_nothing() {
    changes_survive("commit_to_relay").await;
}

#[tokio::test]
async fn a_death_between_relay_and_offset_commit_loses_nothing() {
    changes_survive("relay_to_offsets").await;
}

async fn rate(world: &World, count: usize) {
    let producer = world.producer_to(&world.ratings_topic());
    for _ in 0..count {
        let event = Uuid::now_v7();
        let rating =
            json!({"event_id": event, "subject": "site", "rate": 7, "rated_at": "2026-11-21T13:00:00Z"});
        producer.raw(Some(0), Some(b"site"), Some(rating.to_string().as_bytes()), &[]).await;
    }
}

#[tokio::test]
async fn a_death_while_ratings_are_counted_counts_each_once() {
    for step in ["fold_before_commit", "fold_to_relay", "fold_to_offsets"] {
        let world = World::shared(step, 1).await;
        let mut first = world.gateway_with("gw1", &[], &[("FAILPOINTS", &format!("{step}=return"))]);
        rate(&world, 5).await;
        dies(&mut first).await;
        let _second = world.gateway("gw2", &[]);
        rate(&world, 5).await;
        world.until_counted("site", 10).await;
        world.until_all_folded().await;
    }
}

#[tokio::test]
async fn a_death_among_dead_letters_leaves_one_of_each() {
    let world = World::shared("dead_letter", 1).await;
    let (mut first, producer) =
        (world.gateway_with("gw1", &[], &[("FAILPOINTS", "dead_letter=2*off->return")]), world.producer());
    for _ in 0..5 {
        producer.raw(Some(0), Some(b"key"), Some(b"no change"), &[]).await;
    }
    dies(&mut first).await;
    let _second = world.gateway("gw2", &[]);
    world.until_all_committed().await;
    let mut keys: Vec<_> = world.letters().into_iter().map(|letter| letter.key.unwrap()).collect();
    assert!(keys.len() >= 5, "some were written twice");
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
}

#[tokio::test]
async fn a_death_while_partitions_are_given_back_loses_nothing() {
    let world = World::shared("revoke", 2).await;
    let product = change::product();
    let mut first = world.gateway_with("gw1", &[], &[("FAILPOINTS", "revoke=return")]);
    first.until_assigned(2).await;
    change_one_by_one(&world, product, 1..=3).await;
    let _second = world.gateway("gw2", &[]);
    dies(&mut first).await;
    change_one_by_one(&world, product, 4..=6).await;
    world.until_all_committed().await;
    assert_eq!(world.history(product).await, (1..=6).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_death_while_viewers_are_sent_away_leaves_no_hole() {
    let world = World::shared("drain", 1).await;
    let product = change::product();
    let mut first = world.gateway_with("gw1", &[], &[("FAILPOINTS", "drain=return")]);
    let second = world.gateway("gw2", &[]);
    change_one_by_one(&world, product, 1..=3).await;
    let mut viewer = Viewer::at(Kind::Ws, &first).await;
    viewer.until_holds(product, 3).await;
    first.process.terminate();
    dies(&mut first).await;
    change_one_by_one(&world, product, 4..=6).await;
    viewer.connect(&second).await;
    viewer.until_holds(product, 6).await;
    viewer.until_converged(&world).await;
}

#[test]
fn what_is_not_known_is_refused() {
    for (name, value, said) in [
        (
            "FAILPOINTS",
            "somewhere=return",
            "FAILPOINTS: somewhere is no step; there are apply_before_commit,",
        ),
        ("FAILPOINTS", "revoke=explode", "FAILPOINTS: revoke: "),
        ("FAILPOINTS", "revoke", "FAILPOINTS: revoke: "),
        ("SHELFWIRE_PLANTED", "moth", "SHELFWIRE_PLANTED: moth is no bug; there are commit_before_write,"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
        let output = command.args(["--listen", "127.0.0.1:0"]).env(name, value).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}={value}: {text}");
        assert!(text.contains(&format!("error: {said}")), "{name}={value}: {text}");
    }
}

#[tokio::test]
async fn commit_before_write_commits_what_is_not_stored() {
    let world = World::shared("early", 1).await;
    let (_gateway, producer) = (planted(&world, "commit_before_write"), world.producer());
    let mut gate = Gate::close(&world).await;
    gate.stop_writer(&world, &producer, 0).await;
    world.until_all_committed().await;
    assert_eq!(world.stored(gate.product).await.unwrap().0, 1, "the change waits at the gate");
}

#[tokio::test]
async fn no_version_guard_lets_a_product_go_back() {
    let world = World::shared("guard", 1).await;
    let (_gateway, product) = (planted(&world, "no_version_guard"), change::product());
    change_one_by_one(&world, product, 2..=2).await;
    world.until_stored(product, 2).await;
    change_one_by_one(&world, product, 1..=1).await;
    world.until_all_committed().await;
    assert_eq!(world.stored(product).await.unwrap().0, 1);
}

#[tokio::test]
async fn skip_relay_on_replay_relays_nothing_of_what_comes_again() {
    let world = World::shared("skip", 1).await;
    let (_gateway, product) = (planted(&world, "skip_relay_on_replay"), change::product());
    let (first, producer) = (Change::of(product, 1), world.producer());
    for _ in 0..2 {
        producer.changes_to(0, std::slice::from_ref(&first)).await;
        world.until_stored(product, 1).await;
        world.until_all_committed().await;
    }
    assert_eq!(world.frames_of(product).await.len(), 1);
}

#[tokio::test]
async fn commit_highest_finished_leaves_older_changes_behind() {
    let world = World::shared("highest", 2).await;
    let (_gateway, producer) = (planted(&world, "commit_highest_finished"), world.producer());
    let (mut gate, product) = (Gate::close(&world).await, change::product());
    gate.stop_writer(&world, &producer, 0).await;
    producer.changes_to(0, &Change::row(product, 1, 8)).await;
    crate::helpers::gate::until_fetched(&world, &producer, 1).await;
    gate.open().await;
    world.until_all_committed().await;
    world.until_stored(product, 8).await;
    assert_ne!(world.history(product).await, (1..=8).collect::<Vec<_>>());
}

#[tokio::test]
async fn forget_revoke_works_on_what_was_given_back() {
    let world = World::shared("forget", 2).await;
    let (first, producer) = (planted(&world, "forget_revoke"), world.producer());
    let mut gates = [Gate::close(&world).await, Gate::close(&world).await];
    for (partition, gate) in (0..).zip(&mut gates) {
        producer.changes_to(partition, &[gate.next()]).await;
        gate.until_waiting(&world, i64::from(partition) + 1).await;
    }
    let second = world.gateway("gw2", &[]);
    second.until_assigned(1).await;
    let of_changes = |line: &audit::Line| line.topic == world.topic;
    let given_back = |lines: &[audit::Line]| {
        let revoked = lines.iter().filter(|line| of_changes(line)).find(|line| line.event == "revoked");
        revoked.map(|line| (line.partition, line.at_us))
    };
    for gate in &gates {
        gate.open().await;
    }
    until("work on a partition that is another one's", async || {
        let lines = first.audit();
        let (partition, at_us) = given_back(&lines)?;
        let late =
            |line: &&audit::Line| line.is_relayed() && line.partition == partition && line.at_us > at_us;
        lines.iter().filter(|line| of_changes(line)).find(late).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn ratings_without_progress_count_twice() {
    let world = World::shared("double", 1).await;
    let env = [("SHELFWIRE_PLANTED", "ratings_without_progress"), ("FAILPOINTS", "fold_to_offsets=return")];
    let mut first = world.gateway_with("gw1", &[], &env);
    rate(&world, 1).await;
    dies(&mut first).await;
    let _second = world.gateway_with("gw2", &[], &env[..1]);
    world.until_counted("site", 2).await;
}

#[tokio::test]
async fn resume_off_by_one_and_drop_from_outbox_leave_holes() {
    for bug in ["resume_off_by_one", "drop_from_outbox"] {
        let world = World::shared(bug, 1).await;
        let (gateway, product) = (planted(&world, bug), change::product());
        change_one_by_one(&world, product, 1..=1).await;
        world.until_stored(product, 1).await;
        let mut viewer = Viewer::at(Kind::Ws, &gateway).await;
        let witness = Viewer::at(Kind::Sse, &gateway).await;
        viewer.until_holds(product, 1).await;
        change_one_by_one(&world, product, 2..=2).await;
        viewer.until_holds(product, 2).await;
        viewer.cut();
        for version in 3..=60 {
            change_one_by_one(&world, product, version..=version).await;
            world.until_stored(product, version).await;
        }
        viewer.connect(&gateway).await;
        until(&format!("{bug}: a hole"), async || {
            let faults = [viewer.book().faults.clone(), witness.book().faults.clone()].concat();
            (!faults.is_empty()).then_some(())
        })
        .await;
    }
}
