//! A word of one viewer reaches all, on every replica, at most once; and nobody is harmed by talk.

use std::time::Duration;

use serde_json::{Value, json};
use stack::{Options, Private, Shared};

use crate::helpers::book::Book;
use crate::helpers::process::Gateway;
use crate::helpers::{Kind, Viewer, World, until};

const REPLICAS: [&str; 3] = ["gw1", "gw2", "gw3"];

fn say(text: &str) -> Value {
    json!({"type": "say", "data": {"text": text}})
}

/// What it heard on this connection: who said what.
fn heard(book: &Book) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    book.all("said").map(|said| (text(&said["from"]), text(&said["text"]))).collect()
}

fn name(viewer: &Viewer) -> String {
    viewer.book().all("hello").last().unwrap()["viewer"].as_str().unwrap().to_owned()
}

/// How often a word's way had this outcome at a replica.
async fn count(gateway: &Gateway, outcome: &str) -> u64 {
    let metrics = gateway.get("/metrics").await.unwrap().body;
    let line = format!("shelfwire_words_total{{outcome=\"{outcome}\"}} ");
    metrics.lines().find_map(|found| found.strip_prefix(&line)).map_or(0, |value| value.parse().unwrap())
}

/// Waits until a word of `speaker` comes back to it: then its replica listens.
async fn until_heard(speaker: &Viewer, listener: &Viewer, text: &str) {
    let from = name(speaker);
    until(&format!("{text:?} is heard"), async || {
        if heard(&listener.book()).contains(&(from.clone(), text.to_owned())) {
            return Some(());
        }
        speaker.send(&say(text));
        tokio::time::sleep(Duration::from_millis(300)).await;
        None
    })
    .await;
}

#[tokio::test]
async fn a_word_reaches_every_viewer_of_every_replica_once_as_it_was_said() {
    let world = World::shared("talk", 1).await;
    let gateways = REPLICAS.map(|name| world.gateway(name, &[]));
    let mut viewers = Vec::new();
    for gateway in &gateways {
        viewers.push(Viewer::at(Kind::Ws, gateway).await);
        viewers.push(Viewer::at(Kind::Sse, gateway).await);
    }
    // replicas listen a moment after their start
    for (at, gateway) in gateways.iter().enumerate() {
        until_heard(&viewers[2 * at], &viewers[2 * at + 1], gateway.name.as_str()).await;
    }
    let texts =
        ["Prices fall! 🎉", "  你好 مرحبا, «é» e\u{301} 👩\u{200D}👩\u{200D}👧 \u{10FFFF}", "\"\\/<b>&amp;"];
    let mut said = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        viewers[2 * at].send(&say(text));
        said.push((name(&viewers[2 * at]), text.trim().to_owned()));
    }
    assert_ne!(said[0].0, said[1].0);
    let last = ("nobody".to_owned(), "the end".to_owned());
    for viewer in &viewers {
        viewer.until("it hears all", |book| said.iter().all(|word| heard(book).contains(word))).await;
    }
    // at most once: behind one word more, all that came before it has come
    viewers[0].send(&say(&last.1));
    for viewer in &viewers {
        viewer.until("it hears the last", |book| heard(book).iter().any(|(_, text)| *text == last.1)).await;
        let heard = heard(&viewer.book());
        for word in &said {
            assert_eq!(heard.iter().filter(|other| *other == word).count(), 1, "{word:?}");
        }
        viewer.assert_well();
        assert_eq!(viewer.book().all("error").count(), 0);
    }
    // never stored: who comes later hears nothing of it, with a cursor neither
    let mut late = Viewer::at(Kind::Ws, &gateways[1]).await;
    late.until_snapshot().await;
    late.connect(&gateways[2]).await;
    viewers[0].send(&say("after"));
    late.until("it hears the next word", |book| !heard(book).is_empty()).await;
    assert_eq!(heard(&late.book()), [(name(&viewers[0]), "after".to_owned())]);
}

#[tokio::test]
async fn a_word_that_breaks_a_rule_is_refused_by_name_and_heard_by_nobody() {
    let world = World::shared("words", 1).await;
    let gateway = world.gateway("gw1", &[]);
    let (speaker, listener) = (Viewer::at(Kind::Ws, &gateway).await, Viewer::at(Kind::Sse, &gateway).await);
    until_heard(&speaker, &listener, "hello").await;
    let before = speaker.book().all("error").count();
    let long = "é".repeat(281);
    let wrong = [json!(""), json!(" \u{3000} "), json!(long), json!("a\u{1B}[2J"), json!("a\nb"), json!(7)];
    for (at, text) in wrong.iter().enumerate() {
        speaker.send(&json!({"type": "say", "data": {"text": text}}));
        speaker.until("it is refused", |book| book.all("error").count() > before + at).await;
        let error = speaker.book().all("error").last().unwrap().clone();
        assert_eq!((&error["code"], &error["field"]), (&json!("invalid"), &json!("data.text")), "{text}");
    }
    tokio::time::sleep(Duration::from_secs(1)).await; // the quota of a second is whole again
    speaker.send(&say(&"é".repeat(280)));
    listener
        .until("the longest word", |book| heard(book).iter().any(|(_, t)| t.chars().count() == 280))
        .await;
    assert!(heard(&listener.book()).iter().all(|(_, text)| text == "hello" || text.starts_with('é')));
}

