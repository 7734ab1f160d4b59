//! Free ports for stacks that choose their own.
//!
//! They come from below the ephemeral range (32768 and up on Linux), because a server that is killed must find its port
//! free again when it returns: an ephemeral one may have been given to some outgoing connection in between.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

use crate::proc;

/// Where private stacks live: above the usual services, below `make up`'s own ports and the ephemeral range.
const RANGE: std::ops::Range<u16> = 10_000..20_000;

/// What this process gave away. Its servers take them seconds later, and another stack, which knows nothing of this one, may
/// be asking meanwhile: so it is of the process.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// Whether a server could listen on this port of the loopback address now.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Who has `port`, which the setting `variable` names, in words; `None` when it is free.
pub fn held(port: u16, variable: &str) -> Option<String> {
    if is_free(port) {
        return None;
    }
    let holder = proc::holder(port).map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
    Some(format!("port {port} ({variable}) is held by {holder}"))
}

/// `count` different ports that are free now, and that this process was not given before. Another process may still take one
/// before its server does; who starts servers on them tries again with others then.
pub fn free(count: usize) -> io::Result<Vec<u16>> {
    let random = RandomState::new();
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut held = Vec::new();
    for attempt in 0_u64..2_000 {
        if held.len() == count {
            break;
        }
        let width = u64::from(RANGE.end - RANGE.start);
        let offset = u16::try_from(random.hash_one(attempt) % width).unwrap_or_default();
        let port = RANGE.start + offset;
        // All are held until the last is found, so they differ.
        if !given.contains(&port) {
            held.extend(TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
        }
    }
    if held.len() < count {
        return Err(io::Error::other(format!("no {count} free ports in {}..{}", RANGE.start, RANGE.end)));
    }
    let ports =
        held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect::<io::Result<Vec<_>>>()?;
    given.extend(&ports);
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ_and_lie_below_the_ephemeral_range() {
        let mut ports: Vec<u16> = (0..20).flat_map(|_| free(1).unwrap()).collect();
        assert!(ports.iter().all(|port| RANGE.contains(port)));
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 20);
    }

    #[test]
    fn a_port_in_use_is_not_free() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
