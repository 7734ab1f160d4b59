//! A replica that starts while changes flow: it loads its view from Postgres and follows the relay, and between the two
//! nothing may be lost.

use std::time::Duration;

use crate::helpers::{Kind, Viewer, World, until};

/// Products that never change: they make the loading of a view long, so that changes come meanwhile.
const ASLEEP: usize = 40_000;
/// Products that do.
const AWAKE: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_fresh_view_on_a_replica_that_starts_while_changes_flow_has_no_hole() {
    let world = World::shared("fresh", 4).await;
    // repair would hide what is shown here
    let args = ["--repair-page-ms", "0"];
    let gw1 = world.gateway("gw1", &args);
    let mut generator = world.generator(&["--products", &AWAKE.to_string(), "--rate", "200"]);
    until("all products are stored", async || (world.all_stored(None).await.len() == AWAKE).then_some(()))
        .await;
    let awake: Vec<_> = world.all_stored(None).await.into_keys().collect();
    let fill = format!(
        "INSERT INTO products (product_id, version, event_id, previous, name, price_minor, currency, stock, occurred_at) \
         SELECT gen_random_uuid(), 1, gen_random_uuid(), 0, 'Asleep', 1, 'EUR', 1, now() FROM generate_series(1, {ASLEEP})"
    );
    world.sql.run(&fill).await;

    let epoch = world.db().epoch().await.unwrap();
    let mut viewers = Vec::new();
    let mut replicas = Vec::new();
    for name in ["gw2", "gw3"] {
        let mut moving = [Viewer::of(Kind::Ws, &awake), Viewer::of(Kind::Sse, &awake)];
        for viewer in &mut moving {
            viewer.connect(&gw1).await;
            viewer.until_snapshot().await;
            viewer.cut();
        }
        let replica = world.gateway(name, &args);
        replica.until_ready().await;
        let fresh = [Viewer::of(Kind::Ws, &awake), Viewer::of(Kind::Sse, &awake)];
        for mut viewer in fresh.into_iter().chain(moving) {
            viewer.connect(&replica).await;
            viewers.push(viewer);
        }
        replicas.push(replica);
    }
    for viewer in &viewers {
        let what = "changes come";
        viewer.until(what, |book| book.all("product_changed").count() > 2 * AWAKE).await;
    }
    generator.stop().await;
    world.until_all_committed().await;
    // (a machine so busy that Redis did not answer for seconds begins another epoch)
    let same_epoch = world.db().epoch().await.unwrap() == epoch;
    for viewer in &viewers {
        viewer.until_converged(&world).await;
        let resets = viewer.book().resets();
        assert!(resets == 0 || !same_epoch, "who moved here with a cursor goes on at it");
    }
    // long enough for changes to come meanwhile: there is one every five milliseconds
    let log = replicas[0].process.log();
    let took_ms = log.split("took_ms=").nth(1).and_then(|rest| rest.split_whitespace().next());
    let took = Duration::from_millis(took_ms.unwrap().parse().unwrap());
    assert!(took > Duration::from_millis(10), "the view was loaded in {took:?}: use more products");
}
