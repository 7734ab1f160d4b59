//! Ratings while things break: each one that was taken counts, and counts once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use gateway::db::{Counted, IncomingRating};
use rand::{RngExt as _, SeedableRng as _};
use schema::{KeyHash, Rate, Rating, Subject};
use serde_json::json;
use stack::{Options, Private, Shared};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::helpers::client::Client;
use crate::helpers::process::Gateway;
use crate::helpers::rate::WINDOW;
use crate::helpers::{Change, Kind, Viewer, World, change, until};

/// Five times what senders are promised: whoever waits for Kafka itself waits longer.
const IN_TIME: Duration = Duration::from_secs(10);
/// Longer than the session time-out, so that the partitions of who is stopped have gone to others.
const STOPPED: Duration = Duration::from_secs(9);

/// A rating of nobody, for a topic's record.
fn record(subject: &str, rate: i64) -> String {
    json!({"event_id": Uuid::now_v7(), "subject": subject, "rate": rate, "rated_at": "2026-11-21T13:00:00Z"})
        .to_string()
}

async fn send(world: &World, subject: &str, rates: impl IntoIterator<Item = i64>) {
    let producer = world.producer_to(&world.ratings_topic());
    for rate in rates {
        producer.raw(Some(0), Some(subject.as_bytes()), Some(record(subject, rate).as_bytes()), &[]).await;
    }
}

