//! Redis is slow, loses everything, holds rubbish, dies: photos are served all the same, the right ones, and the database
//! is not overrun.

use std::time::{Duration, Instant};

use deadpool_redis::redis;
use stack::{Options, Private, Shared};
use uuid::Uuid;

use crate::helpers::http::Answer;
use crate::helpers::photos::{ADMIN, picture};
use crate::helpers::process::Gateway;
use crate::helpers::slow_redis::SlowRedis;
use crate::helpers::{World, until};

const READS: &str = "shelfwire_photo_database_reads_total";

async fn command(world: &World, words: &[&str]) {
    let mut pipeline = redis::pipe();
    pipeline.cmd(words[0]);
    for word in &words[1..] {
        pipeline.arg(*word);
    }
    pipeline.ignore();
    world.redis().query::<()>(&pipeline).await.unwrap();
}

/// The photo came, and it is this one.
fn assert_right(answer: &Answer, hash: &str) {
    assert_eq!((answer.status, answer.header("etag")), (200, format!("\"{hash}\"").as_str()));
    let found = gateway::picture::Picture::new(gateway::picture::MediaType::Png, answer.body.clone().into());
    assert_eq!(found.hash.to_string(), hash, "the bytes are those that the name promises");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rubbish_in_redis_is_passed_by_and_replaced() {
    let world = World::shared("rubbish", 1).await;
    let product = world.stored_product().await;
    let gateway = world.gateway("gw1", &ADMIN);
    gateway.until_ready().await;
    let hash = gateway.store_photo(product, &picture(1)).await;
    let key = world.photo_key(product);
    let key = key.as_str();
    let hash_bytes = "x".repeat(32);
    let rubbish: [&[&str]; 8] = [
        &["SET", key, "rubbish"],
        &["RPUSH", key, "a", "b"],
        &["SADD", key, "a"],
        &["XADD", key, "*", "f", "v"],
        &["HSET", key, "revision", "not a number"],
        &["HSET", key, "revision", "99", "hash", "short", "type", "image/png", "bytes", "x"],
        &["HSET", key, "revision", "99", "hash", &hash_bytes, "type", "image/png", "bytes", "not those"],
        &["HSET", key, "revision", "1", "type", "text/html", "bytes", "<script>"],
    ];
    for rubbish in rubbish {
        command(&world, &["UNLINK", key]).await;
        command(&world, rubbish).await;
        assert_right(&gateway.until_photo_is_a("bypass", product).await, &hash);
        assert_right(&gateway.until_photo_is_a("hit", product).await, &hash);
        let mut kind = redis::pipe();
        kind.cmd("HGET").arg(key).arg("revision");
        let (revision,): (String,) = world.redis().query(&kind).await.unwrap();
        assert_eq!(revision, "1", "{rubbish:?}");
    }
    // all that a gateway wrote, but the bytes
    command(&world, &["HSET", key, "bytes", "not those"]).await;
    assert_right(&gateway.until_photo_is_a("bypass", product).await, &hash);
    assert_right(&gateway.until_photo_is_a("hit", product).await, &hash);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_flush_costs_one_read_of_the_database() {
    let servers = Private::start(Options::default()).unwrap();
    let world = World::on(&Shared::of(&servers), "photo_flush", 1).await;
    let product = world.stored_product().await;
    let gateway = world.gateway("gw1", &ADMIN);
    gateway.until_ready().await;
    let hash = gateway.store_photo(product, &picture(1)).await;
    gateway.until_photo_is_a("hit", product).await;
    command(&world, &["FLUSHALL"]).await;
    let flushed = Instant::now();
    while flushed.elapsed() < Duration::from_secs(3) {
        assert_right(&gateway.photo(product).await, &hash);
    }
    assert_right(&gateway.until_photo_is_a("hit", product).await, &hash);
    // the relay's stream is gone, too: while the next epoch is entered Redis is not believed
    let reads = gateway.metric(READS).await;
    assert!(reads <= 4.0, "{reads} reads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_redis_that_answers_late_is_not_waited_for_and_does_not_send_everybody_to_the_database() {
    let mut world = World::shared("late", 1).await;
    let slow = SlowRedis::to(&world.redis_url).await;
    let mut products = Vec::new();
    for _ in 0..3 {
        products.push(world.stored_product().await);
    }
    world.redis_url = slow.url();
    let gateway = world.gateway("gw1", &ADMIN);
    gateway.until_ready().await;
    let mut hashes = Vec::new();
    for (seed, product) in (1..).zip(&products) {
        hashes.push(gateway.store_photo(*product, &picture(seed)).await);
        gateway.until_photo_is_a("hit", *product).await;
    }
    slow.answer_after(Duration::from_secs(5));
    // what is on its way still comes
    for product in &products {
        gateway.until_photo_is_a("bypass", *product).await;
    }
    let before = gateway.metric(READS).await;
    let (began, mut asked) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(6) {
        let answers = products.iter().flat_map(|product| (0..5).map(|_| gateway.photo(*product)));
        for (at, answer) in futures_util::future::join_all(answers).await.iter().enumerate() {
            assert_right(answer, &hashes[at / 5]);
            assert_eq!(answer.header("x-cache"), "bypass");
            asked += 1;
        }
    }
    let reads = gateway.metric(READS).await - before;
    // each photo once in 0.8 s
    let most = (began.elapsed().as_secs_f64() / 0.8 + 1.0).ceil() * 3.0;
    assert!(asked > 100 && reads <= most, "{reads} reads for {asked} requests");
    slow.answer_after(Duration::ZERO);
    for (product, hash) in products.iter().zip(&hashes) {
        assert_right(&gateway.until_photo_is_a("hit", *product).await, hash);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn photos_are_served_while_redis_hangs() {
    let servers = Private::start(Options::default()).unwrap();
    let world = World::on(&Shared::of(&servers), "photo_hang", 1).await;
    let (product, cold) = (world.stored_product().await, world.stored_product().await);
    let gateway = world.gateway("gw1", &ADMIN);
    gateway.until_ready().await;
    let hash = gateway.store_photo(product, &picture(1)).await;
    let other = gateway.store_photo(cold, &picture(2)).await;
    command(&world, &["CLIENT", "PAUSE", "5000", "ALL"]).await;
    let paused = Instant::now();
    assert_right(&gateway.until_photo_is_a("bypass", cold).await, &other);
    while paused.elapsed() < Duration::from_secs(4) {
        assert_right(&gateway.photo(product).await, &hash);
    }
    assert_right(&gateway.until_photo_is_a("hit", product).await, &hash);
}

/// An upload while Redis is away, which then comes back with what it had before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_does_not_bring_an_old_photo_back() {
    // it keeps its file
    let servers = Private::start(Options { durable: true, ..Options::default() }).unwrap();
    let world = World::on(&Shared::of(&servers), "photo_restart", 1).await;
    let product = world.stored_product().await;
    let gateways = ["gw1", "gw2"].map(|name| world.gateway(name, &ADMIN));
    for gateway in &gateways {
        gateway.until_ready().await;
    }
    let old = gateways[0].store_photo(product, &picture(1)).await;
    for gateway in &gateways {
        assert_right(&gateway.until_photo_is_a("hit", product).await, &old);
    }
    // on disk within a second
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    servers.kill("redis").unwrap();
    let new = gateways[0].store_photo(product, &picture(2)).await;
    let stored = Instant::now();
    for gateway in &gateways {
        until_new(gateway, product, &new).await;
        assert!(stored.elapsed() < Duration::from_secs(5), "{:?}", stored.elapsed());
    }
    // the next epoch can't begin for now: meanwhile Redis is there, and nobody can tell what of it is old
    world.sql.run("BEGIN").await;
    world.sql.run("LOCK TABLE relay_epoch").await;
    servers.start_again("redis").unwrap();
    let mut ask = redis::pipe();
    ask.cmd("HGET").arg(world.photo_key(product)).arg("revision");
    let (revision,): (Option<String>,) = world.redis().query(&ask).await.unwrap();
    assert_eq!(revision.as_deref(), Some("1"), "Redis came back with the old photo");
    for begins in [false, true] {
        if begins {
            world.sql.run("COMMIT").await;
        }
        let back = Instant::now();
        while back.elapsed() < Duration::from_secs(3) {
            for gateway in &gateways {
                assert_right(&gateway.photo(product).await, &new);
            }
        }
    }
    for gateway in &gateways {
        assert_right(&gateway.until_photo_is_a("hit", product).await, &new);
    }
}

async fn until_new(gateway: &Gateway, product: Uuid, hash: &str) {
    until(&format!("{} serves the new one", gateway.name), async || {
        let answer = gateway.photo(product).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.header("etag").contains(hash).then_some(())
    })
    .await;
}
