//! Puts the lanes together: build, then run, then stop in order.
//!
//! Nothing here waits for a server before it answers: `/healthz` and `/readyz` speak from the first moment, and every lane
//! waits by itself for what it needs. Stop: not ready; leave the group while viewers are sent away, spread over the drain
//! time; end the HTTP server; end what runs in the background. Each step has a bound, so the whole does.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{HttpServer, web};
use anyhow::Context as _;
use chrono::Utc;
use schema::topics;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::aside::Aside;
use crate::audit::Audit;
use crate::backoff::Backoff;
use crate::config::Settings;
use crate::db::Db;
use crate::health::{Dependency, Health};
use crate::http;
use crate::ingest;
use crate::kafka::{ConsumerSettings, DeadLetters, Lane, ensure_topics};
use crate::live::{self, Live};
use crate::metrics::Metrics;
use crate::redis::Redis;
use crate::relay::Relay;
use crate::replicas::{self, Replicas};

/// First and longest delay between two tries to prepare a server.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How often the history's partitions are looked after.
const PARTITIONS_EVERY: Duration = Duration::from_secs(60 * 60);
/// Seconds for requests that are being answered when the HTTP server ends; viewers are gone by then.
const HTTP_END_S: u64 = 2;
/// How long background tasks may take to end once they are asked to.
const TASKS_END: Duration = Duration::from_secs(1);

