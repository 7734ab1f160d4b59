//! What a viewer may ask for, and what it is answered.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::line::{Line, Refused};
use crate::helpers::process::Gateway;
use crate::helpers::{Change, Kind, Viewer, World, change};

const BOTH: [Kind; 2] = [Kind::Ws, Kind::Sse];

/// Sends one version of each product and waits until they are stored.
async fn change_each(world: &World, products: &[Uuid], version: i64) {
    let changes: Vec<_> = products.iter().map(|product| Change::of(*product, version)).collect();
    world.producer().changes_to(0, &changes).await;
    world.until_all_committed().await;
}

fn subscribe(what: &str, products: &[Uuid]) -> Value {
    json!({"type": what, "data": {"products": products}})
}

/// A replica with three products, and a viewer that asked for the first.
async fn follower_of_the_first(world: &World) -> (Gateway, Vec<Uuid>, Viewer) {
    let gateway = world.gateway("gw1", &[]);
    let products: Vec<_> = (0..3).map(|_| change::product()).collect();
    change_each(world, &products, 1).await;
    let mut viewer = Viewer::of(Kind::Ws, &products[..1]);
    viewer.connect(&gateway).await;
    viewer.until_holds(products[0], 1).await;
    (gateway, products, viewer)
}

#[tokio::test]
async fn a_viewer_of_a_set_sees_only_its_products() {
    let world = World::shared("set", 1).await;
    let gateway = world.gateway("gw1", &[]);
    let products: Vec<_> = (0..4).map(|_| change::product()).collect();
    change_each(&world, &products, 1).await;
    for kind in BOTH {
        let mut viewer = Viewer::of(kind, &products[..2]);
        let version = if kind == Kind::Ws { 2 } else { 3 };
        viewer.connect(&gateway).await;
        viewer.until_snapshot().await;
        change_each(&world, &products, version).await;
        viewer.until_holds(products[1], version).await;
        viewer.until_converged(&world).await;
        assert_eq!(viewer.book().held.len(), 2);
        assert_eq!(viewer.book().spans(products[0]), [(version, version)]);
        assert_eq!(viewer.book().spans(products[2]), []);
    }
    for (query, field) in [("products", "x"), ("products", &["x"; 2].join(","))] {
        let answer = Line::open(Kind::Sse, gateway.addr().await, &[(query, field)], None).await;
        let Err(Refused::Answer(400, body)) = answer else { panic!("it was let in") };
        assert_eq!(body["field"], "products", "{body}");
    }
}

#[tokio::test]
async fn a_viewer_that_begins_anew_follows_what_it_followed() {
    let world = World::shared("keeps", 1).await;
    let (_gateway, products, viewer) = follower_of_the_first(&world).await;
    // asked for while connected, with no trace in its address
    viewer.send(&subscribe("subscribe", &products[1..2]));
    viewer.until_holds(products[1], 1).await;

    world.next_epoch().await;
    viewer.until("it begins anew", |book| book.resets() == 1 && book.has_snapshot()).await;
    change_each(&world, &products, 2).await;
    viewer.until_holds(products[0], 2).await;
    viewer.until_holds(products[1], 2).await;
    assert_eq!(viewer.book().version(products[2]), 0, "it was never asked for");
    viewer.assert_well();
}

#[tokio::test]
async fn a_viewer_widens_and_narrows_what_it_follows() {
    let world = World::shared("widens", 1).await;
    let (_gateway, products, viewer) = follower_of_the_first(&world).await;

    viewer.send(&subscribe("subscribe", &products[1..2]));
    viewer.until_holds(products[1], 1).await;
    change_each(&world, &products, 2).await;
    viewer.until_holds(products[1], 2).await;
    viewer.until_holds(products[0], 2).await;
    assert_eq!(viewer.book().version(products[2]), 0);

    viewer.send(&subscribe("unsubscribe", &products[..1]));
    viewer.send(&json!({"type": "ping"}));
    let answered = |book: &crate::helpers::book::Book| book.all("heartbeat").count() >= 1;
    viewer.until("the ping behind it is answered", answered).await;
    change_each(&world, &products, 3).await;
    viewer.until_holds(products[1], 3).await;
    assert_eq!(viewer.book().version(products[0]), 2, "it follows that one no more");

    viewer.send(&json!({"type": "subscribe", "data": {"products": "all"}}));
    viewer.until_holds(products[2], 3).await;
    change_each(&world, &products, 4).await;
    for product in &products {
        viewer.until_holds(*product, 4).await;
    }
    viewer.assert_well();
    assert_eq!(viewer.book().all("error").count(), 0);
}

