//! Viewers that are a burden: connections that read nothing, or all at once.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Row, Scene, Servers};
use crate::drill::fleet::line::{Kind, Line};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "viewers-slow",
        about: "200 viewers that read a byte a second, or nothing",
        servers: Servers::One,
        seconds: 38,
        run: |scene| Box::pin(slow(scene)),
    },
    Row {
        name: "viewers-flood",
        about: "2,000 viewers that come at once, are cut, and come again with their cursors",
        servers: Servers::One,
        seconds: 5,
        run: |scene| Box::pin(flood(scene)),
    },
];

/// How many come at once.
const FLOOD: usize = 2_000;
/// Longest wait for a greeting among so many.
const GREETED: Duration = Duration::from_secs(8);
/// How long a replica waits for a viewer that takes nothing (its `--stall-ms`), and a little more.
const STALL_S: u32 = 33;

/// A replica, by chance.
fn door(scene: &mut Scene<'_>) -> std::io::Result<SocketAddr> {
    let doors = scene.world.doors.all();
    let at = scene.draw(doors.len().max(1));
    Ok(*doors.get(at).ok_or(std::io::ErrorKind::NotFound)?)
}

async fn open(scene: &mut Scene<'_>) -> std::io::Result<TcpStream> {
    let addr = door(scene)?;
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(format!("GET /sse HTTP/1.1\r\nHost: {addr}\r\n\r\n").as_bytes()).await?;
    Ok(stream)
}

async fn slow(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(open(scene).await?);
    }
    scene.note("200 of them");
    for _ in 0..STALL_S {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for stream in streams.iter_mut().step_by(2) {
            let mut byte = [0];
            let _closed_as_too_slow = timeout(Duration::from_millis(1), stream.read(&mut byte)).await;
        }
    }
    let (mut closed, mut buffer) = (0, vec![0; 64 * 1024]);
    for stream in streams.iter_mut().skip(1).step_by(2) {
        let to_its_end = async { while stream.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {} };
        closed += usize::from(timeout(Duration::from_millis(500), to_its_end).await.is_ok());
    }
    scene.note(format!("{closed} of those that read nothing were sent away"));
    anyhow::ensure!(closed * 20 > streams.len() * 9, "{closed} of {} were sent away", streams.len() / 2);
    Ok(())
}

async fn flood(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let within = GREETED * scene.world.programs.slack;
    let mut cursors = vec![None; FLOOD];
    for round in 1..=2 {
        let come = cursors.iter().map(|cursor: &Option<String>| {
            std::io::Result::Ok(greeted(door(scene)?, cursor.as_deref(), within))
        });
        let come = come.collect::<Result<Vec<_>, _>>()?;
        // those who were refused, or not answered in time, are told apart by nobody: they would come again
        let here: Vec<Greeted> = join_all(come).await.into_iter().flatten().collect();
        let resumed = here.iter().filter(|viewer| viewer.resumed).count();
        scene.note(format!("round {round}: {} of {FLOOD} were greeted, {resumed} resumed", here.len()));
        anyhow::ensure!(here.len() * 2 > FLOOD, "only {} of {FLOOD} were greeted", here.len());
        let held = here.iter().map(|viewer| Some(viewer.cursor.clone())).cycle();
        cursors = held.take(FLOOD).collect();
    }
    Ok(())
}

/// A viewer that was told where it stands.
struct Greeted {
    /// Held until all have come.
    _line: Line,
    cursor: String,
    resumed: bool,
}

/// What the greeting says.
#[derive(Deserialize)]
struct Hello {
    resumed: bool,
}

async fn greeted(addr: SocketAddr, cursor: Option<&str>, within: Duration) -> anyhow::Result<Greeted> {
    let told = async {
        let mut line = Line::connect(Kind::Sse, addr, None, cursor).await?;
        let mut resumed = false;
        while let Some(frame) = line.next().await? {
            if frame.kind == "hello" {
                resumed = serde_json::from_str::<Hello>(&frame.data)?.resumed;
            }
            if let Some(cursor) = frame.cursor {
                return Ok(Greeted { _line: line, cursor, resumed });
            }
        }
        anyhow::bail!("it ended without a cursor")
    };
    timeout(within, told).await?
}
