//! Redis loses everything, starts anew, or is away: viewers are told, and end with what the database holds.
//!
//! Repair is off: what is right at the end is so by the relay's epoch alone.

use std::time::{Duration, Instant};

use deadpool_redis::redis;
use stack::{Options, Private, Shared};

use crate::helpers::book::Book;
use crate::helpers::process::{Gateway, Generator};
use crate::helpers::proxy::Proxy;
use crate::helpers::{Change, Kind, Viewer, World, audit, change, until};

/// How long Redis is away.
const AWAY: Duration = Duration::from_secs(10);
const PRODUCTS: usize = 40;

/// Two replicas under load, each with a viewer of each kind.
struct Scene {
    servers: Private,
    world: World,
    gateways: [Gateway; 2],
    generator: Generator,
    viewers: Vec<Viewer>,
    /// How often each viewer had been told to begin anew before the fault; on a busy machine Redis may be slow by itself.
    resets: Vec<usize>,
}

impl Scene {
    async fn begin(name: &str, options: Options) -> Self {
        let servers = Private::start(options).unwrap();
        let world = World::on(&Shared::of(&servers), name, 4).await;
        let (gateways, generator, viewers) = world.watched(PRODUCTS, 150).await;
        let resets = viewers.iter().map(|viewer| viewer.book().resets()).collect();
        Self { servers, world, gateways, generator, viewers, resets }
    }

    async fn until_all(&self, what: &str, so: impl Fn(&Book) -> bool) {
        for viewer in &self.viewers {
            viewer.until(what, &so).await;
        }
    }

    async fn until_reset(&self) {
        for (viewer, before) in self.viewers.iter().zip(&self.resets) {
            let so = |book: &Book| book.resets() > *before && book.has_snapshot();
            viewer.until("it is told to begin anew", so).await;
        }
    }

    /// Waits until `count` more changes are written and committed.
    async fn until_written(&self, count: i64) {
        let rows = "SELECT count(*) FROM product_changes";
        let committed = || self.world.committed(&self.world.topic).values().sum::<i64>();
        let (rows_before, committed_before) = (self.world.sql.number(rows).await, committed());
        until(&format!("{count} more changes are written and committed"), async || {
            let written = self.world.sql.number(rows).await - rows_before;
            (written >= count && committed() - committed_before >= count).then_some(())
        })
        .await;
    }

