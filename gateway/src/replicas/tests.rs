//! Several replicas in one process, on a real Redis and with a relay of their own.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::epoch;
use crate::metrics::Metrics;
use crate::redis::EntryId;

/// Far above the time that any of this takes.
const DEADLINE: Duration = Duration::from_secs(20);

/// What replicas share.
struct World {
    db: Db,
    redis: Redis,
}

/// One replica that runs.
struct Running {
    replicas: Replicas,
    health: Health,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl World {
    async fn new() -> Self {
        let name = format!("replicas_{}", Uuid::now_v7().simple());
        let world = tokio::task::spawn_blocking(move || {
            let servers = stack::shared().unwrap();
            servers.create_database(&name).unwrap();
            let redis = Redis::new(&servers.redis_url, &format!("{name}:")).unwrap();
            Self { db: Db::new(&servers.database_url(&name)).unwrap(), redis }
        });
        let world = world.await.unwrap();
        world.db.migrate().await.unwrap();
        let old = world.db.epoch().await.unwrap();
        assert!(epoch::change(&world.db, &world.redis, &old, "test").await.unwrap().has_stream());
        world
    }

    fn start(&self, name: &str) -> Running {
        let health = Health::default();
        let replicas = Replicas::new(Parts {
            replica: name.to_owned(),
            addr: format!("{name}:1"),
            topic: "t".to_owned(),
            db: self.db.clone(),
            redis: self.redis.clone(),
            health: health.clone(),
            metrics: Metrics::default(),
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(replicas.clone().run(stop.clone()));
        Running { replicas, health, stop, task }
    }

    /// The replicas of each frame that was relayed: name, and whether it drains.
    async fn told(&self) -> Vec<Vec<(String, bool)>> {
        let epoch = self.db.epoch().await.unwrap();
        let entries = self.redis.range(epoch.id, EntryId::default(), 1_000).await.unwrap();
        let mut told = Vec::new();
        for entry in entries.iter().filter(|entry| !entry.frames.is_empty()) {
            for frame in serde_json::from_slice::<Vec<RelayFrame>>(&entry.frames).unwrap() {
                let RelayFrame::ReplicasChanged(frame) = frame else { panic!("{frame:?}") };
                told.push(frame.replicas.into_iter().map(|r| (r.replica, r.draining)).collect());
            }
        }
        told
    }
}

impl Running {
    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    fn names(&self) -> Vec<String> {
        self.replicas.list().0.into_iter().map(|replica| replica.replica).collect()
    }
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !done().await {
        assert!(started.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn replicas_see_each_other_until_they_leave_or_die() {
    let world = World::new().await;
    let (one, two, three) = (world.start("gw1"), world.start("gw2"), world.start("gw3"));
    until("all see all", async || [&one, &two, &three].iter().all(|r| r.names().len() == 3)).await;
    assert!(one.replicas.list().1, "these are all");

    let started = Instant::now();
    two.end().await;
    until("the one that left is gone", async || one.names() == ["gw1", "gw3"]).await;
    assert!(started.elapsed() < ALIVE, "it did not say goodbye");

    three.task.abort();
    until("the one that died is gone", async || one.names() == ["gw1"]).await;
    one.end().await;
}

#[tokio::test]
async fn news_are_told_once_however_many_see_them() {
    let world = World::new().await;
    let running: Vec<Running> = (1..=4).map(|n| world.start(&format!("gw{n}"))).collect();
    until("all are told", async || world.told().await.last().is_some_and(|r| r.len() == 4)).await;
    running[3].health.set_draining();
    until("the drain is told", async || {
        world.told().await.last().is_some_and(|r| r.contains(&("gw4".to_owned(), true)))
    })
    .await;
    // nothing changes: nothing is told
    let before = world.told().await;
    tokio::time::sleep(BEAT_EVERY * 3).await;
    let told = world.told().await;
    assert_eq!(told, before);
    let different: BTreeSet<_> = told.iter().collect();
    assert_eq!(different.len(), told.len(), "told twice: {told:?}");
    for running in running {
        running.end().await;
    }
}

#[tokio::test]
async fn what_could_not_be_told_is_told_later() {
    let world = World::new().await;
    let epoch = world.db.epoch().await.unwrap();
    world.redis.delete_stream(epoch.id).await.unwrap();
    let one = world.start("gw1");
    until("it beats", async || world.redis.ask_drain("gw1").await.unwrap()).await;
    tokio::time::sleep(BEAT_EVERY).await;
    epoch::change(&world.db, &world.redis, &epoch, "test").await.unwrap();
    until("it is told", async || !world.told().await.is_empty()).await;
    one.end().await;
}

#[tokio::test]
async fn a_request_to_drain_reaches_the_one_that_is_meant_and_no_later_one() {
    let world = World::new().await;
    let (one, two) = (world.start("gw1"), world.start("gw2"));
    until("they see each other", async || one.names().len() == 2).await;
    assert_eq!(one.replicas.drain("gw2").await.unwrap(), Drain::Requested);
    assert_eq!(one.replicas.drain("gw9").await.unwrap(), Drain::Unknown);
    tokio::time::timeout(DEADLINE, two.replicas.drain_requested().cancelled()).await.unwrap();
    assert!(!one.replicas.drain_requested().is_cancelled());

    // the next process of that name, while the request still stands
    two.end().await;
    let two = world.start("gw2");
    until("it is back", async || one.names().len() == 2).await;
    tokio::time::sleep(BEAT_EVERY * 2).await;
    assert!(!two.replicas.drain_requested().is_cancelled());
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn of_two_that_would_tell_the_same_only_one_does() {
    let world = World::new().await;
    let epoch = world.db.epoch().await.unwrap().id;
    let tell = async |before: Option<&str>, now: &str| {
        world.redis.tell(epoch, before, now, b"[]", &format!("line {now}")).await.unwrap()
    };
    let first = world.redis.beat("gw1", "{}", true).await.unwrap();
    let second = world.redis.beat("gw2", "{}", true).await.unwrap();
    assert_eq!((first.told.as_deref(), second.told.as_deref()), (None, None));
    assert!(tell(None, "one").await);
    assert!(!tell(None, "one, too").await);
    assert_eq!(world.redis.beat("gw2", "{}", false).await.unwrap().told.as_deref(), Some("one"));
    assert!(tell(Some("one"), "two").await);
    assert!(!tell(Some("one"), "three").await);
    // one to open the stream, and two that told
    assert_eq!(world.redis.range(epoch, EntryId::default(), 10).await.unwrap().len(), 3);
    assert_eq!(world.redis.moves(10).await.unwrap(), ["line two", "line one"]);
    assert_eq!(world.redis.moves(1).await.unwrap(), ["line two"]);
}
