//! Servers that are away for a while.

use std::time::{Duration, Instant};

use stack::{Options, Private, Shared};

use crate::helpers::process::{Gateway, Generator};
use crate::helpers::{World, audit, until};

/// Longer than the session timeout, so that a replica that does not poll meanwhile is thrown out of the group.
const AWAY: Duration = Duration::from_secs(9);

/// Two replicas under load, on servers of their own.
struct Scene {
    generator: Generator,
    gateways: [Gateway; 2],
    world: World,
    servers: Private,
}

impl Scene {
    async fn begin(name: &str) -> Self {
        let servers = Private::start(Options { durable: true, ..Options::default() }).unwrap();
        let world = World::on(&Shared::of(&servers), name, 4).await;
        let gateways = [world.gateway("gw1", &[]), world.gateway("gw2", &[])];
        let generator = world.generator(&["--products", "50", "--rate", "100"]);
        write_from(&gateways, &[0, 0]).await;
        Self { generator, gateways, world, servers }
    }

    /// All is over: nothing is lost or doubled.
    async fn end(mut self) {
        self.generator.stop().await;
        self.world.until_all_committed().await;
        let history = self.world.sql.number("SELECT count(*) FROM product_changes").await;
        assert_eq!(history, self.generator.produced().len() as i64, "each change once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn postgres_stopped_for_a_while_loses_nothing_and_dead_letters_nothing() {
    let servers = Private::start(Options { durable: true, ..Options::default() }).unwrap();
    let mut world = World::on(&Shared::of(&servers), "away", 4).await;
    let gateways = [world.gateway("gw1", &[]), world.gateway("gw2", &[])];
    let mut generator = world.generator(&["--products", "50", "--rate", "300"]);
    for gateway in &gateways {
        until("both write", async || (gateway.audit().len() > 100).then_some(())).await;
    }
    // what moves when the second one comes has moved once both have a share (the one partition of redrives stays)
    for topic in [world.topic.clone(), world.ratings_topic()] {
        for gateway in &gateways {
            let is_share = |line: &audit::Line| line.event == "assigned" && line.topic == topic;
            until("both have a share", async || gateway.audit().iter().any(is_share).then_some(())).await;
        }
    }
    let settled: Vec<usize> = gateways.iter().map(|gateway| gateway.audit().len()).collect();

    servers.stop("postgres").unwrap();
    let stopped = Instant::now();
    for gateway in &gateways {
        gateway.process.until_logged("what=\"postgres\"").await;
    }
    tokio::time::sleep(AWAY.saturating_sub(stopped.elapsed())).await;
    let while_away = generator.produced().len();
    servers.start_again("postgres").unwrap();
    // and once more, without a word
    servers.kill("postgres").unwrap();
    // its workers may outlive it by a moment, and then it does not start
    until("postgres starts", async || servers.start_again("postgres").ok()).await;
    world.reconnect().await;
    generator.stop().await;
    world.until_all_committed().await;

    let produced = generator.produced();
    assert!(while_away > 300 && produced.len() > while_away, "changes came all the time");
    let history = world.sql.number("SELECT count(*) FROM product_changes").await;
    assert_eq!(history, produced.len() as i64, "each change once");
    let behind = "SELECT count(*) FROM products p WHERE version <> \
                  (SELECT max(version) FROM product_changes c WHERE c.product_id = p.product_id)";
    assert_eq!(world.sql.number(behind).await, 0);
    assert_eq!(world.letters(), [], "a database that is away condemns no record");
    for (gateway, settled) in gateways.iter().zip(settled) {
        let moved = gateway.audit().into_iter().skip(settled);
        let moved: Vec<_> = moved.filter(|l| matches!(l.event.as_str(), "lost" | "revoked")).collect();
        assert!(moved.is_empty(), "the group heard from both all the time: {moved:?}");
    }
    let lines = [gateways[0].audit(), gateways[1].audit()].concat();
    audit::assert_nothing_committed_early(&lines, &world.topic, &world.committed(&world.topic));
    world.follow_relay().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn kafka_that_hangs_and_kafka_that_dies_are_found_again() {
    let scene = Scene::begin("hangs").await;
    let Scene { servers, gateways, .. } = &scene;

    // long enough that sessions end and requests are given up
    servers.pause("kafka1").unwrap();
    tokio::time::sleep(2 * AWAY).await;
    let before = lengths(gateways);
    servers.resume("kafka1").unwrap();
    write_from(gateways, &before).await;

    servers.kill("kafka1").unwrap();
    tokio::time::sleep(AWAY).await;
    let before = lengths(gateways);
    servers.start_again("kafka1").unwrap();
    write_from(gateways, &before).await;

    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn clients_that_hear_nothing_are_replaced() {
    let scene = Scene::begin("silent").await;
    let Scene { servers, gateways, .. } = &scene;

    servers.kill("kafka1").unwrap();
    for gateway in gateways {
        gateway.process.until_logged("a new client takes over").await;
    }
    // its session ends before each heartbeat: most of the time it is fenced, and its metadata tell of no broker, which
    // some clients do not survive
    let settings = servers.folder().join("conf/kafka1.properties");
    let usual = std::fs::read_to_string(&settings).unwrap();
    let fenced = format!("{usual}\nbroker.session.timeout.ms=500\nbroker.heartbeat.interval.ms=2000\n");
    std::fs::write(&settings, fenced).unwrap();
    servers.start_again("kafka1").unwrap();
    tokio::time::sleep(AWAY).await;

    std::fs::write(&settings, usual).unwrap();
    servers.stop("kafka1").unwrap();
    let before = lengths(gateways);
    servers.start_again("kafka1").unwrap();
    write_from(gateways, &before).await;
    scene.end().await;
}

fn lengths(gateways: &[Gateway]) -> Vec<usize> {
    gateways.iter().map(|gateway| gateway.audit().len()).collect()
}

/// Waits until each has written something behind that place of its audit log.
async fn write_from(gateways: &[Gateway], places: &[usize]) {
    for (gateway, place) in gateways.iter().zip(places) {
        let writes =
            async || gateway.audit().iter().skip(*place).any(|line| line.event == "new").then_some(());
        until("all replicas write", writes).await;
    }
}
