//! From a change to a screen: the topic empty, changes at a steady rate, one viewer on a WebSocket.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Message;

use crate::args::Args;
use crate::database::Database;
use crate::processes::Running;
use crate::servers::Servers;

/// Changes a second.
pub(crate) const RATE: u32 = 500;
/// Products of the catalogue: their first versions come at once, and do not count.
const PRODUCTS: u64 = 1_000;
/// How long the programs run before it counts, seconds.
const WARM_UP_S: u64 = 3;
/// How long a gateway may take to be ready, and a change to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A WebSocket message, as far as it matters here.
#[derive(Deserialize)]
struct Frame<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Changed {
    version: i64,
    from: i64,
    occurred_at: DateTime<Utc>,
}

/// Milliseconds of each change.
pub(crate) async fn measure(servers: &Servers, args: &Args, program: &Path) -> anyhow::Result<Vec<f64>> {
    let database = Database::create(servers).await?;
    let topic = format!("{}-changes", database.name);
    let addr_file = servers.folder().join(format!("{}.addr", database.name));
    let mut command = servers.gateway(program, &topic, &database.name);
    command.arg("--addr-file").arg(&addr_file);
    let gateway = Running::start(command)?;
    let addr = ready_address(&addr_file).await?;
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{addr}/ws")).await?;
    let changes = u64::from(RATE) * (args.latency_s + WARM_UP_S);
    let mut command = servers.generator(&topic, PRODUCTS, &RATE.to_string());
    command.args(["--count", &changes.to_string()]);
    let generator = Running::start(command)?;
    let mut ages_ms = Vec::new();
    let mut rest = changes;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(args.latency_s + WARM_UP_S) + PATIENCE;
    while rest > 0 {
        let message = tokio::time::timeout_at(deadline, socket.next());
        let message = message.await.with_context(|| format!("{rest} of {changes} changes did not come"))?;
        let Message::Text(text) = message.context("the connection was closed")?? else { continue };
        let now = Utc::now();
        let Some(change) = product_changed(&text)? else { continue };
        // a frame can stand for several changes of its product; first versions were not asked for
        let folded = (change.version + 1).saturating_sub(change.from.max(2));
        if folded > 0 {
            rest = rest.saturating_sub(u64::try_from(folded)?);
            ages_ms.push((now - change.occurred_at).as_seconds_f64() * 1e3);
        }
    }
    drop(generator);
    gateway.stop()?;
    database.remove().await?;
    let warm_up = usize::try_from(u64::from(RATE) * WARM_UP_S)?;
    Ok(ages_ms.split_off(warm_up.min(ages_ms.len())))
}

fn product_changed(text: &str) -> anyhow::Result<Option<Changed>> {
    let frame: Frame<'_> = serde_json::from_str(text)?;
    ensure!(frame.r#type != "going_away", "the gateway sent the viewer away: {text}");
    let data = frame.data.filter(|_| frame.r#type == "product_changed");
    Ok(data.map(|data| serde_json::from_str(data.get())).transpose()?)
}

/// Where the gateway listens, once it is ready.
async fn ready_address(file: &Path) -> anyhow::Result<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        ensure!(Instant::now() < deadline, "the gateway does not become ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let Ok(addr) = fs::read_to_string(file) else { continue };
        let Some((_, port)) = addr.trim().rsplit_once(':') else { continue };
        let port = port.parse().map_err(|_| anyhow!("{addr} is no address"))?;
        let ready = stack::probe::http_get(port, "/readyz", Duration::from_secs(1));
        if ready.is_ok_and(|answer| answer.status == 200) {
            return Ok(addr.trim().to_owned());
        }
    }
}
