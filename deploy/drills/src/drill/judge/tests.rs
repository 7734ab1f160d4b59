//! Every invariant is seen to hold on clean evidence, and to catch a violation made by hand.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{INVARIANTS, judge};
use crate::drill::evidence::audit::{Event, Line, Produced};
use crate::drill::evidence::seen::{Seen, Shown, ViewerLog};
use crate::drill::evidence::tables::{Product, Tables};
use crate::drill::evidence::topics::Commit;
use crate::drill::evidence::{
    Ended, Evidence, Fault, PhotoRead, PhotoStored, PhotosSeen, RatingSent, Record, SentBack, Served, Usage,
};
use crate::drill::fleet::photos::hex;
use crate::drill::fleet::spoiler;
use crate::drill::world::{CHANGES, LANES, LETTERS, RATINGS, REDRIVE};

const GOOD: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
const OTHER: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002);

fn record(offset: i64, key: &str, value: Vec<u8>) -> Record {
    let (key, value) = (Some(key.as_bytes().to_vec()), Some(value));
    Record { partition: 0, offset, at_ms: 1_000, key, value, headers: Vec::new() }
}

/// An event id that tells the version.
fn event(version: i64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0001_0000 + u128::try_from(version).unwrap())
}

fn change(offset: i64, version: i64) -> Record {
    let mut value = spoiler::change(GOOD, version);
    value["event_id"] = event(version).to_string().into();
    record(offset, &GOOD.to_string(), value.to_string().into_bytes())
}

/// The same in a table.
fn stored(version: i64) -> Product {
    Product {
        shown: Shown { version, price: 100 + version, stock: 7 },
        event: event(version),
        name: "Drill blanket".to_owned(),
        currency: "EUR".to_owned(),
        occurred_at: "2026-01-01T00:00:00.000000".to_owned(),
    }
}

fn rating(offset: i64, key: &str) -> Record {
    let value = serde_json::json!({
        "event_id": Uuid::now_v7(), "subject": "site", "rate": 7, "rated_at": "2026-01-01T00:00:00Z",
    });
    let mut rating = record(offset, "site", value.to_string().into_bytes());
    let hash = hex(&Sha256::digest(key.as_bytes()));
    rating.headers.push(("idempotency-key".to_owned(), hash.into_bytes()));
    rating
}

fn letter(source: &Record, topic: &str, reason: &str) -> Record {
    let place = (topic, source.partition, source.offset);
    let mut letter = record(0, &format!("{}/{}/{}", place.0, place.1, place.2), Vec::new());
    letter.value.clone_from(&source.value);
    letter.headers.clone_from(&source.headers);
    let key = String::from_utf8(source.key.clone().unwrap()).unwrap();
    let (partition, offset, at) = (place.1.to_string(), place.2.to_string(), source.at_ms.to_string());
    let headers = [
        ("dlq-key", key.as_str()),
        ("dlq-reason", reason),
        ("dlq-error", "why"),
        ("dlq-topic", place.0),
        ("dlq-partition", &partition),
        ("dlq-offset", &offset),
        ("dlq-timestamp", &at),
        ("dlq-at", "now"),
        ("dlq-replica", "gw1"),
        ("dlq-redrives", "0"),
    ];
    letter.headers.extend(headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())));
    letter
}

fn served(hash: &str) -> Served {
    Served { tag: hash.to_owned(), hash: hash.to_owned() }
}

fn line(event: Event, topic: &str, offset: i64, at_us: i64) -> Line {
    let (replica, topic) = (Arc::from("gw1"), Arc::from(topic));
    let told = matches!(event, Event::New);
    let product = told.then_some(GOOD);
    Line { at_us, event, replica, topic, partition: 0, offset, product, version: offset + 1 }
}

