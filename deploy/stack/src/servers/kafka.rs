//! Kafka: one broker, or three that replicate.
//!
//! The jars come through Maven (`deploy/native/pom.xml`) into a cache folder that all stacks of a user share. Each node is
//! broker and controller in one; voters are static, and the cluster id is fixed, which saves a JVM start.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use nix::sys::signal::Signal;

use super::GRACE;
use crate::child;
use crate::layout::{Layout, stamp};
use crate::probe::Probe;
use crate::service::{Restart, Service, Tier};

/// The version that the cache folder is named after; the same as in `pom.xml` (a test compares them).
pub const VERSION: &str = "4.3.1";

const POM: &str = include_str!("../../../native/pom.xml");
const PROPERTIES: &str = include_str!("../../../native/kafka.properties.in");
const LOGGING: &str = include_str!("../../../native/log4j2.properties");
const CLUSTER_ID: &str = "69yJcSXGTeu1mNw2dlmoOg";

/// A small heap, and only the first compiler: half the start time and half the memory, the same cost per record.
const QUICK_JVM: [&str; 4] = ["-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
/// Both compilers: what a benchmark should measure against.
const FULL_JVM: [&str; 2] = ["-Xms256m", "-Xmx768m"];

/// The brokers of one stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Client port and controller port of each node, node 1 first.
    pub nodes: Vec<(u16, u16)>,
    /// Both compilers instead of a quick start.
    pub full_jit: bool,
    /// Records have the time at which a broker appended them, not the time that their producer gives.
    pub append_time: bool,
    /// What a node does when it ends by itself.
    pub restart: Restart,
    /// A second listener of a lone node, and the port that it advertises there: who comes in by a proxy on that port
    /// stays behind the proxy.
    pub behind: Option<(u16, u16)>,
}

impl Cluster {
    /// The address list that clients take.
    pub fn addresses(&self) -> String {
        let list: Vec<String> = self.nodes.iter().map(|(port, _)| format!("127.0.0.1:{port}")).collect();
        list.join(",")
    }

    fn properties(&self, id: usize, data: &Path) -> Option<String> {
        let (port, controller) = self.nodes.get(id.checked_sub(1)?)?;
        let voters = (1..).zip(&self.nodes).map(|(id, (_, port))| format!("{id}@127.0.0.1:{port}"));
        let replicas = self.nodes.len();
        let listener = |port| format!(",PROXIED://127.0.0.1:{port}");
        let (listen, advertise) = self.behind.unzip();
        let words = [
            ("@BEHIND@", listen.map(listener).unwrap_or_default()),
            ("@ADVERTISED@", advertise.map(listener).unwrap_or_default()),
            ("@STAMP@", if self.append_time { "LogAppendTime" } else { "CreateTime" }.to_owned()),
            ("@ID@", id.to_string()),
            ("@PORT@", port.to_string()),
            ("@CPORT@", controller.to_string()),
            ("@VOTERS@", voters.collect::<Vec<_>>().join(",")),
            ("@DATA@", data.display().to_string()),
            ("@RF@", replicas.to_string()),
            // Of three, one may be away; a single one has nobody else.
            ("@ISR@", replicas.min(2).to_string()),
            ("@SESSION@", if replicas == 1 { "6000" } else { "2000" }.to_owned()),
        ];
        Some(words.iter().fold(PROPERTIES.to_owned(), |text, (word, value)| text.replace(word, value)))
    }
}

/// Writes the configuration and formats the data folders that are new.
pub fn prepare(layout: &Layout, cluster: &Cluster) -> anyhow::Result<()> {
    let jars = jars()?;
    layout.write_conf("log4j2.properties", LOGGING)?;
    refuse_another_size(layout, cluster.nodes.len())?;
    std::thread::scope(|scope| {
        let formats = (1..=cluster.nodes.len()).map(|id| (id, layout.path(&format!("kafka{id}"))));
        let running: Vec<_> = formats
            .map(|(id, data)| {
                scope.spawn({
                    let jars = &jars;
                    move || format(layout, cluster, jars, id, &data)
                })
            })
            .collect();
        running
            .into_iter()
            .try_for_each(|format| format.join().unwrap_or_else(|_| bail!("formatting panicked")))
    })
}

/// Voters and replication are fixed when a cluster is made.
fn refuse_another_size(layout: &Layout, wanted: usize) -> anyhow::Result<()> {
    let found =
        (1..=9).filter(|id| layout.path(&format!("kafka{id}")).join("meta.properties").exists()).count();
    ensure!(
        found == 0 || found == wanted,
        "the data in {} is of {found} Kafka brokers, not {wanted}: `make clean` first, or BROKERS={found}",
        layout.root().display()
    );
    Ok(())
}

fn format(layout: &Layout, cluster: &Cluster, jars: &Path, id: usize, data: &Path) -> anyhow::Result<()> {
    let name = format!("kafka{id}.properties");
    layout.write_conf(&name, &cluster.properties(id, data).context("no such node")?)?;
    if data.join("meta.properties").exists() {
        return Ok(());
    }
    let mut tool = java(layout, jars)?;
    tool.args(QUICK_JVM)
        .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
        .arg(layout.conf(&name));
    let output = child::tie_to_us(&mut tool).output().context("running Kafka's format")?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(
        output.status.success(),
        "formatting Kafka's folder failed: {}",
        String::from_utf8_lossy(&said).trim()
    );
    Ok(())
}

