//! Kept connections, each of which sends the next request when it has the answer.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What is read at once, bytes: a photo of the benchmark fits.
const BUFFER: usize = 64 * 1024;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// Answers with a status of 200 to 299.
    pub(crate) taken: u64,
    /// Sum of the rates that were taken.
    pub(crate) sum: u64,
    /// Answers with another status.
    pub(crate) refused: u64,
    seconds: f64,
    /// Time of each answer, microseconds.
    times_us: Vec<u32>,
}

/// A request, and the rate in it.
pub(crate) type Request = (String, u64);

/// Sends over `connections` at once for `duration`.
pub(crate) async fn measure(
    addr: SocketAddr,
    connections: usize,
    duration: Duration,
    request: impl Fn() -> Request + Clone + Send + 'static,
) -> anyhow::Result<Measured> {
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        senders.spawn(send(addr, started + duration, request.clone()));
    }
    let mut all = Measured::default();
    for of_one in senders.join_all().await {
        let of_one = of_one?;
        all.taken += of_one.taken;
        all.sum += of_one.sum;
        all.refused += of_one.refused;
        all.times_us.extend(of_one.times_us);
    }
    all.seconds = started.elapsed().as_secs_f64();
    all.times_us.sort_unstable();
    Ok(all)
}

async fn send(
    addr: SocketAddr,
    until: Instant,
    request: impl Fn() -> Request + Send,
) -> anyhow::Result<Measured> {
    let mut stream = TcpStream::connect(addr).await.context("connecting")?;
    stream.set_nodelay(true)?;
    let (mut measured, mut buffer) = (Measured::default(), vec![0; BUFFER]);
    while Instant::now() < until {
        let (text, rate) = request();
        let started = Instant::now();
        stream.write_all(text.as_bytes()).await?;
        let status = answer(&mut stream, &mut buffer).await?;
        measured.times_us.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
        if (200..300).contains(&status) {
            measured.taken += 1;
            measured.sum += rate;
        } else {
            measured.refused += 1;
        }
    }
    Ok(measured)
}

/// Reads one answer, whose length its head tells, and lets the body go; returns its status.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<u16> {
    let mut read = 0;
    let (status, mut missing) = loop {
        let room = buffer.get_mut(read..).filter(|room| !room.is_empty()).context("a long head")?;
        read += some(stream.read(room).await?)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let (head, body) = bytes.split_at_checked(end + 4).unwrap_or_default();
        let head = std::str::from_utf8(head).context("a head that is no text")?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no HTTP")?;
        break (status, length.unwrap_or(0).saturating_sub(body.len()));
    };
    while missing > 0 {
        missing = missing.saturating_sub(some(stream.read(buffer).await?)?);
    }
    Ok(status)
}

fn some(read: usize) -> anyhow::Result<usize> {
    ensure!(read > 0, "the connection was closed");
    Ok(read)
}

impl Measured {
    /// Answers a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.times_us.len() as f64 / self.seconds
    }

    /// The time within which this part of the answers came.
    pub(crate) fn quantile_ms(&self, part: f64) -> f64 {
        let at = (part * self.times_us.len().saturating_sub(1) as f64).round() as usize;
        self.times_us.get(at).map_or(f64::NAN, |us| f64::from(*us) / 1000.0)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most, longest] = [0.5, 0.99, 1.0].map(|part| self.quantile_ms(part));
        let rate = self.per_second();
        write!(f, "{rate:>9.0}  {half:>8.2} {most:>8.2} {longest:>8.1}  {:>7}", self.refused)
    }
}
