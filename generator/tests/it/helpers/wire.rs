//! A wire between a generator and Kafka, which a test can make dumb.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Forwards connections; they stay open when they carry nothing any more.
pub(crate) struct Wire {
    /// Where it listens, on the loopback address.
    pub(crate) port: u16,
    ends: Arc<Ends>,
}

#[derive(Default)]
struct Ends {
    /// The server's port.
    far: OnceLock<u16>,
    /// Connections made so far.
    made: AtomicU64,
    /// Those below this number carry nothing.
    dumb: AtomicU64,
}

impl Wire {
    /// It listens, and leads nowhere yet: the broker must be told the port before it starts.
    pub(crate) fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ends = Arc::new(Ends::default());
        let shared = Arc::clone(&ends);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let number = shared.made.fetch_add(1, Ordering::SeqCst);
                let Some(far) =
                    shared.far.get().and_then(|port| TcpStream::connect(("127.0.0.1", *port)).ok())
                else {
                    continue;
                };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let ends = Arc::clone(&shared);
                    std::thread::spawn(move || ends.carry(number, &from, &to));
                }
            }
        });
        Self { port, ends }
    }

    /// It leads to this port.
    pub(crate) fn lead_to(&self, port: u16) {
        self.ends.far.set(port).unwrap();
    }

    /// No connection that there is carries anything any more; new ones do.
    pub(crate) fn dumb(&self) {
        self.ends.dumb.store(self.ends.made.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

impl Ends {
    fn carry(&self, number: u64, mut from: &TcpStream, mut to: &TcpStream) {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            // until the test's process ends
            while number < self.dumb.load(Ordering::SeqCst) {
                std::thread::park();
            }
            if to.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        // the other side may have been first
        let _ = to.shutdown(Shutdown::Both);
    }
}
