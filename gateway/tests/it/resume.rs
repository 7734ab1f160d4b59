//! A viewer that comes back: with its cursor it gets exactly what it missed, on any replica; where that can't be had it is
//! told, and begins anew.

use deadpool_redis::redis;
use serde_json::json;
use uuid::Uuid;

use crate::helpers::line::{Line, Refused};
use crate::helpers::{Change, Kind, Viewer, World, change};

const BOTH: [Kind; 2] = [Kind::Ws, Kind::Sse];
/// More than one entry of the relay takes in the smallest ring.
const MISSED: i64 = 12;

/// Products in one partition, each in `from..=to`, one change after the other, so that they are of many entries.
async fn change_all(world: &World, products: &[Uuid], from: i64, to: i64) {
    let producer = world.producer();
    for version in from..=to {
        for product in products {
            producer.changes_to(0, &[Change::of(*product, version)]).await;
        }
        world.until_stored(*products.last().unwrap(), version).await;
    }
    world.until_all_committed().await;
}

/// The versions of `product` that the last connection brought, each as often as it came.
fn versions(viewer: &Viewer, product: Uuid) -> Vec<i64> {
    viewer.book().spans(product).into_iter().flat_map(|(from, version)| from..=version).collect()
}

fn greeted(viewer: &Viewer, field: &str) -> serde_json::Value {
    viewer.book().all("hello").next().unwrap()[field].clone()
}

async fn assert_moves_to(second_args: &[&str], counted: bool) {
    let world = World::shared("moves", 1).await;
    let first = world.gateway("gw1", &[]);
    let second = world.gateway("gw2", second_args);
    // its ring begins where it enters the epoch
    second.until_ready().await;
    let products = [change::product(), change::product()];
    change_all(&world, &products, 1, 3).await;
    let mut viewers = [Viewer::new(Kind::Ws), Viewer::new(Kind::Sse), Viewer::of(Kind::Ws, &products[1..])];
    for viewer in &mut viewers {
        viewer.connect(&first).await;
        viewer.until_holds(products[1], 3).await;
        viewer.until_snapshot().await;
    }
    change_all(&world, &products, 4, 5).await;
    for viewer in &mut viewers {
        viewer.until_holds(products[1], 5).await;
        viewer.cut();
    }
    let witness = Viewer::at(Kind::Sse, &second).await;
    change_all(&world, &products, 6, 5 + MISSED).await;
    witness.until_holds(products[1], 5 + MISSED).await;
    for viewer in &mut viewers {
        viewer.connect(&second).await;
        viewer.until_holds(products[1], 5 + MISSED).await;
    }
    // and what comes then goes on behind it
    change_all(&world, &products, 6 + MISSED, 7 + MISSED).await;
    for viewer in &viewers {
        viewer.until_converged(&world).await;
        assert_eq!((greeted(viewer, "resumed"), greeted(viewer, "reset")), (json!(true), json!(false)));
        assert_eq!(
            greeted(viewer, "missed").is_u64(),
            counted,
            "from the ring, which counts, or from the stream"
        );
        assert_eq!(greeted(viewer, "replica"), "gw2");
        assert_eq!(viewer.book().all("snapshot").count(), 0, "nothing but what it missed");
        let missed: Vec<i64> = (6..=7 + MISSED).collect();
        assert_eq!(versions(viewer, products[1]), missed, "{:?}", viewer.kind);
    }
    for viewer in &viewers[..2] {
        assert_eq!(versions(viewer, products[0]), versions(viewer, products[1]));
    }
    assert_eq!(versions(&viewers[2], products[0]), [0; 0], "it follows the other one alone");
}

#[tokio::test]
async fn a_viewer_that_moves_to_another_replica_gets_exactly_what_it_missed() {
    assert_moves_to(&[], true).await;
}

#[tokio::test]
async fn what_the_ring_no_longer_holds_is_read_from_the_stream() {
    assert_moves_to(&["--ring-bytes", "1024"], false).await;
}

#[tokio::test]
async fn a_cursor_that_is_too_old_gets_a_reset_and_a_snapshot() {
    let world = World::shared("old", 1).await;
    let gateway = world.gateway("gw1", &["--ring-bytes", "1024"]);
    let product = change::product();
    change_all(&world, &[product], 1, 2).await;
    let mut viewers = BOTH.map(Viewer::new);
    for viewer in &mut viewers {
        viewer.connect(&gateway).await;
        viewer.until_snapshot().await;
        viewer.cut();
    }
    change_all(&world, &[product], 3, 2 + MISSED).await;
    let epoch = world.db().epoch().await.unwrap();
    let key = world.redis().stream_key(epoch.id);
    let mut trim = redis::pipe();
    trim.cmd("XTRIM").arg(key).arg("MAXLEN").arg(2);
    let trimmed: (i64,) = world.redis().query(&trim).await.unwrap();
    assert!(trimmed.0 > 0);

    for viewer in &mut viewers {
        viewer.connect(&gateway).await;
        assert_eq!((greeted(viewer, "resumed"), greeted(viewer, "reset")), (json!(false), json!(true)));
        viewer.until_snapshot().await;
        assert!(viewer.book().all("snapshot").all(|page| page["reset"] == true));
        viewer.until_converged(&world).await;
    }
}

#[tokio::test]
async fn a_cursor_of_another_epoch_gets_a_reset_and_a_snapshot() {
    let world = World::shared("epoch", 1).await;
    let gateway = world.gateway("gw1", &[]);
    let product = change::product();
    change_all(&world, &[product], 1, 2).await;
    let mut gone = BOTH.map(Viewer::new);
    let mut stays = BOTH.map(Viewer::new);
    for viewer in gone.iter_mut().chain(&mut stays) {
        viewer.connect(&gateway).await;
        viewer.until_snapshot().await;
    }
    gone.iter_mut().for_each(Viewer::cut);
    world.next_epoch().await;
    for viewer in &stays {
        viewer.until("it is told to begin anew", |book| book.resets() == 1 && book.has_snapshot()).await;
    }
    for viewer in &mut gone {
        viewer.connect(&gateway).await;
        assert_eq!((greeted(viewer, "resumed"), greeted(viewer, "reset")), (json!(false), json!(true)));
        viewer.until_snapshot().await;
    }
    change_all(&world, &[product], 3, 5).await;
    for viewer in gone.iter().chain(&stays) {
        viewer.until_converged(&world).await;
        assert_eq!(viewer.book().resets(), 1);
    }
    for viewer in &stays {
        assert_eq!(viewer.book().ended, None, "on the same connection");
    }
}

#[tokio::test]
async fn a_text_that_is_no_cursor_is_refused_by_name() {
    let world = World::shared("garbage", 1).await;
    let gateway = world.gateway("gw1", &[]);
    gateway.until_ready().await;
    let addr = gateway.addr().await;
    for kind in BOTH {
        let answer = Line::open(kind, addr, &[("cursor", "garbage")], None).await;
        let Err(Refused::Answer(400, body)) = answer else { panic!("{kind:?} was let in") };
        assert_eq!(body["field"], "cursor", "{body}");
        assert!(body["rule"].as_str().unwrap().starts_with("must"), "{body}");
    }
    // a browser that is refused gives up for good: what it remembers of another service begins anew
    let mut viewer = Viewer::new(Kind::Sse);
    viewer.book().cursor = Some("of another service".to_owned());
    viewer.connect(&gateway).await;
    assert_eq!(greeted(&viewer, "reset"), json!(true));
    viewer.until_snapshot().await;
    viewer.assert_well();
}
