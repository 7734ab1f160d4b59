//! Viewers that read nothing: each is closed, and holds up nobody.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::helpers::process::Gateway;
use crate::helpers::{Kind, Viewer, World, until};

/// What the kernel may hold for a viewer that reads nothing, bytes: the less, the sooner it shows.
const RECEIVE_BYTES: u32 = 4096;
const PRODUCTS: usize = 100;
/// Changes a second: so few that a reader which a busy machine holds up for a second or two has room for what waits.
const RATE: &str = "200";

/// A connection that asks for everything, reads the head of the answer, and nothing more.
async fn connect_and_sleep(kind: Kind, addr: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(RECEIVE_BYTES).unwrap();
    let mut stream = socket.connect(addr).await.unwrap();
    let request = match kind {
        Kind::Sse => format!("GET /sse HTTP/1.1\r\nHost: {addr}\r\n\r\n"),
        Kind::Ws => format!(
            "GET /ws HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ),
    };
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    let expected = if kind == Kind::Sse { b"HTTP/1.1 200" } else { b"HTTP/1.1 101" };
    assert_eq!(&status, expected);
    stream
}

/// Whether a process still holds the server's end of `stream`: an end without an inode is the kernel's alone.
fn is_held(stream: &TcpStream) -> bool {
    let (server, client) = (stream.peer_addr().unwrap().port(), stream.local_addr().unwrap().port());
    let (server, client) = (format!(":{server:04X}"), format!(":{client:04X}"));
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().skip(1).any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns[1].ends_with(&server) && columns[2].ends_with(&client) && columns[9] != "0"
    })
}

/// The value of a metric's line; 0 when it is not there.
async fn metric(gateway: &Gateway, line: &str) -> f64 {
    let metrics = gateway.get("/metrics").await.unwrap();
    let found = metrics.body.lines().find_map(|text| text.strip_prefix(line)?.trim().parse().ok());
    found.unwrap_or(0.0)
}

async fn assert_closed_alone(name: &str, args: &[&str]) {
    let world = World::shared(name, 2).await;
    let gateway = world.gateway("gw1", args);
    let mut generator = world.generator(&["--products", &PRODUCTS.to_string(), "--rate", RATE]);
    gateway.until_ready().await;
    let mut others = Vec::new();
    for kind in [Kind::Ws, Kind::Sse, Kind::Ws, Kind::Sse] {
        others.push(Viewer::at(kind, &gateway).await);
    }
    let heard: Vec<_> = others.iter().map(|viewer| viewer.book().all("product_changed").count()).collect();
    let addr = gateway.addr().await;
    let slow = [connect_and_sleep(Kind::Ws, addr).await, connect_and_sleep(Kind::Sse, addr).await];
    assert!(slow.iter().all(is_held));
    until("both are closed", async || (!slow.iter().any(is_held)).then_some(())).await;
    let too_slow = r#"shelfwire_viewers_closed_total{reason="too_slow"}"#;
    assert_eq!(metric(&gateway, too_slow).await, 2.0);
    for transport in ["ws", "sse"] {
        let connected = format!(r#"shelfwire_viewers{{transport="{transport}"}}"#);
        assert_eq!(metric(&gateway, &connected).await, 2.0, "the others are there");
    }
    for (viewer, heard) in others.iter().zip(heard) {
        viewer.until("it hears on", |book| book.all("product_changed").count() > heard + PRODUCTS).await;
    }
    generator.stop().await;
    world.until_all_committed().await;
    for viewer in &others {
        viewer.until_converged(&world).await;
        assert_eq!(viewer.book().ended, None, "nobody else was sent away");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_viewer_for_whom_too_much_waits_is_closed_and_holds_up_nobody() {
    // patience without end, so that nothing but the outbox can end it
    let args = ["--outbox-bytes", "131072", "--stall-ms", "600000"];
    assert_closed_alone("full", &args).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_viewer_that_reads_nothing_is_closed_and_holds_up_nobody() {
    // room without end, so that nothing but time can end it
    let args = ["--outbox-bytes", "1073741824", "--stall-ms", "1000"];
    assert_closed_alone("stalled", &args).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn talk_makes_no_viewer_too_slow_and_waits_for_none() {
    // room for half of it is all that words may take
    const ROOM: f64 = 131_072.0;
    let args = ["--outbox-bytes", "131072", "--stall-ms", "600000", "--heartbeat-ms", "60000"];
    let world = World::shared("talked_at", 1).await;
    let gateway = world.gateway("gw1", &args);
    gateway.until_ready().await;
    let listener = Viewer::at(Kind::Sse, &gateway).await;
    let addr = gateway.addr().await;
    let slow = [connect_and_sleep(Kind::Ws, addr).await, connect_and_sleep(Kind::Sse, addr).await];
    // as other replicas publish it, as fast as it is handed on
    let (redis, word) = (world.redis(), "\u{10FFFF}".repeat(280));
    let said = json!({"from": "gw2-1", "text": word, "at": "2026-01-01T00:00:00Z"}).to_string();
    let talk = tokio::spawn(async move {
        loop {
            // (one that does not arrive is no loss here)
            let _ = redis.publish("said", &said).await;
            tokio::time::sleep(std::time::Duration::from_millis(15)).await;
        }
    });
    let waiting = "shelfwire_outbox_bytes";
    until("half of what may wait for both does", async || {
        (gateway.metric(waiting).await > 2.0 * ROOM / 2.0).then_some(())
    })
    .await;
    // as much again, and more
    let heard = listener.book().all("said").count();
    listener.until("it hears on", |book| book.all("said").count() > heard + 150).await;
    talk.abort();
    // whoever is sent away has no more than a last word left to take; what the listener has yet to take counts for a moment
    until("no more than half of what may wait for both does", async || {
        (ROOM..ROOM + 8_000.0).contains(&gateway.metric(waiting).await).then_some(())
    })
    .await;
    assert!(slow.iter().all(is_held), "nobody is sent away for what others say");
    assert_eq!(listener.book().ended, None);
}
