//! Ratings: taken once Kafka has them, counted once, and told to every viewer.

use std::time::Instant;

use schema::headers::{CE_TYPE, IDEMPOTENCY_KEY};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::helpers::book::Book;
use crate::helpers::client::Client;
use crate::helpers::{Change, Kind, Viewer, World, change, until};

/// Stores a product that can be rated.
async fn stored_product(world: &World) -> Uuid {
    let product = change::product();
    world.producer().change(&Change::of(product, 1)).await;
    world.until_stored(product, 1).await;
    product
}

/// Sends a rating, which counts once.
async fn rate(client: &mut Client, path: &str) -> Value {
    let key = Uuid::now_v7().to_string();
    client.until_taken(path, &[("Idempotency-Key", &key)], "").await.body
}

async fn get(client: &mut Client, path: &str) -> Value {
    let answer = client.ask("GET", path, &[], "").await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[tokio::test]
async fn ratings_add_up_and_reach_viewers_of_all_replicas() {
    let world = World::shared("rated", 2).await;
    let gateways = [world.gateway("gw1", &[]), world.gateway("gw2", &[])];
    let product = stored_product(&world).await;
    let mut viewers = Vec::new();
    for gateway in &gateways {
        for kind in [Kind::Ws, Kind::Sse] {
            let viewer = Viewer::at(kind, gateway).await;
            viewer.until_holds(product, 1).await;
            viewers.push(viewer);
        }
    }
    let mut client = gateways[0].client().await;
    let none = get(&mut client, "/total").await;
    assert_eq!(
        none,
        json!({"subject": "site", "average": null, "window": 10, "count": 0, "sum": 0, "updated_at": null})
    );
    let never = client.ask("GET", &format!("/products/{product}/total"), &[], "").await.unwrap();
    assert_eq!(never.problem(), (404, "not-rated", ""));

    // 12 ratings, so that the window of 10 leaves two behind; over both replicas, in the address and in the body
    let mut other = gateways[1].client().await;
    for rate_of in 0..=10 {
        let client = if rate_of % 2 == 0 { &mut client } else { &mut other };
        let taken = rate(client, &format!("/products/{product}/rate?rate={rate_of}")).await;
        assert_eq!((&taken["subject"], &taken["rate"]), (&json!(product), &json!(rate_of)));
        assert_eq!(taken["event_id"].as_str().unwrap().parse::<Uuid>().unwrap().get_version_num(), 7);
        rate(client, &format!("/rate?rate={}", 10 - rate_of)).await;
    }
    let headers = [("Idempotency-Key", "a body"), ("Content-Type", "application/json; charset=utf-8")];
    client.until_taken(&format!("/products/{product}/rate"), &headers, "{\"rate\":7}").await;

    let rated = json!({"average": 6.1, "window": 10, "count": 12, "sum": 62});
    let site = json!({"average": 4.5, "window": 10, "count": 11, "sum": 55});
    for viewer in &viewers {
        viewer
            .until("both ratings are told", |book| {
                book.ratings.get(&product.to_string()) == Some(&rated)
                    && book.ratings.get("site") == Some(&site)
            })
            .await;
        let told = viewer.book().all("rating_changed").count();
        assert!(told <= 23, "conflated: at most one frame a rating, not {told}");
        viewer.assert_well();
    }
    let total = get(&mut other, &format!("/products/{product}/total")).await;
    assert_eq!(
        (&total["subject"], &total["average"], &total["count"]),
        (&json!(product), &rated["average"], &json!(12))
    );
    assert!(total["updated_at"].is_string());
    assert_eq!(get(&mut other, "/total").await["sum"], 55);

    // whoever comes later finds them, and the product's next change tells them too
    assert_eq!(get(&mut client, &format!("/products/{product}")).await["rating"], rated);
    assert_eq!(get(&mut client, "/products").await["products"][0]["rating"], rated);
    let late = Viewer::at(Kind::Ws, &gateways[1]).await;
    late.until_snapshot().await;
    assert_eq!(late.book().ratings[&product.to_string()], rated);
    assert_eq!(late.book().ratings["site"], site);
    world.producer().change(&Change::of(product, 2)).await;
    late.until_holds(product, 2).await;
    let told = late.book().all("product_changed").last().unwrap()["rating"].clone();
    assert_eq!(told, rated);
    assert_eq!(world.totals().await, world.fold_of_topic());
}

#[tokio::test]
async fn a_viewer_that_was_away_finds_the_newest_rating_by_cursor_and_by_reset() {
    let world = World::shared("rated_away", 1).await;
    // repair would hide what is shown here
    let gateway = world.gateway("gw1", &["--repair-page-ms", "0"]);
    let product = stored_product(&world).await;
    let mut viewers = [Viewer::at(Kind::Ws, &gateway).await, Viewer::at(Kind::Sse, &gateway).await];
    let mut client = gateway.client().await;
    let path = format!("/products/{product}/rate?rate=10");
    rate(&mut client, &path).await;
    for viewer in &mut viewers {
        viewer.until("the first rating", |book| book.ratings.contains_key(&product.to_string())).await;
        viewer.cut();
    }
    for count in 2..=4 {
        rate(&mut client, &path).await;
        rate(&mut client, "/rate?rate=1").await;
        world.until_counted(&product.to_string(), count).await;
    }
    world.until_counted("site", 3).await;
    let newest = |book: &Book| {
        let count =
            |subject: &str| book.ratings.get(subject).map_or(0, |rating| rating["count"].as_i64().unwrap());
        (count(&product.to_string()), count("site")) == (4, 3)
    };
    for viewer in &mut viewers {
        viewer.connect(&gateway).await;
        viewer.until("the newest by cursor", newest).await;
        assert_eq!(viewer.book().resets(), 0);
        viewer.cut();
        viewer.book().ratings.clear();
    }
    world.next_epoch().await;
    until("the next epoch is entered", async || {
        let epoch = world.db().epoch().await.unwrap().id.to_string();
        gateway.process.log().contains(&format!("relay epoch entered epoch={epoch}")).then_some(())
    })
    .await;
    for viewer in &mut viewers {
        viewer.connect(&gateway).await;
        viewer.until("the newest by snapshot", newest).await;
        assert_eq!(viewer.book().resets(), 1);
    }
}

#[tokio::test]
async fn a_flood_of_ratings_of_one_subject_is_told_ten_times_a_second_at_most() {
    const RATINGS: i64 = 300;
    let world = World::shared("rated_often", 1).await;
    let gateway = world.gateway("gw1", &[]);
    let viewer = Viewer::at(Kind::Ws, &gateway).await;
    viewer.until_snapshot().await;
    let mut client = gateway.client().await;
    let began = Instant::now();
    for _ in 0..RATINGS {
        rate(&mut client, "/rate?rate=10").await;
    }
    let all = |book: &Book| book.ratings.get("site").is_some_and(|site| site["count"] == RATINGS);
    viewer.until("the newest is told", all).await;
    let (told, tenths) = (viewer.book().all("rating_changed").count(), began.elapsed().as_millis() / 100);
    assert!(told as u128 <= tenths + 2, "{told} frames in {tenths} tenths of a second");
}

#[tokio::test]
async fn what_is_no_rating_is_refused_at_the_door() {
    let world = World::shared("unrated", 1).await;
    let gateway = world.gateway("gw1", &[]);
    let product = stored_product(&world).await;
    let mut client = gateway.client().await;
    let unknown = Uuid::now_v7();
    let json_type = ("Content-Type", "application/json");
    for (path, headers, body, wanted) in [
        ("/rate", &[][..], "", (422, "unprocessable", "rate")),
        ("/rate?rate=", &[], "", (422, "unprocessable", "rate")),
        ("/rate?rate=11", &[], "", (422, "unprocessable", "rate")),
        ("/rate?rate=-1", &[], "", (422, "unprocessable", "rate")),
        ("/rate?rate=7.5", &[], "", (422, "unprocessable", "rate")),
        ("/rate?rate=seven", &[], "", (422, "unprocessable", "rate")),
        ("/rate?rate=7&rate=7", &[], "", (400, "invalid-parameter", "rate")),
        ("/rate?rat=7", &[], "", (400, "unknown-parameter", "rat")),
        ("/rate", &[json_type], "{\"rate\":11}", (422, "unprocessable", "rate")),
        ("/rate", &[json_type], "{\"rate\":\"7\"}", (422, "unprocessable", "rate")),
        ("/rate", &[json_type], "{\"rate\":7.0}", (422, "unprocessable", "rate")),
        ("/rate", &[json_type], "{}", (422, "unprocessable", "body")),
        ("/rate", &[json_type], "{\"rat\":7}", (422, "unprocessable", "body")),
        ("/rate", &[json_type], "{\"rate\":7,\"x\":1}", (422, "unprocessable", "body")),
        ("/rate", &[json_type], "{\"rate\":7,\"rate\":7}", (422, "unprocessable", "body")),
        ("/rate", &[json_type], "{\"rate\":7", (422, "unprocessable", "body")),
        ("/rate?rate=7", &[json_type], "{\"rate\":7}", (422, "unprocessable", "rate")),
        ("/rate", &[], "{\"rate\":7}", (415, "unsupported-media-type", "")),
        ("/rate?rate=7", &[("Idempotency-Key", "")], "", (400, "invalid-parameter", "Idempotency-Key")),
        (&format!("/products/{unknown}/rate?rate=7"), &[], "", (404, "product-not-found", "")),
        ("/products/7/rate?rate=7", &[], "", (400, "invalid-parameter", "id")),
        (&format!("/products/{product}/rate?rate=11"), &[], "", (422, "unprocessable", "rate")),
    ] {
        let answer = client.ask("POST", path, headers, body).await.unwrap();
        assert_eq!(answer.problem(), wanted, "{path} {body}");
    }
    assert_eq!(client.ask("GET", "/rate", &[], "").await.unwrap().problem().0, 405);
    let total = client.ask("GET", &format!("/products/{unknown}/total"), &[], "").await.unwrap();
    assert_eq!(total.problem(), (404, "product-not-found", ""));
    let long = "x".repeat(17_000);
    assert_eq!(client.ask("POST", "/rate", &[json_type], &long).await.unwrap().status, 413);
    assert_eq!(world.ends(&world.ratings_topic()).values().sum::<i64>(), 0, "none came into Kafka");
}

#[tokio::test]
async fn a_key_makes_a_rating_that_is_sent_again_count_once() {
    let world = World::shared("keys", 1).await;
    let gateways = [world.gateway("gw1", &[]), world.gateway("gw2", &[])];
    let product = stored_product(&world).await;
    let mut clients = [gateways[0].client().await, gateways[1].client().await];
    let of_product = format!("/products/{product}/rate?rate=8");
    // one after another and side by side, in one batch or in several, through both replicas
    for _ in 0..5 {
        for key in ["first", "second", "it is \"quoted\""] {
            for path in [&of_product, "/rate?rate=3"] {
                let [one, two] = &mut clients;
                let headers = [("Idempotency-Key", key)];
                tokio::join!(one.until_taken(path, &headers, ""), two.until_taken(path, &headers, ""));
            }
        }
    }
    // without a key each counts that comes in, as one that was refused may do, too
    let mut tries = 0;
    until("one without a key is taken", async || {
        tries += 1;
        let answer = clients[0].ask("POST", &of_product, &[], "").await.unwrap();
        assert!([202, 503].contains(&answer.status), "{answer:?}");
        (answer.status == 202).then_some(())
    })
    .await;
    world.until_all_folded().await;
    let records = world.records(&world.ratings_topic());
    let keyless = records.iter().filter(|record| record.header(IDEMPOTENCY_KEY).is_none()).count() as i64;
    assert!((1..=tries).contains(&keyless), "{keyless} of {tries}");
    let totals = world.totals().await;
    let found =
        [product.to_string(), "site".into()].map(|subject| (totals[&subject].count, totals[&subject].sum));
    let rated = 3 + keyless;
    assert_eq!(found, [(rated, 8 * rated), (3, 9)], "three keys each, and what came without");
    assert_eq!(totals, world.fold_of_topic());
    let known = "SELECT count(*) FROM rating_keys";
    assert_eq!(world.sql.number(known).await, 6);

    // a day later they are forgotten
    world
        .sql
        .run("UPDATE rating_keys SET seen_at = now() - interval '25 hours' WHERE subject = 'site'")
        .await;
    assert!(!world.db().forget_rating_keys(24).await.unwrap(), "all of it at once");
    assert_eq!(world.sql.number(known).await, 3);
}

/// A record: key, value, headers; and the reason for which it is refused.
type Bad<'a> = (Option<&'a str>, Option<String>, &'a [(&'a str, &'a str)], &'a str);

