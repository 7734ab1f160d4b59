//! Redis: the relay and the photo cache.

use std::fs;

use anyhow::Context;
use nix::sys::signal::Signal;

use super::GRACE;
use crate::layout::{Layout, stamp};
use crate::probe::Probe;
use crate::service::{Restart, Service, Tier};

const CONFIG: &str = include_str!("../../../native/redis.conf");

/// Makes the data folder and the configuration.
pub fn prepare(layout: &Layout) -> anyhow::Result<()> {
    fs::create_dir_all(layout.path("redis"))?;
    layout.write_conf("redis.conf", CONFIG).context("writing redis.conf")
}

/// The process; not `durable` means that a restart begins empty.
pub fn service(layout: &Layout, port: u16, durable: bool, restart: Restart) -> anyhow::Result<Service> {
    let mut args = vec![layout.conf("redis.conf").into_os_string()];
    args.extend(["--port".into(), port.to_string().into(), "--dir".into(), layout.path("redis").into()]);
    if !durable {
        args.extend(["--appendonly", "no"].map(Into::into));
    }
    Ok(Service {
        name: "redis".to_owned(),
        program: super::found("redis-server")?,
        args,
        env: Vec::new(),
        dir: layout.proc_dir("redis")?,
        user: None,
        port: Some((port, "REDIS_PORT".to_owned())),
        probe: Probe::Redis,
        stop: Signal::SIGTERM,
        grace: GRACE,
        tier: Tier::Server,
        restart,
        made_of: stamp(&layout.conf("redis.conf")),
    })
}
