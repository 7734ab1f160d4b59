//! The fleet: viewers of all manners, raters, readers of photos, and somebody who sends what is not as agreed.
//!
//! Two phases: under *load* all of them work; without it raters and readers end, and viewers only follow, so that they
//! can be held against the database. Everything the fleet sees is logged for the judge, nothing is judged here.

pub(crate) mod http;
pub(crate) mod line;
pub(crate) mod photos;
pub(crate) mod rater;
pub(crate) mod spoiler;
pub(crate) mod viewer;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use self::line::Kind;
use self::photos::Album;
use self::viewer::{Guide, Manner, Viewer, lock};
use crate::drill::evidence::seen::ViewerLog;
use crate::drill::evidence::tables::Tables;
use crate::drill::evidence::{Evidence, PhotosSeen, RatingSent};
use crate::drill::world::kafka::Producer;
use crate::drill::world::{CHANGES, RATINGS, World, until};

/// Of each kind of line: how many viewers of each manner.
const VIEWERS: [(Manner, usize); 3] = [(Manner::Steady, 2), (Manner::Roaming, 3), (Manner::Slow, 1)];
const RATERS: u64 = 3;
const READERS: u64 = 2;
/// Products that a viewer of a set follows, and that have photos and ratings.
const CHOSEN: usize = 20;

/// All of them.
pub(crate) struct Fleet {
    load: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    viewers: Vec<(JoinHandle<()>, Arc<Mutex<ViewerLog>>)>,
    ratings: Arc<Mutex<Vec<RatingSent>>>,
    photos: Arc<Mutex<PhotosSeen>>,
}

#[derive(Deserialize)]
struct Listed {
    products: Vec<Id>,
}

#[derive(Deserialize)]
struct Id {
    product_id: Uuid,
}

impl Fleet {
    /// Starts all, once there are products.
    pub(crate) async fn start(world: &World, seed: u64) -> anyhow::Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let door = *world.doors.all().first().context("no replica")?;
        let chosen = until("products are served", async || products(door).await).await?;
        let (load, has_load) = watch::channel(true);
        let guide = Guide { doors: world.doors.clone(), load: has_load };
        let (ratings, photos) = (Arc::default(), Arc::default());
        let mut workers = Vec::new();
        for _ in 0..RATERS {
            let rate = rater::rate(guide.clone(), chosen.clone(), rng.random(), Arc::clone(&ratings));
            workers.push(tokio::spawn(rate));
        }
        let album = Album {
            guide: guide.clone(),
            products: chosen.clone(),
            log: Arc::clone(&photos),
            began: Instant::now(),
        };
        for _ in 0..READERS {
            workers.push(tokio::spawn(album.clone().read(rng.random())));
        }
        workers.push(tokio::spawn(album.upload(rng.random())));
        let kafka = world.stack.kafka();
        let (changes, rated) = (Producer::new(&kafka, CHANGES)?, Producer::new(&kafka, RATINGS)?);
        workers.push(tokio::spawn(spoiler::spoil(guide.clone(), changes, rated)));
        let viewers = viewers(&guide, &chosen, &mut rng);
        Ok(Self { load, workers, viewers, ratings, photos })
    }

    /// Raters and readers end, once their last ratings are acknowledged; viewers only follow from now on.
    pub(crate) async fn end_load(&mut self) -> anyhow::Result<()> {
        self.load.send_replace(false);
        for worker in self.workers.drain(..) {
            worker.await.context("a worker of the fleet panicked")?;
        }
        Ok(())
    }

    /// Waits until all viewers show what the tables hold, at most `limit`; whether they do.
    pub(crate) async fn converge(&self, tables: &Tables, limit: Duration) -> bool {
        let started = Instant::now();
        while !self.viewers.iter().all(|(_, log)| shows_all(&lock(log), tables)) {
            if started.elapsed() >= limit {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        true
    }

    /// Viewers go away.
    pub(crate) async fn leave(&mut self) {
        for (task, _) in &mut self.viewers {
            task.abort();
            let _aborted = task.await;
        }
    }

    /// Hands over what everybody saw.
    pub(crate) fn end(self, evidence: &mut Evidence) {
        for (_, log) in &self.viewers {
            evidence.viewers.push(std::mem::take(&mut lock(log)));
        }
        evidence.ratings = std::mem::take(&mut self.ratings.lock().unwrap_or_else(PoisonError::into_inner));
        evidence.photos = std::mem::take(&mut self.photos.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Fleet {
    /// Nobody goes on into the next act, also where this one broke off.
    fn drop(&mut self) {
        self.workers.iter().chain(self.viewers.iter().map(|(task, _)| task)).for_each(JoinHandle::abort);
    }
}

fn viewers(
    guide: &Guide,
    chosen: &[Uuid],
    rng: &mut ChaCha8Rng,
) -> Vec<(JoinHandle<()>, Arc<Mutex<ViewerLog>>)> {
    let mut viewers = Vec::new();
    let mut add = |kind, manner, follows: Option<Vec<Uuid>>| {
        let set = if follows.is_some() { "-set" } else { "" };
        let name = format!("{manner:?}-{kind:?}{set}-{}", viewers.len()).to_lowercase();
        let log = ViewerLog { name, follows, ..ViewerLog::default() };
        let viewer = Viewer::new(kind, manner, guide.clone(), rng.random(), log);
        let log = viewer.log();
        viewers.push((tokio::spawn(viewer.live()), log));
    };
    for kind in [Kind::Ws, Kind::Sse] {
        for (manner, count) in VIEWERS {
            for _ in 0..count {
                add(kind, manner, None);
            }
        }
        add(kind, Manner::Roaming, Some(chosen.to_vec()));
    }
    viewers
}

async fn products(door: SocketAddr) -> Option<Vec<Uuid>> {
    let answer = http::ask(door, "GET", &format!("/products?limit={CHOSEN}"), &[], &[]).await.ok()?;
    let listed: Listed = serde_json::from_slice(&answer.body).ok()?;
    let ids: Vec<Uuid> = listed.products.iter().map(|product| product.product_id).collect();
    (ids.len() == CHOSEN).then_some(ids)
}

/// Whether a viewer shows what the tables hold of what it follows.
pub(crate) fn shows_all(log: &ViewerLog, tables: &Tables) -> bool {
    let follows = |id: &Uuid| log.follows.as_ref().is_none_or(|ids| ids.contains(id));
    tables
        .products
        .iter()
        .filter(|(id, _)| follows(id))
        .all(|(id, row)| log.shows.get(id) == Some(&row.shown))
        && tables
            .photos
            .iter()
            .filter(|(id, _)| follows(id))
            .all(|(id, photo)| log.photos.get(id) == Some(photo))
        && tables.ratings.iter().all(|(subject, total)| {
            let followed = subject.parse().map_or(true, |id| follows(&id));
            !followed || log.ratings.get(subject) == Some(total)
        })
}
