//! A viewer: connects, follows, is cut or cuts itself, goes on at its cursor on another replica, and logs what it sees.
//!
//! It keeps the contract's rules: it drops what is not above what it holds, and hands back the newest cursor. It does not
//! judge: what it was told goes into its log as it came.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::line::{Frame, Kind, Line};
use crate::drill::evidence::seen::{Seen, Shown, ViewerLog};
use crate::drill::world::Doors;

/// A line on which nothing comes for so long is dead: heartbeats come every second.
const DEAD: Duration = Duration::from_secs(4);
/// Longest back-off.
const BACKOFF_MS: u64 = 2_000;

/// How a viewer behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Stays until it is cut.
    Steady,
    /// Goes away without a word after a moment, and comes back elsewhere.
    Roaming,
    /// Takes its time over each frame, as long as there is load.
    Slow,
}

/// What all viewers look at.
#[derive(Clone)]
pub(crate) struct Guide {
    pub(crate) doors: Doors,
    /// Whether there is load: without it nobody cuts or dawdles.
    pub(crate) load: watch::Receiver<bool>,
}

/// A viewer; its log is shared with who waits for it.
pub(crate) struct Viewer {
    kind: Kind,
    manner: Manner,
    guide: Guide,
    rng: ChaCha8Rng,
    cursor: Option<String>,
    log: Arc<Mutex<ViewerLog>>,
}

impl Viewer {
    pub(crate) fn new(kind: Kind, manner: Manner, guide: Guide, seed: u64, log: ViewerLog) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { kind, manner, guide, rng, cursor: None, log: Arc::new(Mutex::new(log)) }
    }

    pub(crate) fn log(&self) -> Arc<Mutex<ViewerLog>> {
        Arc::clone(&self.log)
    }

    /// Lives until it is aborted.
    pub(crate) async fn live(mut self) {
        let follows = lock(&self.log).follows.clone();
        let follows = follows.map(|ids| ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(","));
        loop {
            let mut wait_ms = self.rng.random_range(0..BACKOFF_MS);
            if let Some(addr) = self.choose() {
                let opened = Line::open(self.kind, addr, follows.as_deref(), self.cursor.as_deref()).await;
                if let Ok(line) = opened {
                    wait_ms = self.follow(line).await.map_or(wait_ms / 4, |told| told.min(BACKOFF_MS));
                    lock(&self.log).seen.push(Seen::End);
                }
            }
            sleep(Duration::from_millis(wait_ms)).await;
        }
    }

    fn choose(&mut self) -> Option<SocketAddr> {
        let doors = self.guide.doors.all();
        let at = self.rng.random_range(0..doors.len().max(1));
        doors.get(at).copied()
    }

    /// Reads until the line is over; returns how long it was told to stay away.
    async fn follow(&mut self, mut line: Line) -> Option<u64> {
        let stay = match self.manner {
            Manner::Roaming => Duration::from_millis(self.rng.random_range(300..4_000)),
            Manner::Steady | Manner::Slow => Duration::from_secs(3_600),
        };
        let mut load = self.guide.load.clone();
        let mut away = None;
        let leave = async {
            sleep(stay).await;
            // who has only to converge stays
            let _over = load.wait_for(|load| *load).await;
        };
        let mut leave = std::pin::pin!(leave);
        loop {
            let said = tokio::select! {
                said = timeout(DEAD, line.next()) => said,
                () = &mut leave => return None,
            };
            match said {
                Err(_) | Ok(Ok(None)) => return away,
                Ok(Err(error)) => {
                    lock(&self.log).seen.push(Seen::Strange(error.to_string()));
                    return away;
                }
                Ok(Ok(Some(frame))) => {
                    let mut log = lock(&self.log);
                    match take(&mut log, &frame, self.cursor.is_some()) {
                        Ok(told) => away = told.or(away),
                        Err(error) => log.seen.push(Seen::Strange(format!("{error}: {frame:?}"))),
                    }
                    if matches!(log.seen.last(), Some(Seen::Hello { resumed: false, .. })) {
                        // until its snapshot is whole there is no place to come back to
                        self.cursor = None;
                    }
                    drop(log);
                    self.cursor = frame.cursor.or(self.cursor.take());
                }
            }
            if self.manner == Manner::Slow && *self.guide.load.borrow() {
                sleep(Duration::from_millis(8)).await;
            }
        }
    }
}

