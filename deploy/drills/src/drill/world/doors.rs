//! Where replicas can be reached: what a load balancer knows, for the fleet.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Where live replicas listen; shared with the fleet.
#[derive(Clone, Default)]
pub(crate) struct Doors(Arc<Mutex<BTreeMap<String, SocketAddr>>>);

impl Doors {
    pub(crate) fn all(&self) -> Vec<SocketAddr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect()
    }

    /// All with their names.
    pub(super) fn named(&self) -> Vec<(String, SocketAddr)> {
        let doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doors.iter().map(|(name, addr)| (name.clone(), *addr)).collect()
    }

    pub(super) fn set(&self, name: &str, addr: Option<SocketAddr>) {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match addr {
            Some(addr) => doors.insert(name.to_owned(), addr),
            None => doors.remove(name),
        };
    }
}