/// Sends `ratings` of `subjects` through whichever replica answers, each under a key of its own until it is taken.
/// Returns count and sum of what was taken, by subject, and how many sendings failed.
async fn client(
    mut replicas: Vec<Client>,
    subjects: Vec<String>,
    ratings: usize,
    seed: u64,
) -> (HashMap<String, (i64, i64)>, usize) {
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let (mut taken, mut failed): (HashMap<String, (i64, i64)>, usize) = (HashMap::new(), 0);
    let mut at = usize::try_from(seed).unwrap() % replicas.len();
    for number in 0..ratings {
        let (subject, rate) =
            (&subjects[random.random_range(0..subjects.len())], random.random_range(0..=10));
        let path = if subject == "site" { "/rate".to_owned() } else { format!("/products/{subject}/rate") };
        let key = format!("{seed}-{number}");
        loop {
            let headers = [("Idempotency-Key", key.as_str())];
            let answer = replicas[at].ask("POST", &format!("{path}?rate={rate}"), &headers, "").await;
            match answer {
                Ok(answer) if answer.status == 202 => break,
                Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
                Err(_) => {}
            }
            // whether it was taken is not known: again, and perhaps at another replica
            failed += 1;
            at = (at + 1) % replicas.len();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (count, sum) = taken.entry(subject.clone()).or_default();
        (*count, *sum) = (*count + 1, *sum + rate);
    }
    (taken, failed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ratings_add_up_exactly_while_replicas_are_killed_and_stopped() {
    const CLIENTS: usize = 10;
    const EACH: usize = 5_000;
    let world = World::shared("exactly", 2).await;
    let mut gateways = vec![world.gateway("gw1", &[]), world.gateway("gw2", &[]), world.gateway("gw3", &[])];
    let products: Vec<Uuid> = (0..20).map(|_| change::product()).collect();
    for product in &products {
        world.producer().change(&Change::of(*product, 1)).await;
    }
    let mut viewers = Vec::new();
    for gateway in &gateways[..2] {
        gateway.until_ready().await;
        viewers.push(Viewer::at(Kind::Ws, gateway).await);
    }
    for product in &products {
        world.until_stored(*product, 1).await;
    }
    let subjects: Vec<String> = products.iter().map(Uuid::to_string).chain(["site".to_owned()]).collect();

    let mut clients = JoinSet::new();
    for seed in 0..CLIENTS {
        let mut replicas = Vec::new();
        for gateway in &gateways {
            replicas.push(gateway.client().await);
        }
        clients.spawn(client(replicas, subjects.clone(), EACH, seed as u64));
    }
    let counted = async |share: usize| {
        let wanted = (CLIENTS * EACH * share / 100) as i64;
        until(&format!("{share} % are counted"), async || {
            (world.sql.number("SELECT sum(count)::bigint FROM ratings").await >= wanted).then_some(())
        })
        .await;
    };
    counted(10).await;
    gateways[2].process.kill();
    counted(25).await;
    gateways[1].process.pause();
    tokio::time::sleep(STOPPED).await;
    gateways[1].process.resume();
    counted(50).await;
    gateways.push(world.gateway("gw4", &[]));

    let (mut taken, mut failed): (HashMap<String, (i64, i64)>, usize) = (HashMap::new(), 0);
    for (of_one, failed_of_one) in clients.join_all().await {
        failed += failed_of_one;
        for (subject, (count, sum)) in of_one {
            let all = taken.entry(subject).or_default();
            (all.0, all.1) = (all.0 + count, all.1 + sum);
        }
    }
    assert!(failed > 0, "some sendings met a replica that was killed or stopped");
    world.until_all_folded().await;

    let totals = world.totals().await;
    let found: HashMap<String, (i64, i64)> =
        totals.iter().map(|(subject, total)| (subject.clone(), (total.count, total.sum))).collect();
    assert_eq!(found, taken, "every rating that was taken, once");
    assert_eq!(found.values().map(|(count, _)| count).sum::<i64>(), (CLIENTS * EACH) as i64);
    assert_eq!(totals, world.fold_of_topic(), "the averages are those of a fold of the topic");
    for viewer in &viewers {
        viewer.until("all totals are told", |book| shows(&book.ratings, &totals)).await;
        viewer.assert_well();
    }
    assert_eq!(world.rating_letters(), []);
}

/// Whether a viewer that saw `told` shows `totals`.
fn shows(told: &HashMap<String, serde_json::Value>, totals: &HashMap<String, Rating>) -> bool {
    totals.iter().all(|(subject, total)| told.get(subject) == Some(&json!(total)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn while_kafka_is_away_ratings_are_refused_in_time_and_none_is_lost_or_doubled() {
    let servers = Private::start(Options { durable: true, ..Options::default() }).unwrap();
    let world = World::on(&Shared::of(&servers), "rating_away", 1).await;
    let gateway = world.gateway("gw1", &[]);
    // a connection each: one that is kept while nothing is asked is closed
    let ask = async |method, path: &str, headers: &[(&str, &str)]| {
        gateway.client().await.ask(method, path, headers, "").await.unwrap()
    };
    let until_taken = async |rate: u8, key: &str| {
        let path = format!("/rate?rate={rate}");
        gateway.client().await.until_taken(&path, &[("Idempotency-Key", key)], "").await;
    };
    // a broker that has just started may let a producer wait for its id longer than a rating waits
    until_taken(5, "first").await;
    for number in 1..10 {
        until_taken(5, &format!("before-{number}")).await;
    }
    world.until_counted("site", 10).await;

    servers.kill("kafka1").unwrap();
    for round in 0..3 {
        // several at once: none waits for another
        let mut senders = JoinSet::new();
        for _ in 0..8 {
            let mut client = gateway.client().await;
            senders.spawn(async move { client.ask("POST", "/rate?rate=9", &[], "").await.unwrap() });
        }
        for answer in senders.join_all().await {
            assert_eq!(answer.problem(), (503, "service-away", ""), "{round}");
            assert_eq!(answer.headers["retry-after"], "1");
            assert!(answer.took < IN_TIME, "{:?}", answer.took);
        }
    }
    assert_eq!(ask("GET", "/total", &[]).await.body["count"], 10, "reads go on");
    servers.start_again("kafka1").unwrap();
    // what was refused while the broker was known to be gone was never sent; what is sent again until it is taken counts once
    until_taken(1, "again").await;
    for number in 0..5 {
        until_taken(5, &format!("after-{number}")).await;
    }
    world.until_counted("site", 16).await;

    // a broker that hangs takes what it was sent once it goes on, whatever was answered: the key holds it to one
    servers.pause("kafka1").unwrap();
    for _ in 0..3 {
        let answer = ask("POST", "/rate?rate=2", &[("Idempotency-Key", "hanging")]).await;
        assert_eq!(answer.problem(), (503, "service-away", ""));
        assert!(answer.took < IN_TIME, "{:?}", answer.took);
    }
    servers.resume("kafka1").unwrap();
    until_taken(2, "hanging").await;
    world.until_counted("site", 17).await;
    world.until_all_folded().await;
    let total = world.totals().await["site"];
    assert_eq!((total.count, total.sum), (17, 10 * 5 + 1 + 5 * 5 + 2));
    assert_eq!(world.totals().await, world.fold_of_topic());
}

#[tokio::test]
async fn a_replay_from_the_start_changes_nothing() {
    let mut world = World::shared("replay_ratings", 1).await;
    let mut gateway = world.gateway("gw1", &[]);
    send(&world, "site", [1, 2, 3]).await;
    send(&world, "site", (0..200).map(|n| n % 11)).await;
    world.until_all_folded().await;
    let before = world.sql.rows("SELECT subject, recent, count, sum, updated_at FROM ratings").await;
    gateway.process.terminate();
    gateway.process.ended().await;

    // a group that has committed nothing begins at the start
    world.group += "-again";
    let again = world.gateway("gw2", &[]);
    let replayed = async || again.audit().iter().filter(|line| line.event == "replay").count();
    until("all of them come again", async || (replayed().await == 203).then_some(())).await;
    send(&world, "site", [10]).await;
    world.until_counted("site", 204).await;
    let counted = again.audit().iter().filter(|line| line.event == "counted").count();
    assert_eq!(counted, 1, "only the new one");
    let sum = world.totals().await["site"].sum;
    assert_eq!(sum.to_string(), (before[0][3].parse::<i64>().unwrap() + 10).to_string());
    assert_eq!(world.totals().await, world.fold_of_topic());
}

#[tokio::test]
async fn a_rating_that_was_counted_and_never_told_is_told_when_it_comes_again() {
    let world = World::shared("untold_rating", 1).await;
    let gateway = world.gateway("gw1", &["--repair-page-ms", "0"]);
    let viewer = Viewer::at(Kind::Ws, &gateway).await;
    viewer.until_snapshot().await;
    // a replica that counted it died before it could tell, and before it committed
    let rating =
        IncomingRating { partition: 0, offset: 0, subject: Subject::Site, rate: Rate::MAX, key: None };
    let topic = world.ratings_topic();
    world.db().writer().fold_ratings(&topic, &[(0, 1)], &[rating], WINDOW).await.unwrap();
    assert!(viewer.book().ratings.is_empty());
    send(&world, "site", [10]).await;
    viewer.until("it is told", |book| book.ratings.get("site").is_some_and(|site| site["count"] == 1)).await;
    assert_eq!(world.totals().await["site"].count, 1);
}

/// Waits until the replica has left `count` ratings alone.
async fn until_refused(gateway: &Gateway, count: u64) {
    let line = format!("shelfwire_ratings_total{{outcome=\"refused\"}} {count}");
    until(&line, async || gateway.get("/metrics").await.ok()?.body.contains(&line).then_some(())).await;
}

#[tokio::test]
async fn another_topic_of_the_same_name_is_refused_and_said_so() {
    let world = World::shared("other_topic", 1).await;
    // what was counted before the topic was deleted and made anew
    let topic = world.ratings_topic();
    let progress =
        format!("INSERT INTO consumer_progress (topic, partition, next_offset) VALUES ('{topic}', 0, 5)");
    world.sql.run("INSERT INTO ratings (subject, recent, average, window_size, count, sum) VALUES ('site', '{7}', 7, 10, 5, 35)").await;
    world.sql.run(&progress).await;
    send(&world, "site", [1, 1]).await;
    let mut gateway = world.gateway("gw1", &[]);
    gateway.process.until_logged("another topic than the one that was counted").await;
    // the others go on, and so does it when it grows past what was counted: it stays refused
    let producer = world.producer_to(&topic);
    let product = Uuid::now_v7().to_string();
    producer.raw(Some(1), Some(product.as_bytes()), Some(record(&product, 4).as_bytes()), &[]).await;
    world.until_counted(&product, 1).await;
    send(&world, "site", [1; 10]).await;
    until_refused(&gateway, 12).await;
    gateway.process.terminate();
    gateway.process.ended().await;
    let mut gateway = world.gateway("gw2", &[]);
    until_refused(&gateway, 12).await;

    // somebody decides that the old totals go on with the new topic: from its beginning, not from what comes next
    world.sql.run(&format!("DELETE FROM consumer_progress WHERE topic = '{topic}'")).await;
    send(&world, "site", [1]).await;
    until_refused(&gateway, 13).await;
    assert_eq!((world.totals().await["site"].count, world.totals().await["site"].sum), (5, 35));
    let committed = world.committed_by(&format!("{}-ratings", world.group), &topic);
    assert_eq!(committed[&0], 0, "nothing of it is committed");
    gateway.process.terminate();
    gateway.process.ended().await;
    let _gateway = world.gateway("gw3", &[]);
    world.until_counted("site", 18).await;
    assert_eq!(world.totals().await["site"].sum, 35 + 13);
}

#[tokio::test]
async fn what_another_replica_has_refused_is_neither_counted_nor_committed() {
    let world = World::shared("refused_elsewhere", 1).await;
    let gateway = world.gateway("gw1", &[]);
    send(&world, "site", [1]).await;
    world.until_all_folded().await;
    // another replica, which had this partition for a while, found that the topic is not the one that was counted
    world.db().refuse(&world.ratings_topic(), 0).await.unwrap();
    send(&world, "site", [2]).await;
    until_refused(&gateway, 1).await;
    // committing goes on: what comes into another partition is committed later than this would have been
    let (topic, group) = (world.ratings_topic(), format!("{}-ratings", world.group));
    let product = Uuid::now_v7().to_string();
    let producer = world.producer_to(&topic);
    producer.raw(Some(1), Some(product.as_bytes()), Some(record(&product, 4).as_bytes()), &[]).await;
    until("the other partition is committed", async || {
        (world.committed_by(&group, &topic)[&1] == 1).then_some(())
    })
    .await;
    assert_eq!(world.committed_by(&group, &topic)[&0], 1, "the first one alone");
    assert_eq!(world.totals().await["site"].count, 1);
}

#[tokio::test]
async fn ratings_of_one_subject_on_two_partitions_all_count() {
    let world = World::shared("two_places", 1).await;
    let topic = world.ratings_topic();
    let mut writers = [world.db().writer(), world.db().writer()];
    let (rounds, each) = (60, 5);
    for round in 0..rounds {
        // as after partitions were added: each has an owner of its own
        let fold = async |writer: &mut gateway::db::Writer, partition| {
            let batch: Vec<IncomingRating> = (0..each)
                .map(|at| IncomingRating {
                    partition,
                    offset: round * each + at,
                    subject: Subject::Site,
                    rate: Rate::MAX,
                    key: None,
                })
                .collect();
            writer.fold_ratings(&topic, &[(partition, (round + 1) * each)], &batch, WINDOW).await.unwrap()
        };
        let [one, two] = &mut writers;
        tokio::join!(fold(one, 0), fold(two, 1));
    }
    assert_eq!(world.totals().await["site"].count, 2 * rounds * each);
}

#[tokio::test]
async fn a_replica_that_was_stopped_and_its_heir_count_once_side_by_side() {
    let world = World::shared("zombie", 1).await;
    let topic = world.ratings_topic();
    let (mut zombie, mut heir) = (world.db().writer(), world.db().writer());
    let subjects = [Subject::Site, Subject::Product(Uuid::now_v7().into())];
    let (rounds, each) = (40, 10);
    for round in 0..rounds {
        let batch: Vec<IncomingRating> = (0..each)
            .map(|at| IncomingRating {
                partition: 0,
                offset: round * each + at,
                subject: subjects[usize::try_from(at % 2).unwrap()],
                rate: Rate::MAX,
                key: None,
            })
            .collect();
        let ends = [(0, (round + 1) * each)];
        let (one, two) = tokio::join!(
            zombie.fold_ratings(&topic, &ends, &batch, WINDOW),
            heir.fold_ratings(&topic, &ends, &batch, WINDOW)
        );
        let counted =
            |folded: &gateway::db::Folded| folded.counted.iter().filter(|c| **c == Counted::New).count();
        assert_eq!(counted(&one.unwrap()) + counted(&two.unwrap()), 10, "round {round}");
    }
    let totals = world.totals().await;
    assert_eq!(totals.values().map(|total| total.count).collect::<Vec<_>>(), [200, 200]);
}

#[tokio::test]
async fn batches_that_come_again_in_any_cut_and_by_anybody_count_once() {
    let world = World::shared("cuts", 1).await;
    let mut random = rand::rngs::StdRng::seed_from_u64(11);
    let subjects = [Subject::Site, Subject::Product(Uuid::now_v7().into())];
    let ratings: Vec<IncomingRating> = (0..60)
        .map(|at| IncomingRating {
            partition: at % 2,
            offset: i64::from(at / 2),
            // a subject is always on one partition
            subject: subjects[usize::try_from(at % 2).unwrap()],
            rate: Rate::saturating(random.random_range(0..=10)),
            key: (at % 3 == 0).then(|| KeyHash::from([u8::try_from(at % 12).unwrap(); 32])),
        })
        .collect();
    let mut writers = [world.db().writer(), world.db().writer(), world.db().writer()];
    let topic = world.ratings_topic();
    // whoever owns a partition begins at what is committed, which is never ahead of what was folded
    let mut done = 0;
    let mut fold = async |from: usize, to: usize, writer: usize| {
        let batch = &ratings[from..to];
        let ends: BTreeMap<i32, i64> =
            batch.iter().map(|rating| (rating.partition, rating.offset + 1)).collect();
        let ends: Vec<(i32, i64)> = ends.into_iter().collect();
        writers[writer].fold_ratings(&topic, &ends, batch, WINDOW).await.unwrap()
    };
    while done < ratings.len() {
        let from = random.random_range(0..=done);
        let to = (from + random.random_range(1..20)).min(ratings.len());
        let folded = fold(from, to, random.random_range(0..3)).await;
        let counted = |at: usize| folded.counted[at - from];
        assert!((from..to.min(done)).all(|at| counted(at) == Counted::Replay), "{from}..{to} of {done}");
        assert!((done.max(from)..to).all(|at| counted(at) != Counted::Replay), "{from}..{to} of {done}");
        done = done.max(to);
    }
    fold(0, ratings.len(), 0).await;
    let mut wanted: HashMap<String, schema::Tally> = HashMap::new();
    let mut keys = HashSet::new();
    for rating in &ratings {
        if rating.key.is_none_or(|key| keys.insert((rating.subject, key))) {
            wanted.entry(rating.subject.to_string()).or_default().push(rating.rate, WINDOW);
        }
    }
    let wanted: HashMap<String, Rating> =
        wanted.into_iter().map(|(subject, tally)| (subject, tally.rating(WINDOW))).collect();
    assert_eq!(world.totals().await, wanted);
}