#[tokio::test]
async fn poison_ratings_go_to_dead_letters_of_their_own_and_hold_nothing_up() {
    let world = World::shared("poison_rating", 1).await;
    let _gateway = world.gateway("gw1", &[]);
    let producer = world.producer_to(&world.ratings_topic());
    let good =
        json!({"event_id": Uuid::now_v7(), "subject": "site", "rate": 5, "rated_at": "2026-11-21T13:00:00Z"});
    let with = |field: &str, value: Value| {
        let mut rating = good.clone();
        rating[field] = value;
        rating.to_string()
    };
    let wrong_type: &[(&str, &str)] = &[(CE_TYPE, "shelfwire.ProductChanged.v1")];
    let bad: Vec<Bad<'_>> = vec![
        (Some("site"), None, &[], "tombstone"),
        (Some("site"), Some("no rating".into()), &[], "not_json"),
        (Some("site"), Some(with("rate", json!(11))), &[], "out_of_range"),
        (Some("site"), Some(with("subject", json!("shop"))), &[], "wrong_type"),
        (Some("other"), Some(good.to_string()), &[], "key_mismatch"),
        (None, Some(good.to_string()), &[], "key_mismatch"),
        (Some("site"), Some(good.to_string()), wrong_type, "unknown_type"),
        (Some("site"), Some(good.to_string()), &[(IDEMPOTENCY_KEY, "not a hash")], "wrong_type"),
    ];
    for (key, value, headers, _) in &bad {
        let value = value.as_deref().map(str::as_bytes);
        producer.raw(Some(1), key.map(str::as_bytes), value, headers).await;
        producer.raw(Some(1), Some(b"site"), Some(good.to_string().as_bytes()), &[]).await;
    }
    // and one behind which nothing comes
    producer.raw(Some(1), Some(b"site"), None, &[]).await;
    world.until_all_folded().await;
    assert_eq!(world.totals().await["site"].count, bad.len() as i64, "each good one behind a bad one");
    let letters = world.rating_letters();
    let mut reasons: Vec<_> = letters.iter().map(|letter| letter.header("dlq-reason").unwrap()).collect();
    let mut wanted: Vec<_> = bad.iter().map(|(_, _, _, reason)| (*reason).to_owned()).collect();
    wanted.push("tombstone".to_owned());
    reasons.sort();
    wanted.sort();
    assert_eq!(reasons, wanted);
    let topic = world.ratings_topic();
    assert!(letters.iter().all(|letter| letter.header("dlq-topic").as_ref() == Some(&topic)));
    assert_eq!(world.letters(), [], "the dead letters of changes are others");
}