#[tokio::test]
async fn a_bad_message_is_answered_by_name_and_the_connection_lives_on() {
    let world = World::shared("bad", 1).await;
    let gateway = world.gateway("gw1", &[]);
    let viewer = Viewer::at(Kind::Ws, &gateway).await;
    let messages = [
        ("{", "not_json", Value::Null),
        (r#"{"type":"shout"}"#, "invalid", json!("type")),
        (r#"{"type":"subscribe"}"#, "invalid", json!("data.products")),
        (r#"{"type":"subscribe","data":{"products":["x"]}}"#, "invalid", json!("data.products[0]")),
        (r#"{"type":"unsubscribe","data":{"products":[]}}"#, "invalid", json!("data.products")),
    ];
    for (at, (text, code, field)) in messages.iter().enumerate() {
        viewer.send_text(text);
        viewer.until("it is answered", |book| book.all("error").count() > at).await;
        let book = viewer.book();
        let error = book.all("error").last().unwrap();
        assert_eq!((&error["code"], &error["field"]), (&json!(code), field), "{text}");
        let message = error["message"].as_str().unwrap();
        assert!(field.as_str().is_none_or(|field| message.starts_with(field)), "{message}");
    }
    let product = change::product();
    change_each(&world, &[product], 1).await;
    viewer.until_holds(product, 1).await;

    // whoever does not stop is sent away, with a policy's code and not "try again"
    for _ in messages.len()..20 {
        viewer.send_text("{");
    }
    viewer.until("its connection ends", |book| book.ended.is_some()).await;
    let book = viewer.book();
    assert_eq!(book.here().last().unwrap().data["reason"], "misuse");
    assert_eq!(book.ended.as_ref().unwrap().as_ref().unwrap().0, 1008);
}

// a thread of its own answers pings: without an answer for two and a half heartbeats a connection ends
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_heartbeat_carries_a_cursor_to_go_on_at() {
    let world = World::shared("beat", 1).await;
    let gateways = ["gw1", "gw2"].map(|name| world.gateway(name, &["--heartbeat-ms", "500"]));
    let products = [change::product(), change::product()];
    change_each(&world, &products, 1).await;
    for (kind, version) in [(Kind::Ws, 2), (Kind::Sse, 4)] {
        // nothing of what it follows changes, and yet its place moves on
        let mut viewer = Viewer::of(kind, &products[..1]);
        viewer.connect(&gateways[0]).await;
        viewer.until_snapshot().await;
        let begun = viewer.book().cursor.clone();
        change_each(&world, &products[1..], version).await;
        let what = "a heartbeat moves its cursor on";
        viewer.until(what, |book| book.cursor != begun).await;
        viewer.until("heartbeats come", |book| book.all("heartbeat").count() >= 3).await;
        assert!(viewer.book().here().iter().filter(|f| f.kind == "heartbeat").all(|f| f.cursor.is_some()));
        viewer.cut();
        change_each(&world, &products[1..], version + 1).await;
        change_each(&world, &products[..1], version / 2 + 1).await;
        viewer.connect(&gateways[1]).await;
        viewer.until_converged(&world).await;
        let book = viewer.book();
        let hello = book.all("hello").next().unwrap();
        assert_eq!((&hello["resumed"], &hello["heartbeat_ms"]), (&json!(true), &json!(500)));
        assert_eq!(book.spans(products[0]), [(version / 2 + 1, version / 2 + 1)]);
    }
}
