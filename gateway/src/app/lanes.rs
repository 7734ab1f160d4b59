//! The lanes: what each is made of, and what must be there before.

use std::time::Duration;

use chrono::Utc;
use schema::topics;
use tokio_util::sync::CancellationToken;

use super::Application;
use crate::backoff::Backoff;
use crate::db::Db;
use crate::health::{Dependency, Health};
use crate::kafka::{ConsumerSettings, DeadLetters, Lane, ensure_topics};
use crate::live::Live;
use crate::photos::{self, Photos};
use crate::relay::Relay;
use crate::{ingest, ratings};

/// First and longest delay between two tries to prepare a server.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How often the history's partitions are looked after.
const PARTITIONS_EVERY: Duration = Duration::from_secs(60 * 60);

impl Application {
    /// Makes tables and topics, however long their servers are away.
    pub(super) async fn prepare_servers(&self, tables: &CancellationToken) {
        prepare(&self.health, Dependency::Postgres, || self.db.migrate()).await;
        tables.cancel();
        prepare(&self.health, Dependency::Postgres, || self.db.make_partitions(Utc::now().date_naive()))
            .await;
        let (base, ratings) = (&self.settings.changes_topic, &self.settings.ratings.ratings_topic);
        let wanted = [
            topics::changes(base),
            topics::redrive(base),
            topics::dead_letters(base),
            topics::ratings(ratings),
            topics::dead_letters(ratings),
        ];
        prepare(&self.health, Dependency::Kafka, || ensure_topics(&self.settings.kafka, &wanted)).await;
    }

    /// The lane of changes.
    pub(super) fn start_changes(&self) -> anyhow::Result<Lane> {
        let writers = usize::from(self.settings.writers);
        self.start_ingest(&self.settings.changes_topic, &self.settings.group, writers)
    }

    /// The lane of changes that are driven back. A group of its own: the assignor balances all partitions of a group
    /// together, and would give one replica the changes and another the redrives.
    pub(super) fn start_redrive(&self) -> anyhow::Result<Lane> {
        let topic = topics::redrive(&self.settings.changes_topic).name;
        self.start_ingest(&topic, &format!("{}-redrive", self.settings.group), 1)
    }

    /// The lane of ratings.
    pub(super) fn start_ratings(&self) -> anyhow::Result<Lane> {
        let topic = &self.settings.ratings.ratings_topic;
        let parts = ratings::Parts {
            brokers: self.settings.kafka.clone(),
            topic: topic.clone(),
            db: self.db.clone(),
            relay: self.relay(),
            dead_letters: self.dead_letters(topic),
            health: self.health.clone(),
            consumer_metrics: self.metrics.ingest.clone(),
            metrics: self.metrics.ratings.clone(),
            audit: self.audit.clone(),
            replica: self.settings.replica().to_owned(),
            batch_rows: self.batch_rows(),
            window: self.settings.ratings.rating_window,
        };
        let group = format!("{}-ratings", self.settings.group);
        Ok(ratings::start(&self.consumer(topic, &group, 1), &parts)?)
    }

    fn start_ingest(&self, topic: &str, group: &str, writers: usize) -> anyhow::Result<Lane> {
        let parts = ingest::Parts {
            db: self.db.clone(),
            relay: self.relay(),
            dead_letters: self.dead_letters(&self.settings.changes_topic),
            health: self.health.clone(),
            metrics: self.metrics.ingest.clone(),
            audit: self.audit.clone(),
            replica: self.settings.replica().to_owned(),
            batch_rows: self.batch_rows(),
        };
        Ok(ingest::start(&self.consumer(topic, group, writers), &parts)?)
    }

    fn consumer(&self, topic: &str, group: &str, writers: usize) -> ConsumerSettings {
        ConsumerSettings {
            brokers: self.settings.kafka.clone(),
            group: group.to_owned(),
            topic: topic.to_owned(),
            replica: self.settings.replica().to_owned(),
            writers,
            aside: self.aside.clone(),
        }
    }

    /// The photos lane.
    pub(super) fn photos(&self, live: &Live) -> Photos {
        let live = live.clone();
        Photos::new(photos::Parts {
            db: self.db.clone(),
            redis: self.redis.clone(),
            relay: self.relay(),
            metrics: self.metrics.photos.clone(),
            settings: self.settings.photos.clone(),
            floor: Box::new(move |id| live.photo_floor(id)),
        })
    }

    /// A way to the relay for one lane.
    fn relay(&self) -> Relay {
        let (db, redis, health) = (self.db.clone(), self.redis.clone(), self.health.clone());
        Relay::new(db, redis, health, self.aside.clone(), self.metrics.relay.clone())
    }

    /// Where records of `topic` go that can't be applied.
    fn dead_letters(&self, topic: &str) -> DeadLetters {
        let watched = (&self.health, &self.metrics.ingest, &self.audit);
        let letters = topics::dead_letters(topic).name;
        DeadLetters::new(self.letter_producer.clone(), &letters, self.settings.replica(), watched)
    }

    fn batch_rows(&self) -> usize {
        usize::try_from(self.settings.batch_rows).unwrap_or(usize::MAX)
    }
}

/// Repeats `step` until it succeeds.
async fn prepare<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    health: &Health,
    what: Dependency,
    step: impl Fn() -> F,
) -> T {
    let (mut backoff, reporter) = (Backoff::new(RETRY.0, RETRY.1), health.reporter());
    loop {
        match step().await {
            Ok(done) => return done,
            Err(error) => reporter.away(what, &error),
        }
        backoff.wait().await;
    }
}

/// Makes the history's partitions ahead of time.
pub(super) async fn keep_partitions(db: Db) {
    loop {
        let wait = match db.make_partitions(Utc::now().date_naive()).await {
            Ok(()) => PARTITIONS_EVERY,
            Err(error) => {
                tracing::warn!(%error, "history partitions can't be made now");
                RETRY.1
            }
        };
        tokio::time::sleep(wait).await;
    }
}
