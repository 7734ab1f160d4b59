//! A way to Redis on which photos are answered late, and everything else at once.
//!
//! Each connection is carried to the real server. As soon as a client asks for a photo on one, all answers on it wait.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The way; gone when it is dropped, with all connections.
pub(crate) struct SlowRedis {
    addr: SocketAddr,
    delay_ms: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl SlowRedis {
    /// A way to the server at `url`, not slow yet.
    pub(crate) async fn to(url: &str) -> Self {
        let server: SocketAddr = url.trim_start_matches("redis://").trim_end_matches('/').parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let delay_ms = Arc::new(AtomicU64::new(0));
        let delay = Arc::clone(&delay_ms);
        let task = tokio::spawn(async move {
            let mut lines = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                lines.spawn(carry(client, server, Arc::clone(&delay)));
            }
        });
        Self { addr, delay_ms, task }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// From now on photos are answered after this time.
    pub(crate) fn answer_after(&self, delay: Duration) {
        self.delay_ms.store(u64::try_from(delay.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Drop for SlowRedis {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, server: SocketAddr, delay_ms: Arc<AtomicU64>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let asks = Arc::new(AtomicBool::new(false));
    tokio::select! {
        () = ask(from_client, to_server, Arc::clone(&asks)) => {}
        () = answer(from_server, to_client, asks, delay_ms) => {}
    }
}

async fn ask(mut client: OwnedReadHalf, mut server: OwnedWriteHalf, asks: Arc<AtomicBool>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = client.read(&mut bytes).await {
        if bytes[..count].windows(5).any(|window| window == b"HMGET") {
            asks.store(true, Ordering::Relaxed);
        }
        if server.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

async fn answer(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    asks: Arc<AtomicBool>,
    delay_ms: Arc<AtomicU64>,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = server.read(&mut bytes).await {
        if asks.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(delay_ms.load(Ordering::Relaxed))).await;
        }
        if client.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
