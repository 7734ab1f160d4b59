//! The edge as a client meets it: without any server, and with a database that has a few products.

mod document;

use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web;
use chrono::{TimeZone, Utc};
use clap::Parser;
use schema::{Currency, Name, PriceMinor, ProductChanged, ProductId, Stock, Version};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::aside::Aside;
use crate::config::Cli;
use crate::kafka::Producer;
use crate::photos;
use crate::ratings::Accept;
use crate::redis::Redis;
use crate::relay::Relay;
use crate::replicas;

const TOKEN: &str = "0123456789abcdef";
/// A port on which nothing listens.
const NOBODY: &str = "127.0.0.1:9";

fn state(database_url: &str, flags: &[&str]) -> web::Data<State> {
    let program = ["gateway", "--replica", "gw1"];
    let settings = Cli::try_parse_from(program.iter().chain(flags)).unwrap().settings;
    let (health, metrics) = (Health::default(), Metrics::default());
    let db = Db::new(database_url).unwrap();
    let replicas = Replicas::new(replicas::Parts {
        replica: settings.replica().to_owned(),
        addr: "127.0.0.1:8081".to_owned(),
        topic: "t".to_owned(),
        db: db.clone(),
        redis: Redis::new(&format!("redis://{NOBODY}"), "t:").unwrap(),
        health: health.clone(),
        metrics: metrics.clone(),
    });
    let redis = Redis::new(&format!("redis://{NOBODY}"), "t:").unwrap();
    let photos = Photos::new(photos::Parts {
        db: db.clone(),
        redis: redis.clone(),
        relay: Relay::new(db.clone(), redis, health.clone(), Aside::default(), metrics.relay.clone()),
        metrics: metrics.photos.clone(),
        settings: settings.photos.clone(),
        floor: Box::new(|_| None),
    });
    let ratings = Ratings {
        accept: Accept::new(NOBODY, "t", settings.replica(), metrics.ratings.clone()).unwrap(),
        knows: Box::new(|_| false),
        window: 10,
    };
    let place = || Some("a place".to_owned());
    let letters = Letters::new(NOBODY, "t.dlq".to_owned(), "gw1");
    let redrive = Redrive::new(Producer::new(NOBODY, "gw1-letters").unwrap(), "t.redrive".to_owned());
    let parts = Parts { db, health, metrics, replicas, ratings, letters, redrive, photos };
    web::Data::new(State::new(&settings, parts, place))
}

fn alone(flags: &[&str]) -> web::Data<State> {
    state(&format!("postgres://nobody@{NOBODY}/none"), flags)
}

/// What a client sees of an answer.
struct Answer {
    status: StatusCode,
    headers: header::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem's kind, field and rule.
    fn problem(&self) -> (u16, String, Value, Value) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        let slug = body["type"].as_str().unwrap().trim_start_matches("/problems/").to_owned();
        (self.status.as_u16(), slug, body["field"].clone(), body["rule"].clone())
    }
}

async fn ask(state: &web::Data<State>, request: TestRequest) -> Answer {
    let app = init_service(app(state.clone(), |_| {})).await;
    let response = call_service(&app, request.to_request()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: read_body(response).await.to_vec() }
}

async fn get(state: &web::Data<State>, uri: &str) -> Answer {
    ask(state, TestRequest::with_uri(uri)).await
}

#[actix_web::test]
async fn what_is_wrong_with_an_address_is_named() {
    let state = alone(&[]);
    let rule = "must be a whole number from 1 to 1000";
    for (uri, wanted) in [
        ("/products?limit=0", (400, "invalid-parameter", json!("limit"), json!(rule))),
        ("/products?limit=1001", (400, "invalid-parameter", json!("limit"), json!(rule))),
        (
            "/products?limit=5&limit=5",
            (400, "invalid-parameter", json!("limit"), json!("must be given once at most")),
        ),
        (
            "/products?limti=5",
            (400, "unknown-parameter", json!("limti"), json!("must be one of: after, limit")),
        ),
        ("/replicas?x", (400, "unknown-parameter", json!("x"), json!("no parameter is known here"))),
        (
            "/products/7",
            (400, "invalid-parameter", json!("id"), json!("must be a UUID in lower-case with hyphens")),
        ),
        ("/nowhere", (404, "not-found", Value::Null, Value::Null)),
        ("/problems/none", (404, "not-found", Value::Null, Value::Null)),
    ] {
        let (status, slug, field, rule) = get(&state, uri).await.problem();
        assert_eq!((status, slug.as_str(), field, rule), wanted, "{uri}");
    }
    let long = format!("/{}", "x".repeat(600));
    assert_eq!(get(&state, &long).await.problem().1, "uri-too-long");
}

