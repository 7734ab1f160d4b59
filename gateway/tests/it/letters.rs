//! Dead letters can be read over HTTP, newest first, and sent back: corrected, they become the change that was meant.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::helpers::{Change, World, change, until};

const TOKEN: &str = "0123456789abcdef";

/// The status and the body of a POST.
async fn post(addr: SocketAddr, path: &str, token: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

#[tokio::test]
async fn a_dead_letter_is_told_and_can_be_sent_back() {
    let world = World::shared("letters", 2).await;
    let (gateway, producer, product) =
        (world.gateway("gw1", &["--admin-token", TOKEN]), world.producer(), change::product());
    let first = Change::of(product, 1);
    producer.change(&first).await;
    world.until_stored(product, 1).await;
    let second = Change::of(product, 2);
    let broken = String::from_utf8(second.value()).unwrap().replace("\"EUR\"", "\"eur\"");
    let headers = [("ce_source", "/by/hand")];
    producer.raw(None, Some(first.key().as_bytes()), Some(broken.as_bytes()), &headers).await;
    producer.raw(None, Some(b"nobody"), Some(b"no change"), &[]).await;

    let get = async |path: &str| -> Value {
        let answer = gateway.get(path).await.unwrap();
        serde_json::from_str(&answer.body).unwrap()
    };
    let letters = until("both letters are told", async || {
        let letters = get("/dead-letters").await["letters"].as_array().unwrap().clone();
        (letters.len() == 2).then_some(letters)
    })
    .await;
    assert_eq!(get("/dead-letters?limit=1").await["letters"], json!([letters[0]]), "the newest");
    let letter = letters.iter().find(|letter| letter["key"] == first.key()).unwrap();
    assert_eq!((&letter["reason"], &letter["redrives"]), (&json!("out_of_range"), &json!(0)));
    assert!(letter["error"].as_str().unwrap().contains("currency"), "{letter}");
    assert_eq!((&letter["value"], &letter["headers"]), (&json!(broken), &json!({"ce_source": "/by/hand"})));
    assert!(letter["source"].as_str().unwrap().starts_with(&world.topic));

    let place = format!("/dead-letters/{}/{}", letter["partition"], letter["offset"]);
    assert_eq!(&get(&place).await, letter);
    let (addr, path) = (gateway.addr().await, format!("{place}/redrive"));
    assert_eq!(post(addr, &path, "0123456789abcdeX", "").await.0, 401);
    assert_eq!(post(addr, &path, TOKEN, "{\"vaule\":\"\"}").await.1["field"], "value");
    assert_eq!(post(addr, "/dead-letters/0/999999/redrive", TOKEN, "").await.0, 404);

    // as it was: the same defect, a letter of the second kind
    assert_eq!(
        post(addr, &path, TOKEN, "").await,
        (202, json!({"partition": letter["partition"], "offset": letter["offset"], "redrives": 1}))
    );
    let again = until("it is told again", async || {
        let letters = get("/dead-letters").await["letters"].as_array().unwrap().clone();
        letters.into_iter().find(|letter| letter["redrives"] == 1)
    })
    .await;
    assert!(again["source"].as_str().unwrap().starts_with(&format!("{}.redrive/", world.topic)), "{again}");
    assert_eq!(again["headers"], letter["headers"]);

    // corrected: the change that was meant
    let corrected = json!({ "value": String::from_utf8(second.value()).unwrap() }).to_string();
    assert_eq!(post(addr, &path, TOKEN, &corrected).await.0, 202);
    world.until_stored(product, 2).await;
}
