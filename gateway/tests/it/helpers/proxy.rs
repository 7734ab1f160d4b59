//! A wire between a replica and a server, which a test can cut.

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards connections until it is cut.
pub(crate) struct Proxy {
    /// Where to connect: `127.0.0.1:port`.
    pub(crate) addr: String,
    cut: watch::Sender<bool>,
}

impl Proxy {
    /// In front of the server at `to` (`host:port`).
    pub(crate) async fn to(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let (cut, is_cut) = watch::channel(false);
        let to = to.to_owned();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (to, mut is_cut) = (to.clone(), is_cut.clone());
                // while it is cut, a connection ends as soon as it is made
                tokio::spawn(async move {
                    tokio::select! {
                        _ = is_cut.wait_for(|cut| *cut) => {}
                        () = forward(near, &to) => {}
                    }
                });
            }
        });
        Self { addr, cut }
    }

    /// Ends all connections, and every new one.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// New connections reach the server again.
    pub(crate) fn mend(&self) {
        self.cut.send_replace(false);
    }
}

async fn forward(mut near: TcpStream, to: &str) {
    if let Ok(mut far) = TcpStream::connect(to).await {
        let _either_side_has_gone = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    }
}