#[actix_web::test]
async fn another_method_is_told_which_ones_there_are() {
    let state = alone(&[]);
    let posted = ask(&state, TestRequest::with_uri("/products").method(Method::POST)).await;
    assert_eq!(posted.problem().1, "method-not-allowed");
    let got = get(&state, "/replicas/gw1/drain").await;
    assert_eq!((got.problem().1.as_str(), got.header("allow")), ("method-not-allowed", "POST"));
}

#[actix_web::test]
async fn without_a_database_reads_say_when_to_come_again() {
    let state = alone(&[]);
    let id = ProductId::from_sku("A-1");
    for uri in ["/products".to_owned(), format!("/products/{id}"), format!("/products/{id}/changes")] {
        let answer = get(&state, &uri).await;
        assert_eq!(
            (answer.problem().1.as_str(), answer.header("retry-after")),
            ("service-away", "1"),
            "{uri}"
        );
    }
}

#[actix_web::test]
async fn life_and_readiness_are_two_things() {
    let state = alone(&[]);
    assert_eq!(get(&state, "/healthz").await.status, StatusCode::OK);
    let answer = get(&state, "/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json(), json!({"ready": false, "away": [], "view_loaded": false, "draining": false}));

    state.health.set_view_loaded(true);
    assert_eq!(get(&state, "/readyz").await.status, StatusCode::OK);
    let reporter = state.health.reporter();
    reporter.away(crate::health::Dependency::Postgres, &"test");
    let answer = get(&state, "/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["away"][0]["what"], "postgres");
    assert_eq!(get(&state, "/healthz").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn pages_and_figures_are_served() {
    let state = alone(&[]);
    let metrics = get(&state, "/metrics").await;
    assert_eq!(metrics.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(metrics.body.ends_with(b"# EOF\n"));
    assert_eq!(get(&state, "/favicon.ico").await.status, StatusCode::NO_CONTENT);
    for kind in crate::problem::kinds::ALL {
        let page = get(&state, &format!("/problems/{}", kind.slug)).await;
        assert_eq!((page.status, page.header("x-content-type-options")), (StatusCode::OK, "nosniff"));
        assert!(!String::from_utf8(page.body).unwrap().contains('{'), "{}", kind.slug);
    }
}

#[actix_web::test]
async fn the_dashboard_is_served_whole_and_is_not_sent_twice() {
    let state = alone(&[]);
    let index = get(&state, "/").await;
    let page = String::from_utf8(index.body.clone()).unwrap();
    assert!(index.header("content-security-policy").contains("script-src 'self'"));
    let addresses =
        page.split("href=\"/").chain(page.split("src=\"/")).filter_map(|rest| rest.split_once('"'));
    let addresses: Vec<String> = addresses.map(|(address, _)| format!("/{address}")).collect();
    assert!(addresses.iter().any(|address| address == "/dashboard/main.js"), "{page}");
    for address in addresses.iter().filter(|address| address.starts_with("/dashboard/")) {
        let packed = TestRequest::with_uri(address).insert_header(("Accept-Encoding", "gzip"));
        let file = ask(&state, packed).await;
        assert_eq!(file.status, StatusCode::OK, "{address}");
        let known = TestRequest::with_uri(address)
            .insert_header(("Accept-Encoding", "gzip"))
            .insert_header(("If-None-Match", file.header("etag").to_owned()));
        let again = ask(&state, known).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{address}");
        let plain = get(&state, address).await;
        assert!(
            plain.body.len() >= file.body.len() && plain.header("etag") != file.header("etag")
                || file.header("content-encoding").is_empty()
        );
    }
}

#[actix_web::test]
async fn only_the_token_sends_a_replica_away() {
    let drain = |token: Option<&str>| {
        let request = TestRequest::with_uri("/replicas/gw1/drain").method(Method::POST);
        match token {
            Some(token) => request.insert_header(("Authorization", format!("Bearer {token}"))),
            None => request,
        }
    };
    let closed = alone(&[]);
    assert_eq!(ask(&closed, drain(Some(TOKEN))).await.problem().1, "admin-disabled");

    let state = alone(&["--admin-token", TOKEN]);
    for wrong in [None, Some("0123456789abcdeX")] {
        let answer = ask(&state, drain(wrong)).await;
        assert_eq!(answer.problem().1, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"shelfwire\"");
    }
    assert!(!state.replicas.drain_requested().is_cancelled());
    let answer = ask(&state, drain(Some(TOKEN))).await;
    assert_eq!((answer.status, answer.json()["replica"].as_str()), (StatusCode::ACCEPTED, Some("gw1")));
    assert!(state.replicas.drain_requested().is_cancelled());
}

#[actix_web::test]
async fn without_redis_a_replica_still_knows_itself() {
    let state = alone(&["--admin-token", TOKEN]);
    let replicas = get(&state, "/replicas").await.json();
    assert_eq!(replicas["replicas"][0]["replica"], "gw1");
    assert_eq!(replicas["complete"], false);
    let other = TestRequest::with_uri("/replicas/gw2/drain")
        .method(Method::POST)
        .insert_header(("Authorization", format!("Bearer {TOKEN}")));
    assert_eq!(ask(&state, other).await.problem().1, "service-away");
}

#[actix_web::test]
async fn foreign_pages_may_neither_connect_nor_change_anything() {
    let state = alone(&["--admin-token", TOKEN, "--allowed-origins", "https://shop.example"]);
    let from = |method: Method, uri: &str, origin: &str| {
        let request = TestRequest::with_uri(uri).method(method).insert_header(("Host", "localhost:8080"));
        request.insert_header(("Origin", origin.to_owned()))
    };
    let (own, shop, evil) = ("http://localhost:8080", "https://shop.example", "https://evil.example");
    for (method, uri) in [(Method::GET, "/ws"), (Method::POST, "/replicas/gw1/drain"), (Method::DELETE, "/x")]
    {
        assert_eq!(ask(&state, from(method.clone(), uri, evil)).await.problem().1, "origin-not-allowed");
        for origin in [own, shop] {
            assert_ne!(
                ask(&state, from(method.clone(), uri, origin)).await.problem().1,
                "origin-not-allowed"
            );
        }
    }
    for (origin, told) in [(own, ""), (shop, shop), (evil, "")] {
        let answer = ask(&state, from(Method::GET, "/replicas", origin)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("access-control-allow-origin"), told);
        assert_eq!(answer.header("vary"), "Origin");
    }
    let preflight = |origin| {
        from(Method::OPTIONS, "/products", origin).insert_header(("Access-Control-Request-Method", "GET"))
    };
    let answer = ask(&state, preflight(shop)).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (StatusCode::NO_CONTENT, shop));
    assert!(answer.header("access-control-allow-headers").contains("Last-Event-ID"));
    assert_eq!(ask(&state, preflight(evil)).await.problem().1, "origin-not-allowed");
}

// --- with a database -----------------------------------------------------------------------------------------------

fn change(product_id: ProductId, version: i64) -> ProductChanged {
    ProductChanged {
        event_id: Uuid::now_v7(),
        product_id,
        version: Version::try_from(version).unwrap(),
        name: Name::try_from("Espresso beans 1 kg").unwrap(),
        price_minor: PriceMinor::try_from(1_000 + version).unwrap(),
        currency: Currency::try_from("EUR").unwrap(),
        stock: Stock::try_from(3).unwrap(),
        occurred_at: Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap(),
    }
}

async fn store(db: &Db, changes: &[ProductChanged]) {
    let changes: Vec<&ProductChanged> = changes.iter().collect();
    db.writer().apply(&changes, Utc::now().date_naive()).await.unwrap();
}

/// A state with a database of its own.
async fn with_database() -> web::Data<State> {
    let name = format!("http_{}", Uuid::now_v7().simple());
    let url = tokio::task::spawn_blocking(move || {
        let servers = stack::shared().unwrap();
        servers.create_database(&name).unwrap();
        servers.database_url(&name)
    });
    let state = state(&url.await.unwrap(), &[]);
    state.db.migrate().await.unwrap();
    state
}

#[actix_web::test]
async fn pages_of_products_hold_each_once_and_end() {
    let state = with_database().await;
    let mut ids: Vec<ProductId> = (0..25).map(|n| ProductId::from_sku(&format!("A-{n}"))).collect();
    store(&state.db, &ids.iter().map(|id| change(*id, 1)).collect::<Vec<_>>()).await;
    ids.sort();

    let (mut seen, mut uri) = (Vec::new(), "/products?limit=10".to_owned());
    loop {
        let page = get(&state, &uri).await.json();
        seen.extend(page["products"].as_array().unwrap().iter().map(|p| p["product_id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        uri = format!("/products?limit=10&after={next}");
    }
    assert_eq!(seen, ids.iter().map(|id| json!(id)).collect::<Vec<_>>());
    // the last page is full: nothing follows it all the same
    let page = get(&state, "/products?limit=25").await.json();
    assert_eq!((page["products"].as_array().unwrap().len(), &page["next"]), (25, &Value::Null));
}

#[actix_web::test]
async fn history_is_read_from_the_newest_back() {
    let state = with_database().await;
    let id = ProductId::from_sku("A-1");
    for version in 1..=5 {
        store(&state.db, &[change(id, version)]).await;
    }
    let versions = |page: &Value| -> Vec<i64> {
        page["changes"].as_array().unwrap().iter().map(|c| c["version"].as_i64().unwrap()).collect()
    };
    let page = get(&state, &format!("/products/{id}/changes?limit=3")).await.json();
    assert_eq!((versions(&page), &page["next"]), (vec![5, 4, 3], &json!(3)));
    let page = get(&state, &format!("/products/{id}/changes?limit=3&before=3")).await.json();
    assert_eq!((versions(&page), &page["next"]), (vec![2, 1], &Value::Null));
    let page = get(&state, &format!("/products/{id}/changes?before=1")).await.json();
    assert_eq!((versions(&page), &page["next"]), (vec![], &Value::Null));
    let other = ProductId::from_sku("A-2");
    assert_eq!(get(&state, &format!("/products/{other}/changes")).await.problem().1, "product-not-found");
}

#[actix_web::test]
async fn a_version_is_waited_for() {
    let state = with_database().await;
    let id = ProductId::from_sku("A-1");
    let wait = |version: i64, wait_ms: i64| format!("/products/{id}?min_version={version}&wait_ms={wait_ms}");
    let answer = get(&state, &wait(1, 100)).await;
    assert_eq!(answer.problem().1, "product-not-found");

    // made while it is waited for, the first version too
    for version in 1..=2 {
        let (uri, written) = (wait(version, 10_000), change(id, version));
        let (answer, ()) = tokio::join!(get(&state, &uri), async {
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
            store(&state.db, &[written]).await;
        });
        assert_eq!((answer.status, answer.json()["version"].as_i64()), (StatusCode::OK, Some(version)));
    }
    for wait_ms in [0, 100] {
        let answer = get(&state, &wait(3, wait_ms)).await;
        assert_eq!((answer.status.as_u16(), answer.problem().1.as_str()), (409, "version-not-reached"));
        assert_eq!(answer.json()["retryable"], true);
    }
    assert_eq!(get(&state, &wait(1, 0)).await.json()["price_minor"], 1_002);
}

#[actix_web::test]
async fn a_client_that_has_the_version_gets_no_body() {
    let state = with_database().await;
    let id = ProductId::from_sku("A-1");
    store(&state.db, &[change(id, 17)]).await;
    let uri = format!("/products/{id}");
    let first = get(&state, &uri).await;
    assert_eq!((first.status, first.header("etag")), (StatusCode::OK, "\"v17\""));
    let again = TestRequest::with_uri(&uri).insert_header(("If-None-Match", first.header("etag").to_owned()));
    let again = ask(&state, again).await;
    assert_eq!((again.status, again.header("etag")), (StatusCode::NOT_MODIFIED, "\"v17\""));
    assert!(again.body.is_empty());
    store(&state.db, &[change(id, 18)]).await;
    let newer = TestRequest::with_uri(&uri).insert_header(("If-None-Match", "\"v17\""));
    assert_eq!(ask(&state, newer).await.status, StatusCode::OK);
}
