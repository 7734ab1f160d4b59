//! What is away, and since when.
//!
//! Lanes say here when a service that they need stops or starts to answer; `/readyz`, the frame `status` and the log
//! read it. It never probes anything itself: what the work meets is the truth.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

/// A service that the gateway needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// The broker.
    Kafka,
    /// The database.
    Postgres,
    /// The relay and the cache.
    Redis,
}

impl Dependency {
    /// The name in frames, answers and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }
}

/// Whatever keeps this replica from being ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Services that do not answer, each with the time since when.
    pub away: BTreeMap<Dependency, DateTime<Utc>>,
    /// Whether the live lane has loaded its view for the present epoch.
    pub view_loaded: bool,
    /// Whether the replica is on its way out.
    pub draining: bool,
}

impl State {
    /// Whether new viewers and requests should come here. Kafka away is no reason against it: what is stored can be
    /// served.
    pub fn is_ready(&self) -> bool {
        self.view_loaded
            && !self.draining
            && !self.away.contains_key(&Dependency::Postgres)
            && !self.away.contains_key(&Dependency::Redis)
    }
}

/// The one place where [`State`] is kept; clones share it.
#[derive(Debug, Clone)]
pub struct Health(watch::Sender<State>);

impl Default for Health {
    fn default() -> Self {
        Self(watch::Sender::new(State::default()))
    }
}

impl Health {
    /// `what` does not answer, because of `error`. Logged once until it is back.
    pub fn away(&self, what: Dependency, error: &dyn std::fmt::Display) {
        let news = self.0.send_if_modified(|state| {
            let known = state.away.contains_key(&what);
            state.away.entry(what).or_insert_with(Utc::now);
            !known
        });
        if news {
            tracing::warn!(what = what.as_str(), %error, "service is away: waiting for it");
        }
    }

    /// `what` answers.
    pub fn back(&self, what: Dependency) {
        if !self.0.borrow().away.contains_key(&what) {
            return;
        }
        let mut since = None;
        self.0.send_if_modified(|state| {
            since = state.away.remove(&what);
            since.is_some()
        });
        if let Some(since) = since {
            let away_ms = (Utc::now() - since).num_milliseconds();
            tracing::info!(what = what.as_str(), away_ms, "service is back");
        }
    }

    /// Whether the view is loaded.
    pub fn set_view_loaded(&self, loaded: bool) {
        self.0.send_if_modified(|state| std::mem::replace(&mut state.view_loaded, loaded) != loaded);
    }

    /// The replica is on its way out.
    pub fn set_draining(&self) {
        self.0.send_if_modified(|state| !std::mem::replace(&mut state.draining, true));
    }

    /// The state now.
    pub fn state(&self) -> State {
        self.0.borrow().clone()
    }

    /// The state, and every change of it.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.0.subscribe()
    }
}
