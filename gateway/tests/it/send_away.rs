//! A replica that stops, or can't serve: its viewers are told to come back, and go on elsewhere.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::helpers::line::again;
use crate::helpers::process::Gateway;
use crate::helpers::{Kind, Viewer, World};

/// What operators are promised.
const IN_TIME: Duration = Duration::from_secs(10);
const KINDS: [Kind; 4] = [Kind::Ws, Kind::Sse, Kind::Ws, Kind::Sse];

/// Viewers of `gateway`, which follow what changes.
async fn viewers_of(gateway: &Gateway) -> Vec<Viewer> {
    let mut viewers = Vec::new();
    for kind in KINDS {
        viewers.push(Viewer::at(kind, gateway).await);
    }
    for viewer in &viewers {
        viewer.until("changes come", |book| book.all("product_changed").count() > 20).await;
    }
    viewers
}

/// Each was told when to come back, and does, at `heir`, without a hole and without beginning anew. (A machine so busy that
/// Redis did not answer for seconds begins another epoch: then everybody begins anew.)
async fn assert_sent_to(world: &World, heir: &Gateway, viewers: &mut [Viewer]) {
    for viewer in viewers {
        viewer.until("its connection ends", |book| book.ended.is_some()).await;
        {
            let book = viewer.book();
            let last = book.here().last().unwrap();
            assert_eq!((last.kind.as_str(), &last.data["reason"]), ("going_away", &json!("drain")));
            let after_ms = last.data["reconnect_after_ms"].as_u64().unwrap();
            let close = (viewer.kind == Kind::Ws).then(|| (again(), after_ms.to_string()));
            assert_eq!(book.ended, Some(close));
        }
        viewer.connect(heir).await;
        let resumed = viewer.book().all("hello").next().unwrap()["resumed"] == true;
        assert!(resumed || !world.is_in_first_epoch().await, "it goes on where it was");
    }
}

async fn assert_converged(world: &World, viewers: &[Viewer]) {
    world.until_all_committed().await;
    for viewer in viewers {
        viewer.until_converged(world).await;
        let anew = {
            let book = viewer.book();
            (book.resets(), book.all("snapshot").count())
        };
        assert!(anew == (0, 0) || !world.is_in_first_epoch().await, "it began anew: {anew:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sigterm_sends_viewers_away_and_ends_within_10_s() {
    let world = World::shared("away", 4).await;
    let (mut first, second) = (world.gateway("gw1", &[]), world.gateway("gw2", &[]));
    let mut generator = world.generator(&["--products", "30", "--rate", "200"]);
    let mut viewers = viewers_of(&first).await;
    second.until_ready().await;
    let asked = Instant::now();
    first.process.terminate();
    let status = first.process.ended().await;
    assert!(asked.elapsed() < IN_TIME, "it took {:?}", asked.elapsed());
    assert_eq!(status.code(), Some(0));
    assert_sent_to(&world, &second, &mut viewers).await;
    generator.stop().await;
    assert_converged(&world, &viewers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_replica_drains_when_another_one_is_asked_for_it() {
    let world = World::shared("asked", 4).await;
    let args = ["--admin-token", "a-token-of-this-test"];
    let (first, mut second) = (world.gateway("gw1", &args), world.gateway("gw2", &args));
    let mut generator = world.generator(&["--products", "30", "--rate", "200"]);
    first.until_ready().await;
    let mut viewers = viewers_of(&second).await;
    let witness = Viewer::at(Kind::Sse, &first).await;

    let mut stream = TcpStream::connect(first.addr().await).await.unwrap();
    let request = "POST /replicas/gw2/drain HTTP/1.0\r\nContent-Length: 0\r\nAuthorization: Bearer a-token-of-this-test\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.split(' ').nth(1) == Some("202"), "{answer}");
    let asked = Instant::now();
    let status = second.process.ended().await;
    assert!(asked.elapsed() < IN_TIME, "it took {:?}", asked.elapsed());
    assert_eq!(status.code(), Some(0));
    assert_sent_to(&world, &first, &mut viewers).await;
    witness
        .until("it is told that gw2 has gone", |book| {
            let last = book.all("replicas_changed").last();
            last.is_some_and(|news| news["replicas"].as_array().unwrap().len() == 1)
        })
        .await;
    generator.stop().await;
    assert_converged(&world, &viewers).await;
}

#[tokio::test]
async fn a_replica_that_is_not_ready_tells_viewers_when_to_come_back() {
    let mut world = World::shared("unready", 1).await;
    let redis_url = std::mem::replace(&mut world.redis_url, "redis://127.0.0.1:9/".to_owned());
    let gateway = world.gateway("gw1", &["--heartbeat-ms", "1000"]);
    let mut viewers = [Viewer::new(Kind::Ws), Viewer::new(Kind::Sse)];
    for viewer in &mut viewers {
        // SSE: any status but 200 would make a browser give up for good
        viewer.try_connect(gateway.addr().await).await.unwrap();
        viewer.until("its connection ends", |book| book.ended.is_some()).await;
        let book = viewer.book();
        assert_eq!(book.here().len(), 1, "{:?}", book.here());
        let word = &book.here()[0];
        assert_eq!((word.kind.as_str(), &word.data["reason"]), ("going_away", &json!("not_ready")));
        let after_ms = word.data["reconnect_after_ms"].as_u64().unwrap();
        match viewer.kind {
            Kind::Ws => assert_eq!(book.ended, Some(Some((again(), after_ms.to_string())))),
            Kind::Sse => assert_eq!(book.retry_ms, Some(after_ms), "browsers wait for as long"),
        }
    }
    crate::helpers::until("it says what is away", async || {
        let ready = gateway.get("/readyz").await.ok()?;
        (ready.status == 503 && ready.body.contains("redis")).then_some(())
    })
    .await;

    drop(gateway);
    world.redis_url = redis_url;
    let gateway = world.gateway("gw2", &[]);
    for viewer in &mut viewers {
        viewer.connect(&gateway).await;
        viewer.until_snapshot().await;
    }
}