/// Changes of one product in versions 1 to 3, then a poison record that was sent back corrected as version 4; two ratings
/// under one key; a viewer that resumed once.
fn clean() -> Evidence {
    let mut bad = record(3, &GOOD.to_string(), b"{ no JSON".to_vec());
    bad.headers.push((spoiler::EXPECT.to_owned(), b"not_json".to_vec()));
    let letter = letter(&bad, CHANGES, "not_json");
    let mut again = change(0, 4);
    again.headers.push((spoiler::EXPECT.to_owned(), b"not_json".to_vec()));
    let first = letter.headers.iter().filter(|(name, _)| !["dlq-key", "dlq-redrives"].contains(&&**name));
    again.headers.extend(first.filter_map(|(name, value)| {
        Some((format!("dlq-first-{}", name.strip_prefix("dlq-")?), value.clone()))
    }));
    again.headers.push(("dlq-redrives".to_owned(), b"1".to_vec()));
    let corrected = again.value.clone().and_then(|value| String::from_utf8(value).ok());
    let topics = [
        (CHANGES, vec![change(0, 1), change(1, 2), change(2, 3), bad]),
        (REDRIVE, vec![again]),
        (LETTERS, vec![letter]),
        (RATINGS, vec![rating(0, "one"), rating(1, "one")]),
    ];
    let mut audit = Vec::new();
    for offset in 0..3 {
        audit.push(line(Event::New, CHANGES, offset, 10));
    }
    audit.push(line(Event::DeadLettered, CHANGES, 3, 10));
    audit.extend((0..4).map(|offset| line(Event::Relayed, CHANGES, offset, 20)));
    audit.push(line(Event::Committed, CHANGES, 4, 30));
    audit.push(Line { version: 4, ..line(Event::New, REDRIVE, 0, 10) });
    audit.push(line(Event::Relayed, REDRIVE, 0, 20));
    audit.extend([line(Event::Counted, RATINGS, 0, 10), line(Event::Repeat, RATINGS, 1, 10)]);
    audit.extend((0..2).map(|offset| line(Event::Relayed, RATINGS, offset, 20)));
    let commit = |(group, topic): (&str, &str), next| Commit {
        group: group.to_owned(),
        topic: topic.to_owned(),
        partition: 0,
        next,
        at_ms: 1,
    };
    let shown = stored(4).shown;
    let tables = Tables {
        products: [(GOOD, stored(4))].into(),
        history: (1..=4).map(|version| (GOOD, stored(version))).collect(),
        ratings: [("site".to_owned(), (1, 7))].into(),
        photos: [(GOOD, (2, "b".to_owned()))].into(),
    };
    let seen = vec![
        Seen::Hello { asked: false, resumed: false, reset: false },
        Seen::Listed { product: GOOD, version: 1 },
        Seen::Complete,
        Seen::End,
        Seen::Hello { asked: true, resumed: true, reset: false },
        Seen::Changed { product: GOOD, from: 1, version: 2 },
        Seen::Changed { product: GOOD, from: 3, version: 4 },
    ];
    let viewer = ViewerLog {
        name: "viewer".to_owned(),
        seen,
        shows: [(GOOD, shown)].into(),
        ratings: tables.ratings.clone(),
        photos: tables.photos.clone(),
        ..ViewerLog::default()
    };
    let photo = |revision, hash: &str, at| PhotoStored {
        product: GOOD,
        revision,
        hash: hash.to_owned(),
        at: Duration::from_secs(at),
    };
    let read = PhotoRead { product: GOOD, asked: Duration::from_secs(20), served: Some(served("b")) };
    let usage = Usage { name: "gw1".into(), pid: 1, peak_bytes: 1 << 20, last_fds: Some(40) };
    let fault = Fault {
        row: "gateway-kill",
        seed: 1,
        began_ms: 0,
        healed_ms: 10,
        back_ms: Some(5),
        notes: Vec::new(),
        rewinds: false,
        error: None,
    };
    Evidence {
        audit,
        produced: (1..=3)
            .map(|version| Produced { product_id: GOOD, version, event_id: event(version) })
            .collect(),
        topics: topics.map(|(topic, records)| (topic.to_owned(), records)).into(),
        commits: vec![commit(LANES[0], 4), commit(LANES[1], 1), commit(LANES[2], 2)],
        tables,
        viewers: vec![viewer],
        ratings: vec![RatingSent { subject: "site".into(), rate: 7, key: "one".into(), acknowledged: true }],
        photos: PhotosSeen { stored: vec![photo(1, "a", 1), photo(2, "b", 10)], read: vec![read] },
        processes: vec![usage],
        ended: vec![Ended { name: "gw1".into(), asked: true, code: Some(0), took: Duration::from_secs(1) }],
        faults: vec![fault],
        sent_back: vec![SentBack { partition: 0, offset: 0, corrected }],
        converged_ms: Some(2_000),
        troubles: Vec::new(),
        slack: 1,
    }
}

