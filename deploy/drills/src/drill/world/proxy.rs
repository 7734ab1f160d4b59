//! A wire between a replica and a server, which a row can break.
//!
//! TCP loses nothing in the middle of a connection, so a wire that is silent holds its bytes back until it is mended, and
//! one that is cut ends its connections and refuses new ones.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a wire behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Open,
    Cut,
    /// Questions go out, answers do not come.
    OneWay,
    /// Every piece takes so much longer.
    Delayed(Duration),
    /// So many bytes a second, each way and connection.
    Throttled(u32),
}

/// A wire; it lives as long as the runtime.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    to: Arc<OnceLock<u16>>,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    /// Listens; connections wait for [`Self::lead_to`].
    pub(crate) async fn listen() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (mode, modes) = watch::channel(Mode::Open);
        let to = Arc::new(OnceLock::new());
        let target = Arc::clone(&to);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if let (Some(port), false) = (target.get().copied(), *modes.borrow() == Mode::Cut) {
                    tokio::spawn(forward(near, port, modes.clone()));
                }
            }
        });
        Ok(Self { port, to, mode })
    }

    /// Where connections go on, on this machine.
    pub(crate) fn lead_to(&self, port: u16) {
        let _only_once = self.to.set(port);
    }

    /// Behaves like this from now on, open connections included.
    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn forward(near: TcpStream, port: u16, modes: watch::Receiver<Mode>) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let _unavailable = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let mut cut = modes.clone();
    tokio::select! {
        _either_side_has_gone = pump(near_in, far_out, modes.clone(), false) => {}
        _either_side_has_gone = pump(far_in, near_out, modes, true) => {}
        _cut = cut.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut modes: watch::Receiver<Mode>,
    is_answer: bool,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        let mode = *modes.borrow();
        match mode {
            Mode::OneWay if is_answer => {
                modes.wait_for(|mode| *mode != Mode::OneWay).await.map_err(std::io::Error::other)?;
            }
            Mode::Delayed(time) => tokio::time::sleep(time).await,
            Mode::Throttled(bytes) => {
                let seconds = f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / f64::from(bytes);
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            }
            Mode::Open | Mode::Cut | Mode::OneWay => {}
        }
        to.write_all(buffer.get(..count).unwrap_or_default()).await?;
        if count == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_silent_wire_holds_answers_back_and_a_cut_one_ends() {
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::listen().await.unwrap();
        proxy.lead_to(echo.local_addr().unwrap().port());
        tokio::spawn(async move {
            let (mut stream, _) = echo.accept().await.unwrap();
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await
        });
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port)).await.unwrap();
        let mut answer = [0; 4];
        stream.write_all(b"ping").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        proxy.set(Mode::OneWay);
        stream.write_all(b"pong").await.unwrap();
        let silence = timeout(Duration::from_millis(100), stream.read_exact(&mut answer)).await;
        assert!(silence.is_err(), "nothing comes");
        proxy.set(Mode::Open);
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"pong");
        proxy.set(Mode::Cut);
        assert_eq!(stream.read(&mut answer).await.unwrap_or(0), 0);
    }
}
