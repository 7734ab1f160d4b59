//! A viewer over WebSocket that follows the contract's rule and remembers whatever broke it.
//!
//! It reads in a task of its own, so use a test runtime with a worker (`flavor = "multi_thread"`) where the test's body
//! blocks.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use super::until;

/// One frame as it came.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Frame {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) cursor: Option<String>,
    pub(crate) data: Value,
}

/// What a viewer knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// All frames, over all connections.
    pub(crate) frames: Vec<Frame>,
    /// The version of each product.
    pub(crate) held: HashMap<Uuid, i64>,
    /// The newest cursor.
    pub(crate) cursor: Option<String>,
    /// Products that a `gap` frame named since their last change.
    gaps: HashSet<Uuid>,
    /// Whether a reset's snapshot is being read.
    resetting: bool,
    /// Frames of a product that did not reach back to what was held, and snapshots without a reset that left versions out.
    pub(crate) holes: Vec<String>,
    /// Versions below one that was shown before.
    pub(crate) backward: Vec<String>,
    /// How often the server said `reset`.
    pub(crate) resets: usize,
    /// Whether the server or the network ended the connection.
    pub(crate) closed: bool,
}

/// A connected viewer.
pub(crate) struct Viewer {
    seen: Arc<Mutex<Seen>>,
    send: mpsc::UnboundedSender<Message>,
    task: tokio::task::JoinHandle<()>,
}

impl Viewer {
    /// Connects to `/ws?query` of a replica that is ready.
    pub(crate) async fn connect(addr: SocketAddr, query: &str) -> Self {
        Self::go_on(addr, query, Seen::default()).await
    }

    /// Connects to another replica with the cursor of this viewer, and everything that it holds.
    pub(crate) async fn move_to(self, addr: SocketAddr) -> Self {
        self.task.abort();
        let seen = self.seen().clone();
        let query = seen.cursor.as_ref().map(|cursor| format!("cursor={cursor}")).unwrap_or_default();
        Self::go_on(addr, &query, Seen { closed: false, ..seen }).await
    }

    async fn go_on(addr: SocketAddr, query: &str, seen: Seen) -> Self {
        let (socket, _) = connect_async(format!("ws://{addr}/ws?{query}")).await.unwrap();
        let seen = Arc::new(Mutex::new(seen));
        let (send, mut to_send) = mpsc::unbounded_channel();
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let (mut sink, mut stream) = socket.split();
            loop {
                tokio::select! {
                    message = stream.next() => match message {
                        Some(Ok(Message::Text(text))) => shared.lock().unwrap().take_in(&text),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                        Some(Ok(_)) => {}
                    },
                    Some(message) = to_send.recv() => sink.send(message).await.unwrap(),
                }
            }
            shared.lock().unwrap().closed = true;
        });
        Self { seen, send, task }
    }

    /// What it knows now.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Sends a message to the server.
    pub(crate) fn send(&self, message: &Value) {
        self.send.send(Message::text(message.to_string())).unwrap();
    }

    /// Waits until it holds `product` in `version` or a later one.
    pub(crate) async fn until_holds(&self, product: Uuid, version: i64) {
        until(&format!("the viewer holds {product} in {version}"), async || {
            (self.seen().held.get(&product).copied().unwrap_or_default() >= version).then_some(())
        })
        .await;
    }

    /// Waits until it holds exactly these versions.
    pub(crate) async fn until_holds_all(&self, versions: &HashMap<Uuid, i64>) {
        until("the viewer holds what is stored", async || (self.seen().held == *versions).then_some(()))
            .await;
    }

    /// Waits for a frame of this kind behind the first `skip` of them.
    pub(crate) async fn until_frame(&self, kind: &str, skip: usize) -> Frame {
        until(&format!("a frame {kind}"), async || {
            self.seen().frames.iter().filter(|frame| frame.kind == kind).nth(skip).cloned()
        })
        .await
    }

    /// Waits until the connection has ended.
    pub(crate) async fn until_closed(&self) {
        until("the connection ends", async || self.seen().closed.then_some(())).await;
    }

    /// Panics when it saw a hole, or a version going back.
    pub(crate) fn assert_unbroken(&self) {
        let seen = self.seen();
        assert!(seen.holes.is_empty(), "holes: {:?}", seen.holes);
        assert!(seen.backward.is_empty(), "versions went back: {:?}", seen.backward);
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Seen {
    fn take_in(&mut self, text: &str) {
        let frame: Frame = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        if frame.cursor.is_some() {
            self.cursor.clone_from(&frame.cursor);
        }
        let data = &frame.data;
        match frame.kind.as_str() {
            "hello" if data["reset"] == true => self.resets += 1,
            "snapshot" => self.snapshot(data),
            "product_changed" => {
                let (product, version) = identity(data);
                let held = self.held.get(&product).copied().unwrap_or_default();
                let from = data["from"].as_i64().unwrap();
                if from > held + 1 && !self.gaps.remove(&product) {
                    self.holes.push(format!("{product} held {held}, then {from}..{version}"));
                }
                self.hold(product, version);
            }
            "gap" => self.gaps.extend(data["product_id"].as_str().map(|id| id.parse::<Uuid>().unwrap())),
            _ => {}
        }
        self.frames.push(frame);
    }

    fn snapshot(&mut self, data: &Value) {
        let reset = data["reset"] == true;
        if reset && !self.resetting {
            let told_by_hello = self.frames.last().is_some_and(|last| last.kind == "hello");
            self.resets += usize::from(!told_by_hello);
        }
        for product in data["products"].as_array().unwrap() {
            let (product, version) = identity(product);
            // what a first snapshot brings was never missed
            if let Some(held) = self.held.get(&product).filter(|held| !reset && version > **held + 1) {
                self.holes.push(format!("{product} held {held}, a snapshot without reset says {version}"));
            }
            self.hold(product, version);
        }
        self.resetting = reset && data["last"] != true;
    }

    fn hold(&mut self, product: Uuid, version: i64) {
        let held = self.held.entry(product).or_default();
        if version < *held {
            self.backward.push(format!("{product} from {held} to {version}"));
        }
        *held = version.max(*held);
    }
}

fn identity(product: &Value) -> (Uuid, i64) {
    (product["product_id"].as_str().unwrap().parse().unwrap(), product["version"].as_i64().unwrap())
}
