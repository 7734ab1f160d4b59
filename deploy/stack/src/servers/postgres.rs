//! PostgreSQL: the database of record.
//!
//! It refuses to run as root, so root hands it to the user `postgres` that Debian's package makes; then every folder
//! above its data must be open to that user. It is stopped with `SIGINT`: `SIGTERM` would wait for its clients to go.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};

use super::GRACE;
use crate::child;
use crate::layout::{Layout, stamp};
use crate::probe::Probe;
use crate::service::{Owner, Restart, Service, Tier};
use crate::wire::USER;

const CONFIG: &str = include_str!("../../../native/postgresql.conf");

/// Makes the cluster and the configuration.
pub fn prepare(layout: &Layout) -> anyhow::Result<()> {
    let data = layout.path("pg");
    layout.write_conf("postgresql.conf", CONFIG).context("writing postgresql.conf")?;
    if data.join("PG_VERSION").exists() {
        return Ok(());
    }
    // What a cut-off initdb left is of no use, and it refuses a folder that is not empty.
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    fs::create_dir_all(&data)?;
    let mut initdb = Command::new(bin()?.join("initdb"));
    initdb.arg("-D").arg(&data).args([
        "-U",
        USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]);
    if let Some(owner) = owner()? {
        ensure_passable(layout.root())?;
        chown(&data, Some(owner.uid), Some(owner.gid))?;
        initdb.uid(owner.uid).gid(owner.gid);
    }
    let output = child::tie_to_us(initdb.current_dir("/")).output().context("running initdb")?;
    if !output.status.success() {
        bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// The process; not `durable` means that it trusts the machine not to lose power, which is faster.
pub fn service(layout: &Layout, port: u16, durable: bool, restart: Restart) -> anyhow::Result<Service> {
    let data = layout.path("pg");
    let mut settings = vec![format!("config_file={}", layout.conf("postgresql.conf").display())];
    if !durable {
        settings.extend(["fsync=off", "full_page_writes=off", "synchronous_commit=off"].map(str::to_owned));
    }
    let mut args = vec!["-D".into(), data.clone().into(), "-h".into(), "127.0.0.1".into(), "-p".into()];
    args.push(port.to_string().into());
    args.extend(settings.into_iter().flat_map(|setting| ["-c".into(), setting.into()]));
    Ok(Service {
        name: "postgres".to_owned(),
        program: bin()?.join("postgres"),
        args,
        env: Vec::new(),
        dir: data,
        user: owner()?,
        port: Some((port, "PG_PORT".to_owned())),
        probe: Probe::Postgres,
        stop: Signal::SIGINT,
        grace: GRACE,
        tier: Tier::Server,
        restart,
        made_of: stamp(&layout.conf("postgresql.conf")),
    })
}

/// The folder of the newest PostgreSQL: Debian keeps the server's programs out of `PATH`.
pub fn bin() -> anyhow::Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let numbered =
        versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let newest = numbered
        .filter(|(_, path)| path.join("bin/postgres").exists())
        .max()
        .map(|(_, path)| path.join("bin"));
    let in_path = || super::program("postgres").and_then(|program| Some(program.parent()?.to_owned()));
    newest.or_else(in_path).context("PostgreSQL is not installed; `make doctor` names what to install")
}

/// Deletes the pid file of a server that was killed with its supervisor. PostgreSQL looks itself whether that process is
/// gone, but takes a dead one that its new parent has not reaped yet for alive. The caller holds the run folder's lock and
/// has seen that no process works in the data.
pub fn forget_dead_postmaster(layout: &Layout) -> std::io::Result<()> {
    layout.remove("pg/postmaster.pid")
}

/// Whom it runs as: ourselves, or user `postgres` when we are root.
fn owner() -> anyhow::Result<Option<Owner>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let user =
        User::from_name("postgres")?.context("there is no user postgres, and PostgreSQL refuses root")?;
    Ok(Some(Owner { uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
}

/// Whether user `postgres` may pass every folder down to this one; names the first that it may not.
pub fn impassable(dir: &Path) -> Option<&Path> {
    const OTHERS_MAY_PASS: u32 = 0o001;
    dir.ancestors()
        .filter(|folder| folder.exists())
        .find(|folder| fs::metadata(folder).is_ok_and(|found| found.mode() & OTHERS_MAY_PASS == 0))
}

fn ensure_passable(dir: &Path) -> anyhow::Result<()> {
    match impassable(dir) {
        None => Ok(()),
        Some(folder) => bail!(
            "PostgreSQL runs as user postgres, who may not pass {}; choose another run folder: RUN=/var/lib/shelfwire",
            folder.display()
        ),
    }
}