pub(crate) fn lock(log: &Mutex<ViewerLog>) -> MutexGuard<'_, ViewerLog> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Deserialize)]
struct Product {
    #[serde(rename = "product_id")]
    id: Uuid,
    version: i64,
    from: Option<i64>,
    price_minor: i64,
    stock: i64,
    rating: Option<Rating>,
    photo: Option<String>,
    #[serde(default)]
    photo_revision: i64,
}

#[derive(Deserialize)]
struct Rating {
    #[serde(default)]
    subject: String,
    count: i64,
    sum: i64,
}

#[derive(Deserialize)]
struct Page {
    products: Vec<Product>,
    last: bool,
}

#[derive(Deserialize)]
struct Photo {
    #[serde(rename = "product_id")]
    product: Uuid,
    #[serde(rename = "photo")]
    hash: Option<String>,
    revision: i64,
}

#[derive(Deserialize)]
struct Hello {
    resumed: bool,
    reset: bool,
}

#[derive(Deserialize)]
struct Gap {
    product_id: Option<Uuid>,
}

#[derive(Deserialize)]
struct GoingAway {
    reconnect_after_ms: u64,
}

/// Logs a frame; returns how long the viewer is to stay away.
fn take(log: &mut ViewerLog, frame: &Frame, asked: bool) -> serde_json::Result<Option<u64>> {
    let data = frame.data.as_str();
    match frame.kind.as_str() {
        "hello" => {
            let Hello { resumed, reset } = serde_json::from_str(data)?;
            log.seen.push(Seen::Hello { asked, resumed, reset });
        }
        "snapshot" => {
            let page: Page = serde_json::from_str(data)?;
            for product in page.products {
                log.seen.push(Seen::Listed { product: product.id, version: product.version });
                show(log, product);
            }
            if page.last {
                log.seen.push(Seen::Complete);
            }
        }
        "product_changed" => {
            let change: Product = serde_json::from_str(data)?;
            let (product, version) = (change.id, change.version);
            log.seen.push(Seen::Changed { product, from: change.from.unwrap_or_default(), version });
            show(log, change);
        }
        "rating_changed" => {
            let rating: Rating = serde_json::from_str(data)?;
            rate(log, rating.subject.clone(), &rating);
        }
        "photo_changed" => {
            let Photo { product, hash, revision } = serde_json::from_str(data)?;
            picture(log, product, revision, hash);
        }
        "gap" => {
            let Gap { product_id } = serde_json::from_str(data)?;
            log.seen.push(Seen::Gap { product: product_id });
        }
        "going_away" => {
            let GoingAway { reconnect_after_ms } = serde_json::from_str(data)?;
            return Ok(Some(reconnect_after_ms));
        }
        _ => {}
    }
    Ok(None)
}

fn show(log: &mut ViewerLog, product: Product) {
    let (id, version) = (product.id, product.version);
    if log.shows.get(&id).is_none_or(|held| held.version < version) {
        let shown = Shown { version, price: product.price_minor, stock: product.stock };
        log.shows.insert(id, shown);
    }
    if let Some(rating) = &product.rating {
        rate(log, id.to_string(), rating);
    }
    picture(log, id, product.photo_revision, product.photo);
}

fn rate(log: &mut ViewerLog, subject: String, rating: &Rating) {
    let held = log.ratings.entry(subject).or_default();
    if rating.count > held.0 {
        *held = (rating.count, rating.sum);
    }
}

fn picture(log: &mut ViewerLog, product: Uuid, revision: i64, hash: Option<String>) {
    if revision > log.photos.get(&product).map_or(0, |(held, _)| *held) {
        log.photos.insert(product, (revision, hash.unwrap_or_default()));
    }
}
