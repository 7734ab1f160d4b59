//! Puts the lanes together: build, then run, then stop in order.
//!
//! Nothing here waits for a server before it answers: `/healthz` and `/readyz` speak from the first moment, and every lane
//! waits by itself for what it needs. Stop: not ready; leave the group while viewers are sent away, spread over the drain
//! time; end the HTTP server; end what runs in the background. Each step has a bound, so the whole does.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::Context as _;
use chrono::Utc;
use schema::topics;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::Audit;
use crate::backoff::Backoff;
use crate::config::Settings;
use crate::db::Db;
use crate::health::{Dependency, Health};
use crate::ingest::{self, Ingest};
use crate::kafka::{ConsumerSettings, DeadLetters, ensure_topics};
use crate::metrics::Metrics;
use crate::redis::Redis;

/// First and longest delay between two tries to prepare a server.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How often the history's partitions are looked after.
const PARTITIONS_EVERY: Duration = Duration::from_secs(60 * 60);
/// How long background tasks may take to end once they are asked to.
const TASKS_END: Duration = Duration::from_secs(1);

/// Everything that was made from the settings, before anything runs.
pub struct Application {
    settings: Settings,
    listener: TcpListener,
    db: Db,
    redis: Redis,
    dead_letters: DeadLetters,
    audit: Audit,
    health: Health,
    metrics: Metrics,
}

impl Application {
    /// Makes all parts and binds the port; connects to nothing yet.
    ///
    /// # Errors
    /// A setting can't be used; the message names it.
    pub fn build(settings: Settings) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(settings.listen)
            .with_context(|| format!("SHELFWIRE_LISTEN: {} can't be bound", settings.listen))?;
        let audit = Audit::open(settings.audit_log.as_deref()).context("SHELFWIRE_AUDIT_LOG")?;
        let db = Db::new(settings.database_url.expose()).context("SHELFWIRE_DATABASE_URL")?;
        let redis =
            Redis::new(settings.redis_url.expose(), &settings.redis_prefix).context("SHELFWIRE_REDIS_URL")?;
        let letters = topics::dead_letters(&settings.changes_topic).name;
        let dead_letters =
            DeadLetters::new(&settings.kafka, &letters, settings.replica()).context("SHELFWIRE_KAFKA")?;
        let (health, metrics) = (Health::default(), Metrics::default());
        Ok(Self { settings, listener, db, redis, dead_letters, audit, health, metrics })
    }

    /// Serves until `shutdown`, then drains.
    ///
    /// # Errors
    /// A part ended by itself.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let addr = self.listener.local_addr()?;
        tracing::info!(%addr, replica = self.settings.replica(), "listening");

        let mut ingest = tokio::select! {
            ingest = self.start_ingest() => Some(ingest?),
            () = shutdown.cancelled() => None,
        };
        tasks.spawn(stop.clone().run_until_cancelled_owned(keep_partitions(self.db.clone())));

        let failed = match &mut ingest {
            Some(ingest) => tokio::select! {
                failed = ingest.failed() => Some(failed),
                () = shutdown.cancelled() => None,
            },
            None => None,
        };
        self.health.set_draining();
        if let Some(ingest) = ingest.filter(|_| failed.is_none()) {
            ingest.stop().await;
        }
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(TASKS_END, tasks.wait()).await.is_err() {
            tracing::warn!("background tasks did not end in time");
        }
        tracing::info!("stopped");
        failed.map_or(Ok(()), |failed| failed.context("the ingest lane ended by itself"))
    }

    /// Prepares the servers, however long they are away, and joins the group.
    async fn start_ingest(&self) -> anyhow::Result<Ingest> {
        prepare(&self.health, Dependency::Postgres, || self.db.migrate()).await;
        prepare(&self.health, Dependency::Postgres, || self.db.make_partitions(Utc::now().date_naive()))
            .await;
        let base = &self.settings.changes_topic;
        let wanted = [topics::changes(base), topics::redrive(base), topics::dead_letters(base)];
        prepare(&self.health, Dependency::Kafka, || ensure_topics(&self.settings.kafka, &wanted)).await;
        let settings = ConsumerSettings {
            brokers: self.settings.kafka.clone(),
            group: self.settings.group.clone(),
            topics: vec![base.clone(), topics::redrive(base).name],
            replica: self.settings.replica().to_owned(),
            writers: usize::from(self.settings.writers),
        };
        let parts = ingest::Parts {
            db: self.db.clone(),
            redis: self.redis.clone(),
            dead_letters: self.dead_letters.clone(),
            health: self.health.clone(),
            metrics: self.metrics.ingest.clone(),
            audit: self.audit.clone(),
            replica: self.settings.replica().to_owned(),
            batch_rows: usize::try_from(self.settings.batch_rows).unwrap_or(usize::MAX),
        };
        Ok(Ingest::start(&settings, &parts)?)
    }
}

/// Repeats `step` until it succeeds.
async fn prepare<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    health: &Health,
    what: Dependency,
    step: impl Fn() -> F,
) -> T {
    let mut backoff = Backoff::new(RETRY.0, RETRY.1);
    loop {
        match step().await {
            Ok(done) => {
                health.back(what);
                return done;
            }
            Err(error) => health.away(what, &error),
        }
        backoff.wait().await;
    }
}

/// Makes the history's partitions ahead of time.
async fn keep_partitions(db: Db) {
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