/// Everything that was made from the settings, before anything runs.
pub struct Application {
    settings: Settings,
    listener: TcpListener,
    db: Db,
    redis: Redis,
    dead_letters: DeadLetters,
    aside: Aside,
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
        let (health, metrics) = (Health::default(), Metrics::default());
        let watched = (&health, &metrics.ingest, &audit);
        let dead_letters = DeadLetters::new(&settings.kafka, &letters, settings.replica(), watched)
            .context("SHELFWIRE_KAFKA")?;
        let aside = Aside::default();
        Ok(Self { settings, listener, db, redis, dead_letters, aside, audit, health, metrics })
    }

    /// Serves until `shutdown`, or until somebody asks this replica to drain.
    ///
    /// # Errors
    /// A part ended by itself.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let tables = CancellationToken::new();
        let live = self.start_live(&tables, &tasks, &stop);
        let replicas = self.start_replicas(&tasks, &stop)?;
        let mut server = std::pin::pin!(self.server(&live, &replicas)?);
        let handle = server.handle();

        let asked = async {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = replicas.drain_requested().cancelled() => {}
            }
        };
        let mut lanes = Vec::new();
        let (worked, still_served) = tokio::select! {
            worked = self.work(&mut lanes, &replicas, &tables, &tasks, &stop) => (worked, true),
            ended = &mut server => (Err(anyhow::anyhow!("the HTTP server ended by itself: {ended:?}")), false),
            () = live.ended() => (Err(anyhow::anyhow!("the live lane ended by itself")), true),
            () = asked => (Ok(()), true),
        };
        let drained = self.drain(if worked.is_ok() { lanes } else { Vec::new() }, &live, &handle);
        if still_served {
            let ((), _) = tokio::join!(drained, server);
        } else {
            drained.await;
        }
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(TASKS_END, tasks.wait()).await.is_err() {
            tracing::warn!("background tasks did not end in time");
        }
        tracing::info!("stopped");
        worked
    }

    fn start_live(&self, tables: &CancellationToken, tasks: &TaskTracker, stop: &CancellationToken) -> Live {
        Live::start(live::Parts {
            db: self.db.clone(),
            redis: self.redis.clone(),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
            replica: self.settings.replica().to_owned(),
            settings: self.settings.viewers.clone(),
            tables: tables.clone(),
            tracker: tasks,
            stop: stop.clone(),
        })
    }

    fn start_replicas(&self, tasks: &TaskTracker, stop: &CancellationToken) -> anyhow::Result<Replicas> {
        let replicas = Replicas::new(replicas::Parts {
            replica: self.settings.replica().to_owned(),
            addr: self.listener.local_addr()?.to_string(),
            topic: self.settings.changes_topic.clone(),
            db: self.db.clone(),
            redis: self.redis.clone(),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
        });
        tasks.spawn(replicas.clone().run(stop.clone()));
        Ok(replicas)
    }

    /// Answers from the first moment, whatever is away.
    fn server(&self, live: &Live, replicas: &Replicas) -> anyhow::Result<Server> {
        let state = http::State::new(
            &self.settings,
            self.db.clone(),
            self.health.clone(),
            self.metrics.clone(),
            replicas.clone(),
            {
                let live = live.clone();
                move || live.cursor()
            },
        );
        let (state, live) = (web::Data::new(state), live.clone());
        let mut server = HttpServer::new(move || http::app(state.clone(), live.routes()))
            .on_connect(live::remember_socket)
            .disable_signals()
            .shutdown_timeout(HTTP_END_S);
        if self.settings.http_workers > 0 {
            server = server.workers(self.settings.http_workers);
        }
        let server = server.listen(self.listener.try_clone()?)?.run();
        let addr = self.listener.local_addr()?;
        tracing::info!(%addr, replica = self.settings.replica(), "listening");
        if let Some(file) = &self.settings.addr_file {
            std::fs::write(file, addr.to_string()).context("SHELFWIRE_ADDR_FILE")?;
        }
        Ok(server)
    }

    /// Prepares the servers, joins the group, and works until the lane fails.
    async fn work(
        &self,
        lanes: &mut Vec<Lane>,
        replicas: &Replicas,
        tables: &CancellationToken,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        self.prepare_servers(tables).await;
        let base = &self.settings.changes_topic;
        let changes = self.start_ingest(base, &self.settings.group, usize::from(self.settings.writers))?;
        replicas.set_lane(changes.status());
        // a group of its own: the assignor balances all partitions of a group together, and would give one replica the
        // changes and another the redrives
        let redrive =
            self.start_ingest(&topics::redrive(base).name, &format!("{}-redrive", self.settings.group), 1)?;
        lanes.extend([changes, redrive]);
        tasks.spawn(stop.clone().run_until_cancelled_owned(keep_partitions(self.db.clone())));
        let failed = lanes.iter_mut().map(|lane| Box::pin(lane.failed()));
        let (failed, _, _) = futures_util::future::select_all(failed).await;
        Err(failed).context("a lane ended by itself")
    }

    /// Sends viewers away and leaves the group, side by side, then ends the HTTP server.
    async fn drain(&self, lanes: Vec<Lane>, live: &Live, server: &ServerHandle) {
        self.health.set_draining();
        let leave = futures_util::future::join_all(lanes.into_iter().map(Lane::stop));
        tokio::join!(leave, live.drain(Duration::from_secs(self.settings.drain_s)));
        server.stop(true).await;
    }

    /// Makes tables and topics, however long their servers are away.
    async fn prepare_servers(&self, tables: &CancellationToken) {
        prepare(&self.health, Dependency::Postgres, || self.db.migrate()).await;
        tables.cancel();
        prepare(&self.health, Dependency::Postgres, || self.db.make_partitions(Utc::now().date_naive()))
            .await;
        let base = &self.settings.changes_topic;
        let wanted = [topics::changes(base), topics::redrive(base), topics::dead_letters(base)];
        prepare(&self.health, Dependency::Kafka, || ensure_topics(&self.settings.kafka, &wanted)).await;
    }

    /// A way to the relay for one lane.
    fn relay(&self) -> Relay {
        let (db, redis, health) = (self.db.clone(), self.redis.clone(), self.health.clone());
        Relay::new(db, redis, health, self.aside.clone(), self.metrics.relay.clone())
    }

    /// Joins `group` to consume `topic`.
    fn start_ingest(&self, topic: &str, group: &str, writers: usize) -> anyhow::Result<Lane> {
        let settings = ConsumerSettings {
            brokers: self.settings.kafka.clone(),
            group: group.to_owned(),
            topic: topic.to_owned(),
            replica: self.settings.replica().to_owned(),
            writers,
            aside: self.aside.clone(),
        };
        let parts = ingest::Parts {
            db: self.db.clone(),
            relay: self.relay(),
            dead_letters: self.dead_letters.clone(),
            health: self.health.clone(),
            metrics: self.metrics.ingest.clone(),
            audit: self.audit.clone(),
            replica: self.settings.replica().to_owned(),
            batch_rows: usize::try_from(self.settings.batch_rows).unwrap_or(usize::MAX),
        };
        Ok(ingest::start(&settings, &parts)?)
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
