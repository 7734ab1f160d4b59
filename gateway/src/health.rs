//! What is away, and since when.
//!
//! Lanes report here when a service that they need stops or starts to answer; `/readyz`, the frame `status` and the log
//! read it. It never probes anything itself: what the work meets is the truth. Several may complain of one service (one
//! can't write while another can read): it is back when nobody complains any more, and a complaint ends with the work that
//! met it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
    /// Who complains of what.
    complaints: BTreeSet<(Dependency, u64)>,
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
pub struct Health {
    state: watch::Sender<State>,
    reporters: Arc<AtomicU64>,
}

impl Default for Health {
    fn default() -> Self {
        Self { state: watch::Sender::new(State::default()), reporters: Arc::default() }
    }
}

/// One piece of work that needs services; its complaints end with it.
#[derive(Debug)]
pub struct Reporter {
    health: Health,
    id: u64,
    complains: AtomicBool,
}

impl Reporter {
    /// `what` does not answer, because of `error`. Logged once until it is back.
    pub fn away(&self, what: Dependency, error: &dyn std::fmt::Display) {
        self.complains.store(true, Ordering::Relaxed);
        let news = self.health.state.send_if_modified(|state| {
            state.complaints.insert((what, self.id));
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
        // the usual case costs no lock
        if self.complains.load(Ordering::Relaxed) {
            self.withdraw(what);
        }
    }

    fn withdraw(&self, what: Dependency) {
        let mut since = None;
        self.health.state.send_if_modified(|state| {
            let withdrawn = state.complaints.remove(&(what, self.id));
            if withdrawn && !state.complaints.iter().any(|(of, _)| *of == what) {
                since = state.away.remove(&what);
            }
            since.is_some()
        });
        if let Some(since) = since {
            let away_ms = (Utc::now() - since).num_milliseconds();
            tracing::info!(what = what.as_str(), away_ms, "service is back");
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        for what in [Dependency::Kafka, Dependency::Postgres, Dependency::Redis] {
            self.back(what);
        }
    }
}

impl Health {
    /// For one piece of work.
    pub fn reporter(&self) -> Reporter {
        let id = self.reporters.fetch_add(1, Ordering::Relaxed);
        Reporter { health: self.clone(), id, complains: AtomicBool::new(false) }
    }

    /// Whether the view is loaded.
    pub fn set_view_loaded(&self, loaded: bool) {
        self.state.send_if_modified(|state| std::mem::replace(&mut state.view_loaded, loaded) != loaded);
    }

    /// The replica is on its way out.
    pub fn set_draining(&self) {
        self.state.send_if_modified(|state| !std::mem::replace(&mut state.draining, true));
    }

    /// The state now.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// The state, and every change of it.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_back_when_nobody_complains_any_more() {
        let health = Health::default();
        let (writer, reader) = (health.reporter(), health.reporter());
        writer.away(Dependency::Postgres, &"read-only");
        reader.back(Dependency::Postgres);
        assert!(
            health.state().away.contains_key(&Dependency::Postgres),
            "who reads can't speak for who writes"
        );
        reader.away(Dependency::Postgres, &"late");
        writer.back(Dependency::Postgres);
        assert!(health.state().away.contains_key(&Dependency::Postgres));
        drop(reader);
        assert!(health.state().away.is_empty(), "a complaint ends with its work");
    }
}
