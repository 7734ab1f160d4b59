//! Viewers that are a burden: connections that read nothing, or all at once.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Row, Scene, Servers};

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
        about: "2,000 viewers that are cut and come again at once",
        servers: Servers::One,
        seconds: 5,
        run: |scene| Box::pin(flood(scene)),
    },
];

/// How long a replica waits for a viewer that takes nothing (its `--stall-ms`), and a little more.
const STALL_S: u32 = 33;

async fn open(scene: &mut Scene<'_>) -> std::io::Result<TcpStream> {
    let doors = scene.world.doors.all();
    let at = scene.draw(doors.len().max(1));
    let addr = *doors.get(at).ok_or(std::io::ErrorKind::NotFound)?;
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
            let _closed_as_too_slow =
                tokio::time::timeout(Duration::from_millis(1), stream.read(&mut byte)).await;
        }
    }
    let (mut closed, mut buffer) = (0, vec![0; 64 * 1024]);
    for stream in streams.iter_mut().skip(1).step_by(2) {
        let to_its_end = async { while stream.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {} };
        closed += usize::from(tokio::time::timeout(Duration::from_millis(500), to_its_end).await.is_ok());
    }
    scene.note(format!("{closed} of those that read nothing were sent away"));
    anyhow::ensure!(closed * 20 > streams.len() * 9, "{closed} of {} were sent away", streams.len() / 2);
    Ok(())
}

async fn flood(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    for round in 1..=2 {
        let mut streams = Vec::new();
        for _ in 0..2_000 {
            // a full backlog refuses, as it should
            streams.extend(open(scene).await);
        }
        scene.note(format!("round {round}: {} connected", streams.len()));
        anyhow::ensure!(streams.len() > 1_900, "only {} of 2,000 connected", streams.len());
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        let mut buffer = vec![0; 16 * 1024];
        let mut answered = 0;
        for stream in &mut streams {
            let read = tokio::time::timeout_at(deadline, stream.read(&mut buffer)).await;
            answered += usize::from(matches!(read, Ok(Ok(bytes)) if bytes > 0));
        }
        scene.note(format!("{answered} answered"));
        anyhow::ensure!(answered > streams.len() / 2, "only {answered} of {} were answered", streams.len());
    }
    Ok(())
}
