//! Order per product, whatever happens to replicas.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use uuid::Uuid;

use crate::helpers::audit::{self, Line};
use crate::helpers::sql::Sql;
use crate::helpers::{Gate, Kind, Viewer, World, until};

/// Changes a second: enough that every fault meets work in hand, few enough for two cores.
const RATE: &str = "600";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn order_per_product_holds_while_replicas_join_leave_and_are_killed() {
    let world = World::shared("order", 12).await;
    let watch = Watch::start(&world).await;
    let mut gw1 = world.gateway("gw1", &[]);
    let mut gw2 = world.gateway("gw2", &[]);
    let mut generator = world.generator(&["--products", "60", "--rate", RATE]);
    until_working(&gw1).await;
    until_working(&gw2).await;

    let (mut first, mut second) = (Viewer::at(Kind::Ws, &gw1).await, Viewer::at(Kind::Sse, &gw2).await);

    let gw3 = world.gateway("gw3", &[]);
    until_working(&gw3).await;
    gw1.process.kill();
    let gw4 = world.gateway("gw4", &[]);
    until_working(&gw4).await;
    first.connect(&gw4).await;
    // the group gives up both: the killed one, and the frozen one, which comes back as if nothing had happened
    let lost_by = gw3.audit().len();
    gw3.process.pause();
    until_others_have_all(&world, &[&gw2, &gw4]).await;
    gw3.process.resume();
    until("gw3 to learn that its partitions went to others", async || {
        gw3.audit().iter().skip(lost_by).any(|line| line.event == "lost").then_some(())
    })
    .await;
    gw2.process.terminate();
    assert!(gw2.process.ended().await.success());
    let gw5 = world.gateway("gw1", &["--batch-rows", "7"]);
    until_working(&gw5).await;
    second.connect(&gw5).await;
    generator.stop().await;
    world.until_all_committed().await;

    let newest = assert_history_is_the_topic(&world).await;
    assert!(watch.stop().await > 5, "the database was looked at while replicas came and went");
    let audit: Vec<Line> = [&gw2, &gw3, &gw4, &gw5].iter().flat_map(|gateway| gateway.audit()).collect();
    audit::assert_new_once(&audit);
    audit::assert_nothing_committed_early(&audit, &world.topic, &world.committed(&world.topic));
    assert_eq!(world.letters(), []);
    for viewer in [&first, &second] {
        viewer.until_converged(&world).await;
    }
    if let Some(held) = world.follow_relay().await {
        assert_eq!(held, newest, "the relay ends with what is stored");
        assert_eq!(
            [&first, &second].map(|v| v.book().resets()),
            [0, 0],
            "their cursors were good everywhere"
        );
    }
}

#[tokio::test]
async fn a_frozen_replica_that_wakes_with_work_in_hand_takes_no_product_back() {
    let world = World::shared("frozen", 2).await;
    let (frozen, producer) = (world.gateway("gw1", &[]), world.producer());
    let mut gate = Gate::close(&world).await;
    gate.stop_writer(&world, &producer, 0).await;
    frozen.process.pause();
    gate.open().await;
    let _heir = world.gateway("gw2", &[]);
    producer.changes_to(0, &[gate.next()]).await;
    world.until_stored(gate.product, 3).await;

    frozen.process.resume();
    // nobody has told it yet: it writes what it had in hand, version 2
    let outcome = until("the outcome of what it had in hand", async || {
        frozen.audit().into_iter().find(|line| line.is_outcome() && line.version == Some(2))
    })
    .await;
    assert_eq!(outcome.event, "stale");
    assert_eq!(world.stored(gate.product).await.unwrap().0, 3);
    world.until_all_committed().await;
    world.follow_relay().await;
}

/// Waits until a replica has written something since now.
async fn until_working(gateway: &crate::helpers::process::Gateway) {
    let news = || gateway.audit().iter().filter(|line| line.event == "new").count();
    let before = news();
    until(&format!("{} writes", gateway.name), async || (news() > before).then_some(())).await;
}

/// Waits until each partition has moved on by work of these replicas.
async fn until_others_have_all(world: &World, gateways: &[&crate::helpers::process::Gateway]) {
    let counts: Vec<usize> = gateways.iter().map(|gateway| gateway.audit().len()).collect();
    until("the others to serve all partitions", async || {
        let mut partitions: Vec<i32> = Vec::new();
        for (gateway, count) in gateways.iter().zip(&counts) {
            let lines = gateway.audit().into_iter().skip(*count);
            partitions.extend(
                lines.filter(|line| line.event == "new" && line.topic == world.topic).map(|l| l.partition),
            );
        }
        partitions.sort_unstable();
        partitions.dedup();
        (partitions.len() == 12).then_some(())
    })
    .await;
}

/// Panics unless the history holds each version of each product of the topic once, and `products` the last one; returns
/// the last ones.
async fn assert_history_is_the_topic(world: &World) -> HashMap<Uuid, i64> {
    let mut topic: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut newest: BTreeMap<String, (i64, i64, i64)> = BTreeMap::new();
    for record in world.records(&world.topic) {
        let value: serde_json::Value = serde_json::from_slice(&record.value.unwrap()).unwrap();
        let number = |field: &str| value[field].as_i64().unwrap();
        let product = value["product_id"].as_str().unwrap().to_owned();
        newest.insert(product.clone(), (number("version"), number("price_minor"), number("stock")));
        topic.entry(product).or_default().push(number("version"));
    }
    assert!(topic.values().all(|versions| versions.iter().copied().eq(1..=versions.len() as i64)));

    let sql = "SELECT product_id, version FROM product_changes ORDER BY 1, 2";
    let mut history: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in world.sql.rows(sql).await {
        history.entry(row[0].clone()).or_default().push(row[1].parse().unwrap());
    }
    assert_eq!(history, topic, "the history holds each version once");
    let sql = "SELECT product_id, version, price_minor, stock FROM products";
    let number = |row: &[String], at: usize| row[at].parse().unwrap();
    let rows = world.sql.rows(sql).await;
    let stored: BTreeMap<_, _> =
        rows.iter().map(|row| (row[0].clone(), (number(row, 1), number(row, 2), number(row, 3)))).collect();
    assert_eq!(stored, newest, "the last version stays");
    newest.iter().map(|(product, newest)| (product.parse().unwrap(), newest.0)).collect()
}

/// Looks at the database all the time: no product may ever go back.
struct Watch {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<u64>,
}

impl Watch {
    async fn start(world: &World) -> Self {
        let sql = Sql::connect(&world.database_url).await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let (mut held, mut looks): (HashMap<String, i64>, u64) = (HashMap::new(), 0);
            while !asked.load(Ordering::Relaxed) {
                for row in sql.rows("SELECT product_id, version FROM products").await {
                    let version = row[1].parse().unwrap();
                    let before = held.insert(row[0].clone(), version).unwrap_or_default();
                    assert!(before <= version, "{} went back from {before} to {version}", row[0]);
                }
                looks += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            looks
        });
        Self { stop, task }
    }

    /// How often it looked; panics when it saw a product go back.
    async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}