/// The processes `kafka1` …
pub fn services(layout: &Layout, cluster: &Cluster) -> anyhow::Result<Vec<Service>> {
    let jars = jars()?;
    let service = |(id, (port, _)): (usize, &(u16, u16))| {
        let name = format!("kafka{id}");
        let jvm = if cluster.full_jit { FULL_JVM.as_slice() } else { QUICK_JVM.as_slice() };
        let mut args = class_path(layout, &jars);
        args.extend(jvm.iter().map(Into::into));
        args.extend(["kafka.Kafka".into(), layout.conf(&format!("{name}.properties")).into()]);
        Ok(Service {
            program: super::found("java")?,
            args,
            env: Vec::new(),
            dir: layout.proc_dir(&name)?,
            user: None,
            port: Some((*port, "KAFKA_PORT".to_owned())),
            probe: Probe::Kafka,
            stop: Signal::SIGTERM,
            grace: GRACE,
            tier: Tier::Server,
            restart: cluster.restart,
            made_of: stamp(&layout.conf(&format!("{name}.properties"))),
            name,
        })
    };
    (1..).zip(&cluster.nodes).map(service).collect()
}

/// A JVM with Kafka's classes, for its command-line tools.
pub fn java(layout: &Layout, jars: &Path) -> anyhow::Result<Command> {
    let mut java = Command::new(super::found("java")?);
    java.args(class_path(layout, jars));
    Ok(java)
}

fn class_path(layout: &Layout, jars: &Path) -> Vec<std::ffi::OsString> {
    let logging = format!("-Dlog4j2.configurationFile={}", layout.conf("log4j2.properties").display());
    vec![logging.into(), "-cp".into(), jars.join("*").into()]
}

/// The folder of jars; collected on first use, under a lock, so that two stacks that start at once do it once.
pub fn jars() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let cache =
        std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home.map(|home| home.join(".cache")));
    let cache = cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("shelfwire");
    let jars = cache.join(format!("kafka-{VERSION}"));
    if jars.exists() {
        return Ok(jars);
    }
    fs::create_dir_all(&cache).with_context(|| format!("making {}", cache.display()))?;
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;
    if !jars.exists() {
        collect(&cache, &jars)?;
    }
    Ok(jars)
}

/// Whether starting a broker will first collect the jars.
pub fn is_to_be_collected() -> bool {
    cache().is_ok_and(|cache| !cache.join(format!("kafka-{VERSION}")).exists())
}

fn cache() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let cache =
        std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home.map(|home| home.join(".cache")));
    Ok(cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("shelfwire"))
}

fn collect(cache: &Path, jars: &Path) -> anyhow::Result<()> {
    let (pom, fresh) = (cache.join("pom.xml"), cache.join("collecting"));
    fs::write(&pom, POM)?;
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    let mut maven = Command::new(super::found("mvn")?);
    maven
        .args(["-B", "-q", "-ntp", "-Dstyle.color=never", "-f"])
        .arg(&pom)
        .arg("dependency:copy-dependencies");
    maven.arg("-DincludeScope=runtime").arg(format!("-DoutputDirectory={}", fresh.display()));
    let output = child::tie_to_us(&mut maven).output().context("running Maven")?;
    ensure!(
        output.status.success(),
        "Maven could not collect Kafka {VERSION}: {}",
        String::from_utf8_lossy(&output.stdout).trim()
    );
    Ok(fs::rename(fresh, jars)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(nodes: &[(u16, u16)]) -> Cluster {
        Cluster {
            nodes: nodes.to_vec(),
            full_jit: false,
            append_time: false,
            restart: Restart::Never,
            behind: None,
        }
    }

    #[test]
    fn three_brokers_replicate_and_one_does_not() {
        let three = cluster(&[(1, 11), (2, 12), (3, 13)]);
        let text = three.properties(2, Path::new("/data")).unwrap();
        assert!(
            text.contains("node.id=2\n")
                && text.contains("PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:12\n")
        );
        assert!(text.contains("quorum.voters=1@127.0.0.1:11,2@127.0.0.1:12,3@127.0.0.1:13\n"));
        assert!(
            text.contains("default.replication.factor=3\n") && text.contains("\nmin.insync.replicas=2\n")
        );
        assert_eq!(three.addresses(), "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3");
        let one = cluster(&[(1, 11)]).properties(1, Path::new("/data")).unwrap();
        assert!(one.contains("\nmin.insync.replicas=1\n"));
    }

    #[test]
    fn a_second_listener_advertises_the_port_of_its_proxy() {
        let node = Cluster { behind: Some((21, 31)), ..cluster(&[(1, 11)]) };
        let text = node.properties(1, Path::new("/data")).unwrap();
        assert!(text.contains("CONTROLLER://127.0.0.1:11,PROXIED://127.0.0.1:21\n"));
        assert!(text.contains("advertised.listeners=PLAINTEXT://127.0.0.1:1,PROXIED://127.0.0.1:31\n"));
    }

    #[test]
    fn no_word_is_left_unfilled() {
        let text = cluster(&[(1, 11)]).properties(1, Path::new("/data")).unwrap();
        let settings = text.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(settings.filter(|line| line.contains('@') && !line.contains("voters")).count(), 0);
    }

    #[test]
    fn the_cache_folder_is_named_after_the_version_in_the_pom() {
        assert!(POM.contains(&format!("<kafka.version>{VERSION}</kafka.version>")));
    }
}
