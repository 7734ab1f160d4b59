//! A word between viewers: what one says over WebSocket reaches every viewer of every replica, if it is connected now.
//!
//! Words go over Redis PUB/SUB, not over the relay: they are never stored, have no place that a cursor names, and come at
//! most once. A replica listens on a connection of its own, which it makes anew when it breaks, and hands each word to its
//! hubs. Who speaks while Redis is away, or while this replica does not hear, is told so; a word that another replica
//! misses meanwhile is lost.
//!
//! Nobody is held up by talk: a viewer may speak [`A_VIEWER`] times a second, all of a replica [`A_REPLICA`] times, and
//! what comes faster from other replicas is left out. Words have no place in an outbox that is half full.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytestring::ByteString;
use chrono::Utc;
use schema::Saying;
use schema::client_message::refusal;
use schema::frames::{ErrorFrame, Said};
use tokio::sync::{Semaphore, broadcast};

use super::frame::json;
use super::quota::Quota;
use crate::backoff::Backoff;
use crate::metrics::LiveMetrics;
use crate::redis::{Redis, RedisError};

/// Words of one viewer in a second.
pub(super) const A_VIEWER: usize = 5;
/// Words of all viewers of a replica in a second, and words that it hands to its viewers: each is for all of them.
const A_REPLICA: usize = 50;
/// Words that are on their way to Redis at the same time.
const ON_THE_WAY: usize = 32;
/// Words that wait for a hub; of more than that the oldest are left out.
const WAITING: usize = 64;
/// Longest word on the channel, bytes: 280 characters, each written as two `\\uXXXX`, and who said it.
const MAX_BYTES: usize = 4 * 1024;
/// First and longest delay before listening again.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Where words are published.
const CHANNEL: &str = "said";

/// The replica's ear and mouth.
pub(super) struct Talk {
    redis: Redis,
    metrics: LiveMetrics,
    /// Whether this replica listens, so that its own viewers would hear.
    listens: AtomicBool,
    on_the_way: Semaphore,
    spoken: Mutex<Quota>,
    heard: Mutex<Quota>,
    /// To the hubs: the frame's data.
    hubs: broadcast::Sender<ByteString>,
}

impl Talk {
    /// One that does not listen yet.
    pub(super) fn new(redis: Redis, metrics: LiveMetrics) -> Self {
        Self {
            redis,
            metrics,
            listens: AtomicBool::new(false),
            on_the_way: Semaphore::new(ON_THE_WAY),
            spoken: Mutex::new(Quota::a_second(A_REPLICA)),
            heard: Mutex::new(Quota::a_second(A_REPLICA)),
            hubs: broadcast::Sender::new(WAITING),
        }
    }

    /// Words as they are heard from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<ByteString> {
        self.hubs.subscribe()
    }

    /// Says `text` to all; the error is for the viewer.
    pub(super) async fn say(&self, from: String, text: Saying) -> Result<(), ErrorFrame> {
        let permit = self.on_the_way.try_acquire();
        if permit.is_err() || !take(&self.spoken) {
            self.metrics.say("busy");
            return Err(refusal("busy", None, "too many talk at once: say it again a little later"));
        }
        let said = json(&Said { from, text, at: Utc::now() });
        // while nobody listens, we among them, nobody could hand it on
        let heard = self.listens.load(Ordering::Relaxed)
            && match self.redis.publish(CHANNEL, &said).await {
                Ok(listeners) => listeners > 0,
                Err(error) => {
                    tracing::debug!(%error, "a word could not be said");
                    false
                }
            };
        if heard {
            self.metrics.say("said");
            return Ok(());
        }
        self.metrics.say("away");
        Err(refusal(
            "away",
            None,
            "redis does not answer, so others may not have heard it: say it again later",
        ))
    }

    /// Listens, whatever happens to the connection.
    pub(super) async fn listen(&self) {
        let mut backoff = Backoff::new(AGAIN.0, AGAIN.1);
        loop {
            let error = self.listen_once(&mut backoff).await;
            if self.listens.swap(false, Ordering::Relaxed) {
                tracing::warn!(%error, "the words of viewers are not heard: listening again");
            }
            backoff.wait().await;
        }
    }

    /// Until the connection breaks.
    async fn listen_once(&self, backoff: &mut Backoff) -> RedisError {
        let mut words = match self.redis.listen(CHANNEL).await {
            Ok(words) => words,
            Err(error) => return error,
        };
        backoff.reset();
        self.listens.store(true, Ordering::Relaxed);
        loop {
            match words.next().await {
                Ok(word) => self.hear(&word),
                Err(error) => return error,
            }
        }
    }

    /// Hands a word to the hubs. Whatever else may write to the channel is held to the same rules.
    fn hear(&self, word: &[u8]) {
        let said = Some(word).filter(|word| word.len() <= MAX_BYTES);
        let Some(said) = said.and_then(|word| serde_json::from_slice::<Said>(word).ok()) else {
            return self.metrics.say("unreadable");
        };
        if take(&self.heard) {
            self.metrics.say("heard");
            // without hubs nobody is there to hear it
            let _ = self.hubs.send(json(&said));
        } else {
            self.metrics.say("left_out");
        }
    }
}

fn take(quota: &Mutex<Quota>) -> bool {
    quota.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now())
}
