//! Puts the lanes together: build, then run, then stop in order.
//!
//! Nothing here waits for a server before it answers: `/healthz` and `/readyz` speak from the first moment, and every lane
//! waits by itself for what it needs. Stop: not ready; leave the group while viewers are sent away, spread over the drain
//! time; end the HTTP server; end what runs in the background. Each step has a bound, so the whole does.

mod lanes;

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{HttpServer, web};
use anyhow::Context as _;
use schema::topics;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::aside::Aside;
use crate::audit::Audit;
use crate::config::Settings;
use crate::db::Db;
use crate::drill::{self, Step};
use crate::health::Health;
use crate::http;
use crate::kafka::{Lane, Letters, Producer, Redrive};
use crate::live::{self, Live};
use crate::metrics::Metrics;
use crate::ratings::{self, Accept};
use crate::redis::Redis;
use crate::replicas::{self, Replicas};

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
    aside: Aside,
    audit: Audit,
    health: Health,
    metrics: Metrics,
    /// Of dead letters, and of what is sent back of them.
    letter_producer: Producer,
}

impl Application {
    /// Makes all parts and binds the port; waits for nobody.
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
        let (health, metrics) = (Health::default(), Metrics::default());
        let aside = Aside::default();
        let name = format!("{}-letters", settings.replica());
        let letter_producer = Producer::new(&settings.kafka, &name).context("SHELFWIRE_KAFKA")?;
        Ok(Self { settings, listener, db, redis, aside, audit, health, metrics, letter_producer })
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
        let drained = self.drain(lanes, &live, &handle);
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
        let parts = http::Parts {
            db: self.db.clone(),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
            replicas: replicas.clone(),
            ratings: self.ratings(live)?,
            letters: self.letters(),
            redrive: self.redrive(),
            photos: self.photos(live),
        };
        let state = http::State::new(&self.settings, parts, {
            let live = live.clone();
            move || live.cursor()
        });
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

    /// The dead letters of changes.
    fn letters(&self) -> Letters {
        let topic = topics::dead_letters(&self.settings.changes_topic).name;
        Letters::new(&self.settings.kafka, topic, self.settings.replica())
    }

    /// Their way back.
    fn redrive(&self) -> Redrive {
        Redrive::new(self.letter_producer.clone(), topics::redrive(&self.settings.changes_topic).name)
    }

    /// The door of ratings.
    fn ratings(&self, live: &Live) -> anyhow::Result<http::Ratings> {
        let (settings, live) = (&self.settings, live.clone());
        Ok(http::Ratings {
            accept: Accept::new(
                &settings.kafka,
                &settings.ratings.ratings_topic,
                settings.replica(),
                self.metrics.ratings.clone(),
            )?,
            knows: Box::new(move |id| live.knows(id)),
            window: settings.ratings.rating_window,
        })
    }

    /// Prepares the servers, joins the groups, and works until the lane fails.
    async fn work(
        &self,
        lanes: &mut Vec<Lane>,
        replicas: &Replicas,
        tables: &CancellationToken,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        self.prepare_servers(tables).await;
        let changes = self.start_changes()?;
        replicas.set_lane(changes.status());
        lanes.extend([changes, self.start_redrive()?, self.start_ratings()?]);
        tasks.spawn(stop.clone().run_until_cancelled_owned(lanes::keep_partitions(self.db.clone())));
        tasks.spawn(stop.clone().run_until_cancelled_owned(ratings::forget_old_keys(self.db.clone())));
        let failed = lanes.iter_mut().map(|lane| Box::pin(lane.failed()));
        let (failed, _, _) = futures_util::future::select_all(failed).await;
        Err(failed).context("a lane ended by itself")
    }

    /// Sends viewers away and leaves the group, side by side, then ends the HTTP server.
    async fn drain(&self, lanes: Vec<Lane>, live: &Live, server: &ServerHandle) {
        self.health.set_draining();
        let leave = async {
            futures_util::future::join_all(lanes.into_iter().map(Lane::stop)).await;
            drill::passes(Step::Drain);
        };
        tokio::join!(leave, live.drain(Duration::from_secs(self.settings.drain_s)));
        server.stop(true).await;
    }
}
