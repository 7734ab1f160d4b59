//! A replica that dies between two steps of a batch.

use std::collections::HashMap;

use stack::{Options, Private, Shared};

use crate::helpers::{Change, Gate, Kind, Viewer, World, audit, change, gate, relay, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_crash_after_the_write_and_before_the_relay_loses_no_push() {
    let servers = Private::start(Options::default()).unwrap();
    let world = World::on(&Shared::of(&servers), "unrelayed", 2).await;
    let (producer, product) = (world.producer(), change::product());
    producer.changes_to(0, &[Change::of(product, 1)]).await;
    let mut version = 1;
    // on a machine so busy that the replica outlives its patience with Redis it changes the epoch, and we try again
    let (replica, mut viewer) = loop {
        let mut doomed = world.gateway(&format!("doomed{version}"), &[]);
        world.until_stored(product, version).await;
        world.until_all_committed().await;
        let viewer = Viewer::at(Kind::Ws, &doomed).await;
        viewer.until_holds(product, version).await;
        let epoch = world.db().epoch().await.unwrap();
        servers.pause("redis").unwrap();
        version += 1;
        producer.changes_to(0, &[Change::of(product, version)]).await;
        world.until_stored(product, version).await;
        doomed.process.kill();
        servers.resume("redis").unwrap();
        let tried = doomed.audit().iter().any(|l| l.is_relayed() && l.offset == Some(version - 1));
        if !tried && world.db().epoch().await.unwrap() == epoch {
            break (doomed, viewer);
        }
    };
    assert!(world.committed(&world.topic)[&0] < version, "what was not relayed must not be committed");
    assert_eq!(relay::follow(&world.frames().await).get(&product), Some(&(version - 1)));

    let heir = world.gateway("heir", &[]);
    viewer.connect(&heir).await;
    viewer.until_holds(product, version).await;
    viewer.assert_well();
    world.until_all_committed().await;
    if let Some(held) = world.follow_relay().await {
        assert_eq!(held, HashMap::from([(product, version)]));
        assert_eq!(viewer.book().resets(), 0, "it went on where it was");
    }
    assert_eq!(world.history(product).await, (1..=version).collect::<Vec<_>>());
    let lines = [replica.audit(), heir.audit()].concat();
    audit::assert_new_once(&lines);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_crash_after_the_relay_and_before_the_commit_doubles_nothing() {
    let servers = Private::start(Options { durable: true, ..Options::default() }).unwrap();
    let world = World::on(&Shared::of(&servers), "uncommitted", 2).await;
    let (producer, product) = (world.producer(), change::product());
    let mut doomed = world.gateway("doomed", &[]);
    producer.changes_to(0, &[Change::of(product, 1)]).await;
    world.until_stored(product, 1).await;
    world.until_all_committed().await;
    let mut viewers = [Kind::Ws, Kind::Sse].map(|kind| Viewer::of(kind, &[product]));
    for viewer in &mut viewers {
        viewer.connect(&doomed).await;
        viewer.until_holds(product, 1).await;
    }

    // at the gate with the second and third version in hand, and Kafka gone before it opens
    let mut gate = Gate::close(&world).await;
    let gated = gate.next();
    producer.changes_to(0, &[gated, Change::of(product, 2), Change::of(product, 3)]).await;
    gate.until_waiting(&world, 1).await;
    gate::until_fetched(&world, &producer, 1).await;
    until("the other partition is committed", async || {
        (world.committed(&world.topic)[&1] == world.ends(&world.topic)[&1]).then_some(())
    })
    .await;
    let committed = world.committed(&world.topic);
    servers.kill("kafka1").unwrap();
    gate.open().await;
    world.until_stored(product, 2).await;
    for viewer in &viewers {
        viewer.until_holds(product, 2).await;
    }
    doomed.process.kill();
    servers.start_again("kafka1").unwrap();
    assert_eq!(world.committed(&world.topic), committed, "nothing could be committed");

    let heir = world.gateway("heir", &[]);
    for viewer in &mut viewers {
        viewer.connect(&heir).await;
    }
    world.until_all_committed().await;
    for viewer in &viewers {
        // no hole, and no version below one that was shown
        viewer.until_converged(&world).await;
        assert_eq!(viewer.book().resets(), 0);
    }
    assert_eq!(world.history(product).await, [1, 2, 3], "each version once");
    assert_eq!(world.stored(product).await, Some((3, 103)));
    assert_eq!(world.letters(), [], "a repeat is no conflict");
    let spans = world.frames_of(product).await;
    assert!(spans.is_sorted_by_key(|(_, version)| *version), "a frame went back: {spans:?}");
    world.follow_relay().await;
    let lines = [doomed.audit(), heir.audit()].concat();
    audit::assert_new_once(&lines);
    audit::assert_nothing_committed_early(&lines, &world.topic, &world.committed(&world.topic));
    let again = heir.audit().iter().filter(|line| line.event == "replay" || line.event == "stale").count();
    assert!(again >= 2, "they came again");
}
