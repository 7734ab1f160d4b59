//! What viewers are told besides changes: positions that went to the dead letters, and who serves what.

use serde_json::json;

use crate::helpers::{Change, Kind, Viewer, World, change};

const BOTH: [Kind; 2] = [Kind::Ws, Kind::Sse];

#[tokio::test]
async fn viewers_are_told_of_a_position_that_went_to_the_dead_letters() {
    let world = World::shared("gap", 1).await;
    let (gateway, producer) = (world.gateway("gw1", &[]), world.producer());
    let product = change::product();
    producer.changes_to(0, &[Change::of(product, 1)]).await;
    world.until_all_committed().await;
    let mut viewers = Vec::new();
    for kind in BOTH {
        viewers.push(Viewer::at(kind, &gateway).await);
        let mut of_another = Viewer::of(kind, &[change::product()]);
        of_another.connect(&gateway).await;
        viewers.push(of_another);
    }
    for viewer in &viewers {
        viewer.until_snapshot().await;
    }
    // its second version can't be read: the third one stands for it, and that is told before
    let key = product.to_string();
    let offset = producer.raw(Some(0), Some(key.as_bytes()), Some(b"{"), &[]).await;
    world.until_all_committed().await;
    producer.changes_to(0, &[Change::of(product, 3)]).await;
    world.until_all_committed().await;
    let gap = json!({
        "topic": world.topic, "partition": 0, "offset": offset, "reason": "not_json", "product_id": product,
    });
    for viewer in viewers.iter().step_by(2) {
        viewer.until_converged(&world).await;
        assert_eq!(viewer.book().all("gap").collect::<Vec<_>>(), [&gap]);
        assert_eq!(viewer.book().spans(product), [(2, 3)]);
    }
    // a change that all get, to see that nothing was for those who follow another product
    producer.raw(Some(0), Some(b"no product"), Some(b"{"), &[]).await;
    for viewer in viewers.iter().skip(1).step_by(2) {
        viewer.until("it is told of the gap without a product", |book| book.all("gap").count() > 0).await;
        let book = viewer.book();
        let gaps: Vec<_> = book.all("gap").collect();
        assert!(gaps.len() == 1 && gaps[0].get("product_id").is_none(), "{gaps:?}");
    }
}

#[tokio::test]
async fn viewers_are_told_when_a_replica_joins_and_when_one_dies() {
    let world = World::shared("joins", 4).await;
    let first = world.gateway("gw1", &[]);
    first.until_assigned(4).await;
    let viewers = [Viewer::at(Kind::Ws, &first).await, Viewer::at(Kind::Sse, &first).await];
    let told = |names: &'static [&'static str], partitions: usize| {
        move |book: &crate::helpers::book::Book| {
            let Some(news) = book.all("replicas_changed").last() else { return false };
            let replicas = news["replicas"].as_array().unwrap();
            let known: Vec<_> = replicas.iter().map(|replica| replica["replica"].as_str().unwrap()).collect();
            let owned = |replica: &serde_json::Value| replica["partitions"].as_array().unwrap().len();
            known == names && replicas.iter().all(|replica| owned(replica) == partitions)
        }
    };
    let mut second = world.gateway("gw2", &[]);
    for viewer in &viewers {
        viewer.until("gw2 has joined, each has its half", told(&["gw1", "gw2"], 2)).await;
    }
    second.process.kill();
    for viewer in &viewers {
        viewer.until("gw2 has gone, gw1 has all", told(&["gw1"], 4)).await;
        let book = viewer.book();
        let moved = book.all("replicas_changed").flat_map(|news| news["moved"].as_array().unwrap());
        let taken_over: std::collections::BTreeSet<_> = moved
            .filter(|moved| moved["from"] == "gw2" && moved["to"] == "gw1")
            .map(|moved| moved["partition"].as_i64())
            .collect();
        assert_eq!(taken_over.len(), 2, "{:?}", book.all("replicas_changed").collect::<Vec<_>>());
    }
}
