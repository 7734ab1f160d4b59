//! HAProxy: one address in front of all replicas. It asks each replica's `/readyz`, so one that drains gets no new viewer
//! and keeps the ones it has; places for six replicas are in the configuration, so scaling needs no reload.

use anyhow::Context;
use nix::sys::signal::Signal;

use super::{GRACE, apps};
use crate::layout::{Layout, stamp};
use crate::probe::Probe;
use crate::service::{Restart, Service, Tier};
use crate::settings::Settings;

const CONFIG: &str = include_str!("../../../native/haproxy.cfg");

/// Writes the configuration.
pub fn prepare(layout: &Layout) -> anyhow::Result<()> {
    layout.write_conf("haproxy.cfg", CONFIG).context("writing haproxy.cfg")
}

/// The process.
pub fn service(layout: &Layout, settings: &Settings) -> anyhow::Result<Service> {
    let gateways = (1..=apps::MOST_REPLICAS).map(|n| (format!("GATEWAY_PORT_{n}"), settings.gateway_port(n)));
    let ports = [("PORT".to_owned(), settings.port), ("STATS_PORT".to_owned(), settings.stats_port)];
    Ok(Service {
        name: "haproxy".to_owned(),
        program: super::found("haproxy")?,
        args: vec!["-db".into(), "-f".into(), layout.conf("haproxy.cfg").into()],
        env: ports.into_iter().chain(gateways).map(|(name, port)| (name, port.to_string().into())).collect(),
        dir: layout.proc_dir("haproxy")?,
        user: None,
        port: Some((settings.port, "PORT".to_owned())),
        probe: Probe::Http("/lb"),
        stop: Signal::SIGTERM,
        grace: GRACE,
        tier: Tier::Server,
        restart: Restart::Always,
        made_of: stamp(&layout.conf("haproxy.cfg")),
    })
}