#[tokio::test]
async fn who_talks_too_fast_is_told_and_then_sent_away() {
    let world = World::shared("fast", 1).await;
    let gateway = world.gateway("gw1", &[]);
    let (speaker, listener) = (Viewer::at(Kind::Ws, &gateway).await, Viewer::at(Kind::Ws, &gateway).await);
    until_heard(&speaker, &listener, "hello").await;
    tokio::time::sleep(Duration::from_secs(1)).await; // the quota of a second is whole again
    let (said, hellos) = (count(&gateway, "said").await, heard(&listener.book()).len());
    for n in 0..30 {
        speaker.send(&say(&format!("word {n}")));
    }
    speaker.until("its connection ends", |book| book.ended.is_some()).await;
    {
        let book = speaker.book();
        let errors: Vec<_> = book.all("error").collect();
        assert!(errors.iter().all(|error| error["code"] == "too_fast"), "{errors:?}");
        assert_eq!(book.here().last().unwrap().data["reason"], "misuse");
        assert_eq!(book.ended.as_ref().unwrap().as_ref().unwrap().0, 1008);
    }
    // as many as may be said within the second or two that a busy machine takes to read 25 messages
    listener.until("it hears five", |book| heard(book).len() >= hellos + 5).await;
    let said = count(&gateway, "said").await - said;
    assert!((5..=10).contains(&said), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_talks_while_redis_is_away_is_told_and_is_heard_again_when_it_is_back() {
    let servers = Private::start(Options { durable: true, ..Options::default() }).unwrap();
    let world = World::on(&Shared::of(&servers), "talkaway", 1).await;
    let gateways = ["gw1", "gw2"].map(|name| world.gateway(name, &[]));
    let (speaker, listener) =
        (Viewer::at(Kind::Ws, &gateways[0]).await, Viewer::at(Kind::Sse, &gateways[1]).await);
    until_heard(&speaker, &listener, "before").await;

    // killed: refused at once; stopped: no answer
    for hangs in [false, true] {
        if hangs { servers.pause("redis") } else { servers.kill("redis") }.unwrap();
        let before = speaker.book().all("error").count();
        until("it is told that nobody hears", async || {
            speaker.send(&say("is anybody there?"));
            tokio::time::sleep(Duration::from_millis(300)).await;
            let book = speaker.book();
            book.all("error").skip(before).find(|error| error["code"] == "away").map(|error| {
                assert!(error["message"].as_str().unwrap().contains("redis"), "{error}");
            })
        })
        .await;
        assert_eq!(speaker.book().ended, None, "talk into the void is no misuse");
        if hangs { servers.resume("redis") } else { servers.start_again("redis") }.unwrap();
        until_heard(&speaker, &listener, if hangs { "again" } else { "back" }).await;
    }
}

#[tokio::test]
async fn what_is_no_word_is_not_handed_on() {
    let world = World::shared("noise", 1).await;
    let gateway = world.gateway("gw1", &[]);
    let (speaker, listener) = (Viewer::at(Kind::Ws, &gateway).await, Viewer::at(Kind::Ws, &gateway).await);
    until_heard(&speaker, &listener, "hello").await;
    let redis = world.redis();
    let said = |text: &str| json!({"from": "x", "text": text, "at": "2026-01-01T00:00:00Z"}).to_string();
    for noise in ["", "{}", &said(""), &said("a\u{7}b"), &said(&"x".repeat(281)), &"x".repeat(100_000)] {
        assert_eq!(redis.publish("said", noise).await.unwrap(), 1);
    }
    until("all are counted", async || (count(&gateway, "unreadable").await >= 6).then_some(())).await;
    // a flood from elsewhere is cut off
    for n in 0..200 {
        redis.publish("said", &said(&format!("flood {n}"))).await.unwrap();
    }
    until("the rest is left out", async || (count(&gateway, "left_out").await > 0).then_some(())).await;
    tokio::time::sleep(Duration::from_secs(1)).await; // the quota of a second is whole again
    until_heard(&speaker, &listener, "after the flood").await;
    let heard = heard(&listener.book());
    assert!(
        heard.iter().all(|(_, text)| ["hello", "flood", "after"].iter().any(|known| text.starts_with(known)))
    );
}
