//! The live lane, a change's way out: relay ▶ view and ring ▶ hubs ▶ viewers.
//!
//! The *tail* reads the relay and keeps the replica's state: the *view* (newest state of each product) and the *ring*
//! (recent entries). Each HTTP worker has a *hub* of its viewers, which takes new entries from the ring and puts them in
//! the viewers' *outboxes*; a viewer that comes, comes back or falls out of step is *fed* until it stands where its hub
//! stands. WebSocket and SSE differ in `ws` and `sse` alone. *Repair* compares the view with the database. *Talk* is what
//! viewers say to each other; it goes past the relay.
//!
//! **Invariants:** view and ring change in one task only. Nothing waits for a viewer. No path from a cursor to the
//! present has a hole of which the viewer is not told. What one viewer costs in memory is bounded.

mod cursor;
mod door;
mod feed;
mod frame;
mod history;
mod hub;
mod inbound;
mod interest;
mod outbox;
mod quota;
mod repair;
mod ring;
mod seat;
mod snapshot;
mod socket;
pub mod sse;
mod start;
mod state;
mod status;
mod tail;
mod talk;
mod tidy;
mod view;
mod viewer;
pub mod ws;

pub use socket::remember_socket;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use schema::{PhotoRevision, ProductId};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::viewers::ViewerSettings;
use crate::db::Db;
use crate::health::Health;
use crate::metrics::{LiveMetrics, Metrics};
use crate::redis::Redis;
use hub::Hub;
use outbox::End;
use repair::Repair;
use state::Shared;
use tail::Tail;
use talk::Talk;

/// Pages of the stream's history that are read at the same time, 1 MiB each.
const HISTORIES: usize = 4;
/// How often a drain looks whether all viewers are gone.
const DRAIN_LOOK: Duration = Duration::from_millis(20);

/// What the lane works with.
pub struct Parts<'a> {
    /// The database.
    pub db: Db,
    /// The relay.
    pub redis: Redis,
    /// Is told what is away, and tells viewers.
    pub health: Health,
    /// Counts.
    pub metrics: Metrics,
    /// This replica's name.
    pub replica: String,
    /// What viewers may cost.
    pub settings: ViewerSettings,
    /// Cancelled once the tables are there; before that the database is not asked.
    pub tables: CancellationToken,
    /// Where its tasks run.
    pub tracker: &'a TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
}

/// The lane's handle; clones are the same lane.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

/// What hubs share.
pub struct Inner {
    shared: Arc<Shared>,
    /// Names the epoch that counts.
    db: Db,
    redis: Redis,
    health: Health,
    metrics: LiveMetrics,
    replica: String,
    settings: ViewerSettings,
    /// What viewers say to each other.
    talk: Arc<Talk>,
    /// Viewers of all hubs.
    viewers: AtomicUsize,
    /// Numbers viewers as they come.
    next_viewer: AtomicU64,
    /// Limits the reading of old history.
    histories: Semaphore,
    /// Over how long viewers are to be sent away.
    drain: watch::Sender<Option<Duration>>,
    stop: CancellationToken,
    /// Cancelled when the tail ends, however it does.
    ended: CancellationToken,
}

impl std::ops::Deref for Live {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Live {
    /// Starts the tail and repair.
    pub fn start(parts: Parts<'_>) -> Self {
        let Parts { db, redis, health, metrics, replica, settings, tables, tracker, stop } = parts;
        let metrics = metrics.live;
        let shared = Arc::new(Shared::new(settings.ring_bytes()));
        let tail = Tail {
            db: db.clone(),
            redis: redis.clone(),
            health: health.clone(),
            reporter: health.reporter(),
            metrics: metrics.clone(),
            shared: Arc::clone(&shared),
        };
        let ended = CancellationToken::new();
        let told = ended.clone().drop_guard();
        tracker.spawn(stop.clone().run_until_cancelled_owned(async move {
            let _told = told;
            tables.cancelled_owned().await;
            tail.run().await;
        }));
        tracker
            .spawn(stop.clone().run_until_cancelled_owned(tidy::delete_leftovers(db.clone(), redis.clone())));
        if settings.repair_page_ms > 0 {
            let repair = Repair {
                db: db.clone(),
                redis: redis.clone(),
                shared: Arc::clone(&shared),
                metrics: metrics.clone(),
                pause: Duration::from_millis(settings.repair_page_ms),
            };
            tracker.spawn(stop.clone().run_until_cancelled_owned(repair.run()));
        }
        let talk = Arc::new(Talk::new(redis.clone(), metrics.clone()));
        let listening = Arc::clone(&talk);
        tracker.spawn(stop.clone().run_until_cancelled_owned(async move { listening.listen().await }));
        Self(Arc::new(Inner {
            shared,
            db,
            redis,
            health,
            metrics,
            replica,
            settings,
            talk,
            viewers: AtomicUsize::new(0),
            next_viewer: AtomicU64::new(1),
            histories: Semaphore::new(HISTORIES),
            drain: watch::Sender::new(None),
            stop,
            ended,
        }))
    }

    /// Waits until the tail has ended; before a stop, only a defect of ours makes it.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// `/ws` and `/sse`, with a hub for the HTTP worker that configures itself with this.
    pub fn routes(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let hub = Hub::start(self.clone());
        move |config| {
            config
                .app_data(hub)
                .service(web::resource("/ws").get(ws::connect))
                .service(web::resource("/sse").get(sse::connect));
        }
    }

    /// How many viewers are connected.
    pub fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }

    /// How others see a viewer.
    fn name_of(&self, viewer: &viewer::Viewer) -> String {
        format!("{}-{}", self.replica, viewer.number)
    }

    /// This replica's place as a cursor. A state that is read from the database afterwards is at least as new.
    pub fn cursor(&self) -> Option<String> {
        self.shared.cursor().map(|cursor| cursor.to_string())
    }

    /// Whether this replica has heard of a product.
    pub fn knows(&self, id: ProductId) -> bool {
        self.shared.version(id).is_some()
    }

    /// The lowest revision of a product's photo that may still be its newest, as far as this replica follows the relay.
    pub fn photo_floor(&self, id: ProductId) -> Option<PhotoRevision> {
        self.shared.photo_floor(id)
    }

    /// Lets no viewer in any more and sends those away that are here, spread over `time`. Returns when none is left, or
    /// when the time is over.
    pub async fn drain(&self, time: Duration) {
        let until = Instant::now() + time;
        self.drain.send_replace(Some(time));
        while self.viewers() > 0 && Instant::now() < until {
            tokio::time::sleep(DRAIN_LOOK).await;
        }
    }

    /// Counts one more viewer, if it may stay.
    fn admit(&self) -> Result<(), End> {
        if self.drain.borrow().is_some() {
            return Err(End::drain(rand::random()));
        }
        if self.shared.now().is_none() {
            return Err(End::not_ready(rand::random()));
        }
        let most = usize::try_from(self.settings.max_viewers).unwrap_or(usize::MAX);
        let count = |viewers| (viewers < most).then_some(viewers + 1);
        self.viewers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, count)
            .map(drop)
            .map_err(|_| End::full(rand::random()))
    }

    /// Counts one viewer less.
    fn left(&self) {
        self.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}