/// The invariants that are violated, shortened to what follows.
fn violated(evidence: &Evidence) -> Vec<&'static str> {
    judge(evidence).into_iter().filter(|verdict| verdict.violations > 0).map(|v| v.invariant).collect()
}

type Break = fn(&mut Evidence);

/// What is done to clean evidence, and the invariant that must notice.
const BROKEN: &[(&str, Break)] = &[
    ("every row is played", |e| e.faults[0].error = Some("never came to its step".to_owned())),
    ("every row is played", |e| e.troubles.push("a topic could not be read".to_owned())),
    ("after a fault", |e| e.faults[0].back_ms = None),
    ("an acknowledged change", |e| {
        e.produced.push(Produced { product_id: GOOD, version: 5, event_id: event(5) });
    }),
    ("an acknowledged change", |e| {
        e.produced.push(Produced { product_id: GOOD, version: 2, event_id: event(9) });
    }),
    ("a row is", |e| e.tables.products.get_mut(&GOOD).unwrap().shown.version = 3),
    ("a row is", |e| e.tables.products.get_mut(&GOOD).unwrap().shown.price = 1),
    ("a row is", |e| e.tables.products.get_mut(&GOOD).unwrap().name = "other".to_owned()),
    ("a row is", |e| e.tables.products.get_mut(&GOOD).unwrap().occurred_at = String::new()),
    ("a row is", |e| {
        let row = e.tables.products[&GOOD].clone();
        e.tables.products.insert(OTHER, row);
    }),
    ("a row is", |e| {
        e.tables.products.remove(&GOOD);
    }),
    ("history holds", |e| e.tables.history.push((GOOD, stored(2)))),
    // the newest values in every version's row
    ("history holds", |e| e.tables.history[1].1.shown.price = 104),
    ("history holds", |e| e.tables.history[1].1.currency = "USD".to_owned()),
    ("history holds", |e| {
        e.tables.history.remove(1);
    }),
    ("history holds", |e| e.tables.history[1].1.event = event(9)),
    ("a version is new", |e| e.audit.push(line(Event::New, CHANGES, 1, 99))),
    ("what is committed", |e| e.audit.retain(|line| line.event != Event::DeadLettered)),
    ("what is committed", |e| e.audit[1].at_us = 40),
    ("what is committed", |e| e.audit.retain(|line| line.event != Event::Relayed || line.offset != 1)),
    ("what is committed", |e| e.audit.retain(|line| line.event != Event::Repeat)),
    ("what is committed", |e| e.audit.retain(|l| l.event != Event::Relayed || &*l.topic != RATINGS)),
    ("what is committed", |e| {
        e.audit.iter_mut().filter(|line| line.event == Event::Relayed).for_each(|line| line.at_us = 9_000);
        e.audit.retain(|line| line.event != Event::Committed);
    }),
    ("a replica leaves alone", |e| e.audit.insert(0, line(Event::Revoked, CHANGES, -1, 5))),
    ("a replica leaves alone", |e| e.audit.insert(5, line(Event::Revoked, CHANGES, -1, 15))),
    ("commits never", |e| {
        let back = Commit { next: 2, ..e.commits[0].clone() };
        e.commits.insert(1, back);
        e.commits.push(e.commits[0].clone());
    }),
    ("commits never", |e| e.commits.insert(1, Commit { next: 0, ..e.commits[0].clone() })),
    ("all is committed", |e| e.commits[0].next = 3),
    ("all is committed", |e| {
        e.commits.pop();
    }),
    ("one dead letter", |e| {
        e.topics.insert(LETTERS.to_owned(), Vec::new());
    }),
    ("one dead letter", |e| {
        let extra = letter(&change(1, 2), CHANGES, "not_json");
        e.topics.get_mut(LETTERS).unwrap().push(extra);
    }),
    ("one dead letter", |e| {
        let extra = letter(&change(1, 2), CHANGES, "conflict");
        e.topics.get_mut(LETTERS).unwrap().push(extra);
    }),
    ("one dead letter", |e| {
        let mut conflict = line(Event::Conflict, CHANGES, 3, 5);
        conflict.partition = 7;
        e.audit.push(conflict);
    }),
    ("dead letters carry", |e| e.topics.get_mut(LETTERS).unwrap()[0].value = Some(b"other".to_vec())),
    ("dead letters carry", |e| {
        e.topics.get_mut(LETTERS).unwrap()[0].headers.retain(|(name, _)| name != "dlq-error");
    }),
    ("dead letters carry", |e| {
        let headers = &mut e.topics.get_mut(LETTERS).unwrap()[0].headers;
        headers
            .iter_mut()
            .filter(|(name, _)| name == "dlq-reason")
            .for_each(|(_, value)| *value = b"empty".to_vec());
    }),
    ("what is sent back", |e| e.sent_back.push(SentBack { partition: 0, offset: 1, corrected: None })),
    // the letter's own value went back, not the corrected one
    ("what is sent back", |e| e.topics.get_mut(REDRIVE).unwrap()[0].value = Some(b"{ no JSON".to_vec())),
    ("what is sent back", |e| e.sent_back[0].corrected = None),
    ("what is sent back", |e| e.topics.get_mut(REDRIVE).unwrap().push(change(1, 5))),
    ("what is sent back", |e| {
        e.topics.get_mut(REDRIVE).unwrap()[0].headers.retain(|(name, _)| name != "dlq-redrives");
    }),
    ("what is sent back", |e| {
        e.topics.get_mut(REDRIVE).unwrap()[0].headers.retain(|(name, _)| name != "dlq-first-offset");
    }),
    ("a viewer's versions", |e| e.viewers[0].seen.push(Seen::Changed { product: GOOD, from: 1, version: 3 })),
    ("a viewer has no hole", |e| {
        e.viewers[0].seen.remove(5);
    }),
    ("a viewer has no hole", |e| {
        let seen = &mut e.viewers[0].seen;
        seen.push(Seen::Hello { asked: true, resumed: false, reset: true });
        seen.push(Seen::Complete);
    }),
    ("a viewer has no hole", |e| {
        e.viewers[0].seen[4] = Seen::Hello { asked: true, resumed: false, reset: false };
    }),
    ("a viewer has no hole", |e| {
        e.viewers[0].seen.push(Seen::Changed { product: OTHER, from: 2, version: 2 });
    }),
    ("a viewer has no hole", |e| {
        // what was told of is no excuse for what comes later
        e.viewers[0].seen.extend([
            Seen::Gap { product: Some(GOOD) },
            Seen::Changed { product: GOOD, from: 6, version: 6 },
            Seen::Changed { product: GOOD, from: 8, version: 8 },
        ]);
    }),
    ("a viewer is told", |e| e.viewers[0].seen.push(Seen::Strange("what".into()))),
    ("a viewer is told", |e| {
        e.viewers[0].seen.remove(0);
    }),
    ("a viewer is told", |e| e.viewers[0].seen.swap(2, 6)),
    ("after the last fault", |e| e.converged_ms = None),
    ("after the last fault", |e| e.converged_ms = Some(10_001)),
    ("viewers show", |e| e.viewers[0].shows.get_mut(&GOOD).unwrap().stock = 8),
    ("viewers show", |e| {
        e.viewers[0].ratings.insert("site".into(), (0, 0));
    }),
    ("viewers show", |e| {
        e.viewers[0].photos.remove(&GOOD);
    }),
    ("totals are", |e| {
        e.tables.ratings.insert("site".into(), (2, 14));
    }),
    ("totals are", |e| e.tables.ratings.clear()),
    ("an acknowledged rating", |e| {
        let lost = RatingSent { key: "two".into(), ..e.ratings[0].clone() };
        e.ratings.push(lost);
    }),
    ("an acknowledged rating", |e| e.ratings[0].rate = 8),
    ("an acknowledged rating", |e| e.topics.get_mut(RATINGS).unwrap().push(rating(2, "nobody"))),
    ("a photo is what", |e| e.photos.read[0].served.as_mut().unwrap().hash = "c".into()),
    ("a photo is what", |e| e.photos.read[0].product = OTHER),
    ("a photo is not older", |e| e.photos.read[0].served = Some(served("a"))),
    ("a photo is not older", |e| e.photos.read[0].served = None),
    ("memory stays", |e| e.processes[0].peak_bytes = 1 << 31),
    ("no descriptor", |e| e.processes[0].last_fds = Some(2_000)),
    ("programs end", |e| e.ended[0].code = Some(1)),
    ("programs end", |e| e.ended[0].asked = false),
    ("programs end", |e| e.ended[0].took = Duration::from_secs(11)),
];

