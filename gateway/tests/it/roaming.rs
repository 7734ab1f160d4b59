//! Viewers that are cut off again and again and go on wherever they like, while replicas die and epochs change.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::helpers::{Change, Kind, Viewer, World, change, until};

const STEPS: usize = 60;
/// Epochs that begin while somebody moves.
const ROUNDS: usize = 8;
/// Set to repeat a run.
const SEED: &str = "SHELFWIRE_TEST_SEED";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_viewer_converges_to_the_database() {
    let seed: u64 = std::env::var(SEED).map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("{SEED}={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::shared("roaming", 4).await;
    let args: [&[&str]; 3] = [
        &["--repair-page-ms", "0", "--heartbeat-ms", "300"],
        // the ring is soon too short: the stream serves who was away
        &["--repair-page-ms", "0", "--ring-bytes", "4096"],
        // little may wait for a viewer: snapshots and history come in small pieces
        &["--repair-page-ms", "0", "--outbox-bytes", "131072"],
    ];
    let start = |at: usize| world.gateway(&format!("gw{at}"), args[at]);
    let mut gateways = [start(0), start(1), start(2)];
    let mut generator = world.generator(&["--products", "300", "--rate", "250"]);
    for gateway in &gateways {
        gateway.until_ready().await;
    }
    let kinds = [Kind::Ws, Kind::Sse];
    let mut viewers: Vec<_> = (0..8).map(|at| Viewer::new(kinds[at % 2])).collect();
    for step in 0..STEPS {
        let viewer = &mut viewers[random.random_range(0..8)];
        if random.random_bool(0.4) {
            viewer.cut();
        } else {
            viewer.connect(&gateways[random.random_range(0..3)]).await;
        }
        match step {
            20 | 40 => {
                let killed = random.random_range(0..3);
                gateways[killed].process.kill();
                gateways[killed] = start(killed);
            }
            30 => world.next_epoch().await,
            _ => {}
        }
        // what comes between two steps is up to the machine, and to chance
        let pause = std::time::Duration::from_millis(random.random_range(0..100));
        tokio::time::sleep(pause).await;
    }
    generator.stop().await;
    world.until_all_committed().await;
    let (mut resumed, mut resets) = (0, 0);
    for viewer in &mut viewers {
        viewer.connect(&gateways[random.random_range(0..3)]).await;
        viewer.until_converged(&world).await;
        let book = viewer.book();
        let hellos = book.connections.iter().flatten().filter(|frame| frame.kind == "hello");
        resumed += hellos.filter(|hello| hello.data["resumed"] == true).count();
        resets += book.resets();
    }
    // one epoch ended, and whoever moves between replicas at that moment may be told more than once
    assert!(resumed > resets, "who comes with a cursor goes on at it: {resumed} did, {resets} did not");
}

/// Replicas notice one after the other that another epoch has begun: the later ones know less than the first has shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_comes_from_the_next_epoch_is_not_led_back() {
    let world = World::shared("ahead", 1).await;
    let (mut gateways, mut viewers) = (Vec::new(), Vec::new());
    // one after the other, so that they do not look at the same moments
    for (name, kind) in [("gw0", Kind::Ws), ("gw1", Kind::Sse), ("gw2", Kind::Ws)] {
        gateways.push(world.gateway(name, &["--repair-page-ms", "0"]));
        viewers.push(Viewer::at(kind, gateways.last().unwrap()).await);
    }
    let producer = world.producer();
    for _ in 0..ROUNDS {
        let product = change::product();
        world.next_epoch().await;
        producer.change(&Change::of(product, 1)).await;
        let shows = |viewer: &Viewer| viewer.book().version(product) == 1;
        let first = until("one shows it", async || viewers.iter().position(shows)).await;
        for gateway in &gateways {
            let before = world.epoch_now().await;
            viewers[first].connect(gateway).await;
            let hello = viewers[first].book().all("hello").next().unwrap()["epoch"].clone();
            // (a machine so busy that Redis did not answer for seconds begins another one)
            assert!(hello == before || hello == world.epoch_now().await, "it came back to {hello}");
        }
        for viewer in &viewers {
            viewer.until_holds(product, 1).await;
            viewer.assert_well();
        }
    }
}
