//! How a viewer comes in, and what it is told when it comes in wrongly.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::helpers::line::{Line, Refused};
use crate::helpers::process::Gateway;
use crate::helpers::{Kind, Viewer, World, change, until};

/// What a plain client is answered, with `Connection: close`.
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

/// Sends `request`'s first line and `headers`, and reads to the end.
async fn ask(gateway: &Gateway, request: &str, headers: &[&str]) -> Answer {
    let mut stream = TcpStream::connect(gateway.addr().await).await.unwrap();
    let request = format!("{request} HTTP/1.1");
    let head = [&[&request, "Host: test"][..], headers, &["", ""]].concat();
    let text = head.join("\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    // the connection stays open after some answers: read until the body is whole
    loop {
        let count = stream.read(&mut buffer).await.unwrap_or(0);
        answer.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let whole = length.is_some_and(|length| length.parse::<usize>().unwrap() == body.len());
        if count == 0 || whole {
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
            return Answer { status, head, body: serde_json::from_str(body).unwrap_or_default() };
        }
    }
}

const UPGRADE: [&str; 2] = ["Connection: Upgrade", "Upgrade: websocket"];
const KEY: &str = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
const VERSION: &str = "Sec-WebSocket-Version: 13";

#[tokio::test]
async fn who_comes_without_a_websocket_is_told_what_to_do() {
    let world = World::shared("handshake", 1).await;
    let gateway = world.gateway("gw1", &[]);
    gateway.until_ready().await;
    for (headers, status, slug) in [
        (vec![], 426, "upgrade-required"),
        (vec!["Connection: Upgrade", "Upgrade: h2c", KEY, VERSION], 426, "upgrade-required"),
        ([&UPGRADE[..], &[KEY]].concat(), 426, "upgrade-required"),
        ([&UPGRADE[..], &[KEY, "Sec-WebSocket-Version: 8"]].concat(), 426, "upgrade-required"),
        ([&UPGRADE[..], &[VERSION]].concat(), 400, "invalid-parameter"),
        ([&UPGRADE[..], &[VERSION, "Sec-WebSocket-Key: eA=="]].concat(), 400, "invalid-parameter"),
    ] {
        let answer = ask(&gateway, "GET /ws", &headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(answer.body["type"], format!("/problems/{slug}"), "{headers:?}");
        assert_eq!(answer.body["retryable"], false);
        if status == 426 {
            assert!(answer.head.contains("upgrade: websocket"), "{}", answer.head);
            assert!(answer.head.contains("sec-websocket-version: 13"), "{}", answer.head);
        }
    }
    let answer = ask(&gateway, "GET /ws", &[]).await;
    assert!(answer.body["detail"].as_str().unwrap().contains("/sse"), "{}", answer.body);
    for path in ["/ws", "/sse"] {
        let answer = ask(&gateway, &format!("POST {path}"), &["Content-Length: 0"]).await;
        assert_eq!((answer.status, &answer.body["type"]), (405, &json!("/problems/method-not-allowed")));
        assert!(answer.head.contains("allow: get"), "{}", answer.head);
    }
}

#[tokio::test]
async fn a_parameter_that_is_unknown_or_given_twice_is_refused_by_name() {
    let world = World::shared("doors", 1).await;
    let gateway = world.gateway("gw1", &[]);
    gateway.until_ready().await;
    let product = change::product().to_string();
    for kind in [Kind::Ws, Kind::Sse] {
        for (query, slug, field) in [
            (vec![("product", product.as_str())], "unknown-parameter", "product"),
            (vec![("products", &product), ("products", &product)], "invalid-parameter", "products"),
            (vec![("every_ms", "soon")], "invalid-parameter", "every_ms"),
        ] {
            let answer = Line::open(kind, gateway.addr().await, &query, None).await;
            let Err(Refused::Answer(400, body)) = answer else { panic!("{kind:?} {query:?}: let in") };
            assert_eq!((&body["type"], &body["field"]), (&json!(format!("/problems/{slug}")), &json!(field)));
            assert_eq!((&body["retryable"], &body["status"]), (&json!(false), &json!(400)));
        }
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_connection_with_1009() {
    let world = World::shared("oversized", 1).await;
    let gateway = world.gateway("gw1", &[]);
    for bytes in [64 * 1024 + 1, 3_000_000] {
        let viewer = Viewer::at(Kind::Ws, &gateway).await;
        viewer.send_text(&format!(r#"{{"type":"ping","pad":"{}"}}"#, "x".repeat(bytes)));
        viewer.until("its connection ends", |book| book.ended.is_some()).await;
        let book = viewer.book();
        assert_eq!(book.all("error").next().unwrap()["code"], "too_large");
        assert_eq!(book.here().last().unwrap().data["reason"], "too_large");
        assert_eq!(book.ended.as_ref().unwrap().as_ref().unwrap().0, 1009);
    }

    // one that only announces it is not waited for
    let mut stream = TcpStream::connect(gateway.addr().await).await.unwrap();
    let hello =
        format!("GET /ws HTTP/1.1\r\nHost: test\r\n{}\r\n{KEY}\r\n{VERSION}\r\n\r\n", UPGRADE.join("\r\n"));
    stream.write_all(hello.as_bytes()).await.unwrap();
    stream.write_all(&[&[0x81, 0xFF][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat()).await.unwrap();
    let mut answer = Vec::new();
    until("the connection ends", async || {
        stream.read_buf(&mut answer).await.is_ok_and(|count| count == 0).then_some(())
    })
    .await;
    // a close frame with the code 1009
    assert!(answer.windows(4).any(|bytes| bytes[0] == 0x88 && bytes[2..] == [0x03, 0xF1]));
}

#[tokio::test]
async fn an_address_that_is_too_long_fills_no_log() {
    let world = World::shared("long_uri", 1).await;
    let gateway = world.gateway("gw1", &[]);
    gateway.until_ready().await;
    let answer = ask(&gateway, &format!("GET /sse?products={}", "x".repeat(61_440)), &[]).await;
    assert_eq!((answer.status, &answer.body["type"]), (414, &json!("/problems/uri-too-long")));
    for (length, status) in [(70_000, 400), (200_000, 431)] {
        assert_eq!(ask(&gateway, &format!("GET /{}", "x".repeat(length)), &[]).await.status, status);
    }
    assert_eq!(ask(&gateway, "GET /\u{0}", &[]).await.status, 400);
    assert!(!gateway.process.log().contains("ERROR"), "{}", gateway.process.log());
}
