//! Viewers hear of photos: on every replica, and never of an older one.

use schema::relay::{RelayFrame, RelayedProduct};
use schema::{PhotoChanged, PhotoRevision};
use serde_json::Value;
use uuid::Uuid;

use crate::helpers::book::Book;
use crate::helpers::photos::{ADMIN, TOKEN, picture};
use crate::helpers::{Change, Kind, Viewer, World};

/// `(kind, hash, revision)` of every frame of the last connection that tells of the product's photo.
fn told(book: &Book, product: Uuid) -> Vec<(String, Option<String>, i64)> {
    let id = product.to_string();
    let of = |kind: &str, data: &Value| {
        let revision = data.get("photo_revision").or(data.get("revision")).unwrap().as_i64().unwrap();
        (kind.to_owned(), data["photo"].as_str().map(str::to_owned), revision)
    };
    let mut found = Vec::new();
    for frame in book.here() {
        match frame.kind.as_str() {
            "snapshot" => {
                let products = frame.data["products"].as_array().unwrap();
                found.extend(products.iter().filter(|p| p["product_id"] == id).map(|p| of("snapshot", p)));
            }
            kind @ ("product_changed" | "photo_changed") if frame.data["product_id"] == id => {
                found.push(of(kind, &frame.data));
            }
            _ => {}
        }
    }
    found
}

async fn relay(world: &World, frame: RelayFrame) {
    let epoch = world.db().epoch().await.unwrap().id;
    let entry = serde_json::to_vec(&[frame]).unwrap();
    assert!(world.redis().append(epoch, &[entry.into()]).await.unwrap()[0].is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_upload_is_told_to_viewers_of_all_replicas_and_old_frames_do_not_bring_the_old_photo_back() {
    let world = World::shared("told", 1).await;
    let (product, other) = (world.stored_product().await, world.stored_product().await);
    let (first, second) = (world.gateway("gw1", &ADMIN), world.gateway("gw2", &ADMIN));
    let mut viewers = Vec::new();
    for gateway in [&first, &second] {
        for kind in [Kind::Ws, Kind::Sse] {
            let mut viewer = Viewer::of(kind, &[product]);
            viewer.connect(gateway).await;
            viewer.until_snapshot().await;
            assert_eq!(told(&viewer.book(), product), [("snapshot".to_owned(), None, 0)]);
            viewers.push(viewer);
        }
    }
    let one = first.store_photo(product, &picture(1)).await;
    first.store_photo(other, &picture(9)).await;
    // as if this state was written and relayed by a slow writer that knew nothing of any photo
    let change = Change::of(product, 2).decoded();
    let before = RelayFrame::ProductChanged(RelayedProduct {
        product: change.product(),
        from: change.version,
        recorded_ms: None,
        path_ms: None,
    });
    let two = second.store_photo(product, &picture(2)).await;
    // and this news of the first photo was held up
    let old = PhotoChanged {
        product_id: product.into(),
        hash: Some(one.parse().unwrap()),
        revision: PhotoRevision::saturating(1),
    };
    relay(&world, RelayFrame::PhotoChanged(old)).await;
    relay(&world, before).await;
    let bearer = format!("Bearer {TOKEN}");
    let path = format!("/products/{product}/photo");
    let removed = first.ask("DELETE", &path, &[("Authorization", &bearer)], &[]).await;
    assert_eq!(removed.status, 204);

    let photo = |kind: &str, hash: Option<&String>, revision| (kind.to_owned(), hash.cloned(), revision);
    for viewer in &viewers {
        viewer
            .until("it is told that the photo is gone", |book| {
                told(book, product).last().is_some_and(|last| last.2 == 3)
            })
            .await;
        let expected = [
            photo("snapshot", None, 0),
            photo("photo_changed", Some(&one), 1),
            photo("photo_changed", Some(&two), 2),
            photo("product_changed", Some(&two), 2),
            photo("photo_changed", None, 3),
        ];
        assert_eq!(told(&viewer.book(), product), expected);
        viewer.assert_well();
    }

    // who comes later finds what is now, wherever
    for gateway in [&first, &second] {
        let viewer = Viewer::at(Kind::Ws, gateway).await;
        viewer.until_snapshot().await;
        assert_eq!(told(&viewer.book(), product), [photo("snapshot", None, 3)]);
        assert_eq!(gateway.photo(product).await.problem(), "photo-not-found");
    }
    let again = first.ask("DELETE", &path, &[("Authorization", &bearer)], &[]).await;
    assert_eq!(again.problem(), "photo-not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_viewer_that_was_away_is_told_the_photo_that_is_there_now() {
    let world = World::shared("away_photo", 1).await;
    let product = world.stored_product().await;
    // so small a ring that what was missed must be read from the stream
    let args = [ADMIN[0], ADMIN[1], "--ring-bytes", "1024"];
    let gateway = world.gateway("gw1", &args);
    let mut viewers = [Viewer::at(Kind::Ws, &gateway).await, Viewer::at(Kind::Sse, &gateway).await];
    for viewer in &mut viewers {
        viewer.until_snapshot().await;
        viewer.cut();
    }
    let mut newest = String::new();
    for seed in 1..=20 {
        newest = gateway.store_photo(product, &picture(seed)).await;
        let change = Change::of(product, i64::from(seed) + 1).decoded();
        let frame = RelayedProduct {
            product: change.product(),
            from: change.version,
            recorded_ms: None,
            path_ms: None,
        };
        relay(&world, RelayFrame::ProductChanged(frame)).await;
    }
    for viewer in &mut viewers {
        viewer.connect(&gateway).await;
        viewer.until_holds(product, 21).await;
        let told = told(&viewer.book(), product);
        let revisions: Vec<_> = told.iter().map(|(_, _, revision)| *revision).collect();
        assert!(revisions.is_sorted(), "{revisions:?}");
        assert_eq!(told.last().unwrap().1.as_ref(), Some(&newest));
        assert_eq!(viewer.book().resets(), 0);
        viewer.assert_well();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_photo_that_was_stored_and_never_told_is_repaired() {
    let world = World::shared("untold", 1).await;
    let product = world.stored_product().await;
    let gateway = world.gateway("gw1", &[ADMIN[0], ADMIN[1], "--repair-page-ms", "50"]);
    let viewer = Viewer::at(Kind::Ws, &gateway).await;
    viewer.until_snapshot().await;
    gateway.store_photo(product, &picture(1)).await;
    // a replica that stored this died before it could tell
    let bytes = picture(2);
    let hash = gateway::picture::Picture::new(gateway::picture::MediaType::Png, bytes.clone().into()).hash;
    let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex = hex.concat();
    let sql = format!(
        "UPDATE photos SET revision = 2, hash = '\\x{hash}', bytes = '\\x{hex}' WHERE product_id = '{product}'"
    );
    world.sql.run(&sql).await;
    viewer
        .until("it is told all the same", |book| {
            told(book, product).last().is_some_and(|last| last.1 == Some(hash.to_string()))
        })
        .await;
    // what Redis holds is below what viewers were told
    crate::helpers::until("it is served", async || {
        gateway.photo(product).await.header("etag").contains(&hash.to_string()).then_some(())
    })
    .await;
}
