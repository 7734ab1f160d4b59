//! Postgres is away for a while: viewers are told, stay where they are, and then get what they missed.

use stack::{Options, Private, Shared};

use crate::helpers::{Gate, World, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn viewers_catch_up_after_postgres_was_stopped_for_a_while() {
    let servers = Private::start(Options { durable: true, ..Options::default() }).unwrap();
    let mut world = World::on(&Shared::of(&servers), "pgviewers", 4).await;
    let (gateways, mut generator, viewers) = world.watched(30, 100).await;
    let epoch = world.db().epoch().await.unwrap();
    let resets: Vec<_> = viewers.iter().map(|viewer| viewer.book().resets()).collect();
    servers.stop("postgres").unwrap();
    for viewer in &viewers {
        viewer.until("it is told that Postgres is away", |book| book.is_away("postgres")).await;
        assert!(viewer.book().all("status").last().unwrap()["stale_ms"].is_u64());
    }
    for gateway in &gateways {
        let ready = gateway.get("/readyz").await.unwrap();
        assert_eq!(ready.status, 503);
        assert!(ready.body.contains("postgres"), "{}", ready.body);
    }
    let before = generator.produced().len();
    until("changes come meanwhile", async || (generator.produced().len() > before + 200).then_some(())).await;
    servers.start_again("postgres").unwrap();
    world.reconnect().await;
    for viewer in &viewers {
        viewer.until("all is well again", |book| book.away().is_empty()).await;
    }
    generator.stop().await;
    world.until_all_committed().await;

    let same_epoch = world.db().epoch().await.unwrap() == epoch;
    for (viewer, resets) in viewers.iter().zip(resets) {
        viewer.until_converged(&world).await;
        // (a machine so busy that Redis did not answer for seconds begins another epoch)
        assert!(viewer.book().resets() == resets || !same_epoch, "nothing was lost, so nobody begins anew");
        assert_eq!(viewer.book().ended, None, "nobody was cut off");
    }
    let history = world.sql.number("SELECT count(*) FROM product_changes").await;
    assert_eq!(history, generator.produced().len() as i64, "each change once");
    assert_eq!(world.letters(), [], "a database that is away condemns no record");
}

#[tokio::test]
async fn a_locked_row_is_waited_for_and_condemns_nobody() {
    let world = World::shared("locked", 2).await;
    let (gateway, producer) = (world.gateway("gw1", &[]), world.producer());
    let mut gate = Gate::close(&world).await;
    gate.stop_writer(&world, &producer, 0).await;
    gateway.process.until_logged("lock timeout").await;
    // and again by the next try
    gate.until_waiting(&world, 1).await;
    gate.open().await;
    world.until_all_committed().await;
    assert_eq!(world.history(gate.product).await, [1, 2]);
    assert_eq!(world.letters(), []);
}