#[test]
fn clean_evidence_violates_nothing() {
    let verdicts = judge(&clean());
    let bad: Vec<_> = verdicts.iter().filter(|verdict| verdict.violations > 0).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn every_violation_made_by_hand_is_caught() {
    for (at, (words, break_it)) in BROKEN.iter().enumerate() {
        let mut evidence = clean();
        break_it(&mut evidence);
        let found = violated(&evidence);
        assert!(found.iter().any(|invariant| invariant.starts_with(words)), "{at}: {words}: {found:?}");
    }
    for (invariant, _) in INVARIANTS {
        assert!(BROKEN.iter().any(|(words, _)| invariant.starts_with(words)), "nobody broke: {invariant}");
    }
}

#[test]
fn what_was_never_looked_at_is_no_pass() {
    assert_eq!(violated(&Evidence::default()).len(), INVARIANTS.len());
}

#[test]
fn what_is_allowed_is_no_violation() {
    // a repeat of a letter, a rewind on purpose, a hole that a gap or a reset told of, a conflict that came again as stale
    let mut evidence = clean();
    let letters = evidence.topics.get_mut(LETTERS).unwrap();
    letters.push(letters[0].clone());
    let commits = [Commit { next: 0, ..evidence.commits[0].clone() }, evidence.commits[0].clone()];
    evidence.commits.extend(commits);
    evidence.faults[0].rewinds = true;
    evidence.audit.insert(0, line(Event::Assigned, CHANGES, -1, 4));
    evidence.audit.insert(0, line(Event::Revoked, CHANGES, -1, 3));
    evidence.audit.extend([line(Event::Conflict, CHANGES, 1, 11), line(Event::Stale, CHANGES, 1, 12)]);
    let told = vec![
        Seen::Gap { product: Some(OTHER) },
        Seen::Changed { product: OTHER, from: 2, version: 2 },
        Seen::Hello { asked: true, resumed: false, reset: true },
        Seen::Listed { product: GOOD, version: 9 },
        Seen::Listed { product: OTHER, version: 9 },
        Seen::Complete,
        Seen::Changed { product: GOOD, from: 10, version: 10 },
        Seen::End,
        // a replica without Redis, which does not know the other product yet
        Seen::Hello { asked: true, resumed: false, reset: true },
        Seen::Listed { product: GOOD, version: 9 },
        Seen::Complete,
    ];
    evidence.viewers[0].seen.extend(told);
    assert_eq!(violated(&evidence), [""; 0]);
}

#[test]
fn a_machine_with_other_work_is_given_time_and_nothing_else() {
    let mut evidence = clean();
    for ended in &mut evidence.ended {
        ended.took = Duration::from_secs(30);
    }
    assert_eq!(violated(&evidence).len(), 1);
    evidence.slack = 6;
    assert_eq!(violated(&evidence), [""; 0]);
    evidence.tables.products.clear();
    assert!(!violated(&evidence).is_empty());
}