    /// All is over: nothing is lost, nothing went back, and everybody shows what the database holds.
    async fn end(mut self) {
        // changes go on for a while after the fault
        self.until_written(100).await;
        self.until_all("all is well again", |book| book.away().is_empty()).await;
        self.generator.stop().await;
        self.world.until_all_committed().await;
        for viewer in &self.viewers {
            viewer.until_converged(&self.world).await;
            assert_eq!(viewer.book().ended, None, "nobody was cut off");
        }
        let produced = self.generator.produced().len() as i64;
        let history = self.world.sql.number("SELECT count(*) FROM product_changes").await;
        assert_eq!(history, produced, "each change once");
        assert_eq!(self.world.letters(), []);
        let lines = self.gateways.iter().flat_map(Gateway::audit).collect::<Vec<_>>();
        audit::assert_nothing_committed_early(
            &lines,
            &self.world.topic,
            &self.world.committed(&self.world.topic),
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn viewers_converge_after_redis_was_flushed_under_load() {
    let scene = Scene::begin("flushed", Options::default()).await;
    let mut flush = redis::pipe();
    flush.cmd("FLUSHALL").ignore();
    scene.world.redis().query::<()>(&flush).await.unwrap();
    scene.until_reset().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn viewers_converge_after_redis_was_restarted_under_load() {
    // it keeps its file, and may come back with less than it acknowledged
    let scene = Scene::begin("restarted", Options { durable: true, ..Options::default() }).await;
    scene.servers.kill("redis").unwrap();
    scene.servers.start_again("redis").unwrap();
    scene.until_reset().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn viewers_converge_after_redis_hung_under_load() {
    // the same server with the same stream comes back, and only the writers know that it lacks something
    let scene = Scene::begin("hung", Options::default()).await;
    scene.servers.pause("redis").unwrap();
    scene.until_all("it is told that Redis is away", |book| book.is_away("redis")).await;
    scene.until_written(100).await;
    scene.servers.resume("redis").unwrap();
    scene.until_reset().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn viewers_converge_after_redis_was_killed_for_10_s_under_load() {
    let scene = Scene::begin("killed", Options::default()).await;
    scene.servers.kill("redis").unwrap();
    let killed = Instant::now();
    scene.until_all("it is told that Redis is away", |book| book.is_away("redis")).await;
    // the first batches still wait for it; then the database goes on without it
    scene.until_written(300).await;
    tokio::time::sleep(AWAY.saturating_sub(killed.elapsed())).await;
    scene.until_written(50).await;
    scene.servers.start_again("redis").unwrap();
    scene.until_reset().await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_viewer_that_comes_back_while_redis_hangs_is_greeted_first_and_begins_anew() {
    let servers = Private::start(Options::default()).unwrap();
    let world = World::on(&Shared::of(&servers), "greeted", 1).await;
    let gateway = world.gateway("gw1", &["--ring-bytes", "1024", "--heartbeat-ms", "400"]);
    let (producer, product) = (world.producer(), change::product());
    let mut viewers = [Viewer::at(Kind::Ws, &gateway).await, Viewer::at(Kind::Sse, &gateway).await];
    for viewer in &mut viewers {
        viewer.until_snapshot().await;
        viewer.cut();
    }
    // more than the ring holds: what they missed can only be read from Redis
    for version in 1..=12 {
        producer.changes_to(0, &[Change::of(product, version)]).await;
        world.until_stored(product, version).await;
    }
    world.until_all_committed().await;
    let witness = Viewer::at(Kind::Ws, &gateway).await;
    witness.until_holds(product, 12).await;
    servers.pause("redis").unwrap();
    // Redis is asked for a second before the hello: heartbeats are due meanwhile
    for viewer in &mut viewers {
        viewer.connect(&gateway).await;
        viewer.until_snapshot().await;
        assert_eq!(viewer.book().resets(), 1, "what it missed can't be had, and it is told");
        viewer.until_converged(&world).await;
    }
    servers.resume("redis").unwrap();
    producer.changes_to(0, &[Change::of(product, 13)]).await;
    for viewer in &viewers {
        viewer.until_holds(product, 13).await;
        viewer.assert_well();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_replica_that_alone_is_cut_off_from_redis_stands_aside() {
    let mut world = World::shared("alone", 4).await;
    let redis_url = world.redis_url.clone();
    let proxy = Proxy::to(redis_url.trim_start_matches("redis://")).await;
    world.redis_url = format!("redis://{}", proxy.addr);
    let alone = world.gateway("gw1", &["--repair-page-ms", "0"]);
    alone.until_assigned(4).await;
    world.redis_url = redis_url;
    let other = world.gateway("gw2", &["--repair-page-ms", "0"]);
    other.until_assigned(2).await;
    let mut generator = world.generator(&["--products", &PRODUCTS.to_string(), "--rate", "100"]);
    let viewer = Viewer::at(Kind::Ws, &other).await;
    viewer.until("it follows all products", |book| book.held.len() == PRODUCTS).await;

    proxy.cut();
    alone.process.until_logged("leaving the group for a while").await;
    // all that the other one had before, and what the first one gives back
    other.until_assigned(4).await;
    proxy.mend();
    alone.process.until_logged("joining the group again").await;
    let written = |gateway: &Gateway| gateway.audit().iter().filter(|line| line.event == "new").count();
    let before = written(&alone);
    until("it writes again", async || (written(&alone) > before).then_some(())).await;
    generator.stop().await;
    world.until_all_committed().await;
    viewer.until_converged(&world).await;
    let log = alone.process.log();
    assert!(log.matches("relay epoch changed").count() <= 4, "the others are left in peace");
}
