//! A viewer as the contract wants it: connects, goes on at its cursor on any replica, and keeps a [`Book`].

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::book::{Book, Shown};
use super::line::{Kind, Line, Refused, Said};
use super::process::{Gateway, Generator};
use super::{LONG, World, until};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// The same while a hello is waited for: nearly all tests begin with some.
const GREETING_LOOK: Duration = Duration::from_millis(1);

/// A viewer; its connection ends when it is dropped.
pub(crate) struct Viewer {
    pub(crate) kind: Kind,
    /// The set that it follows; all without one.
    products: Option<Vec<Uuid>>,
    book: Arc<Mutex<Book>>,
    connection: Option<Connection>,
}

struct Connection {
    task: JoinHandle<()>,
    messages: mpsc::UnboundedSender<String>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Viewer {
    /// One that follows all products.
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, products: None, book: Arc::default(), connection: None }
    }

    /// One that follows a set.
    pub(crate) fn of(kind: Kind, products: &[Uuid]) -> Self {
        Self { products: Some(products.to_vec()), ..Self::new(kind) }
    }

    /// Connected to `gateway` from the start.
    pub(crate) async fn at(kind: Kind, gateway: &Gateway) -> Self {
        let mut viewer = Self::new(kind);
        viewer.connect(gateway).await;
        viewer
    }

    /// Connects, with its cursor if it has one; waits until it is greeted.
    pub(crate) async fn connect(&mut self, gateway: &Gateway) {
        let addr = gateway.addr().await;
        until(&format!("{:?} is greeted by {}", self.kind, gateway.name), async || {
            match self.try_connect(addr).await {
                Ok(()) => {}
                Err(Refused::Away(_)) => return None,
                Err(refused) => panic!("{}: {refused:?}", gateway.name),
            }
            let connected = Instant::now();
            loop {
                {
                    let book = self.book();
                    if book.here().iter().any(|frame| frame.kind == "hello") {
                        return Some(());
                    }
                    if book.ended.is_some() {
                        return None;
                    }
                }
                assert!(connected.elapsed() < LONG, "no hello came from {}", gateway.name);
                tokio::time::sleep(GREETING_LOOK).await;
            }
        })
        .await;
    }

    /// Connects once; what is said is read in the background.
    pub(crate) async fn try_connect(&mut self, addr: SocketAddr) -> Result<(), Refused> {
        self.cut();
        let products = self
            .products
            .as_ref()
            .map(|products| products.iter().map(Uuid::to_string).collect::<Vec<_>>().join(","));
        let query: Vec<_> = products.iter().map(|products| ("products", products.as_str())).collect();
        let cursor = self.book().cursor.clone();
        let mut line = Line::open(self.kind, addr, &query, cursor.as_deref()).await?;
        self.book().connected();
        let book = Arc::clone(&self.book);
        let (messages, mut to_send) = mpsc::unbounded_channel::<String>();
        let task = tokio::spawn(async move {
            loop {
                let said = tokio::select! {
                    said = line.next() => said,
                    Some(text) = to_send.recv() => {
                        line.send(text).await;
                        continue;
                    }
                };
                let Ok(mut book) = book.lock() else { return }; // the test has failed
                match said {
                    Said::Frame(frame) => book.take(frame),
                    Said::Retry(ms) => book.retry_ms = Some(ms),
                    Said::End(close) => {
                        book.ended = Some(close);
                        return;
                    }
                }
            }
        });
        self.connection = Some(Connection { task, messages });
        Ok(())
    }

    /// Goes away without a word.
    pub(crate) fn cut(&mut self) {
        self.connection = None;
    }

    /// Sends a message.
    pub(crate) fn send(&self, message: &Value) {
        self.send_text(&message.to_string());
    }

    /// Sends any text.
    pub(crate) fn send_text(&self, text: &str) {
        self.connection.as_ref().unwrap().messages.send(text.to_owned()).unwrap();
    }

    /// What it has seen.
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// Waits until its book says so.
    pub(crate) async fn until(&self, what: &str, so: impl Fn(&Book) -> bool) {
        until(&format!("{:?}: {what}", self.kind), async || so(&self.book()).then_some(())).await;
    }

    /// Waits until the last page of its snapshot has come.
    pub(crate) async fn until_snapshot(&self) {
        self.until("its snapshot is whole", Book::has_snapshot).await;
    }

    /// Waits until it holds `product` in `version` or a later one.
    pub(crate) async fn until_holds(&self, product: Uuid, version: i64) {
        let what = format!("{product} in version {version}");
        self.until(&what, |book| book.version(product) >= version).await;
    }

    /// Waits until it shows what the database holds, and panics at what must not be.
    pub(crate) async fn until_converged(&self, world: &World) {
        let stored = world.all_stored(self.products.as_deref()).await;
        let started = Instant::now();
        loop {
            {
                let book = self.book();
                if book.held == stored || !book.faults.is_empty() {
                    break;
                }
                assert!(
                    started.elapsed() < LONG,
                    "{:?} does not converge: {}",
                    self.kind,
                    book.compare(&stored)
                );
            }
            tokio::time::sleep(LOOK).await;
        }
        self.assert_well();
    }

    /// Panics when it saw a hole or something that went back.
    pub(crate) fn assert_well(&self) {
        let book = self.book();
        assert!(book.faults.is_empty(), "{:?} saw {:#?}", self.kind, book.faults);
    }
}

impl World {
    /// Two replicas without repair under load, each with a viewer of each kind, once all of them follow all products.
    pub(crate) async fn watched(
        &self,
        products: usize,
        rate: usize,
    ) -> ([Gateway; 2], Generator, Vec<Viewer>) {
        let gateways = ["gw1", "gw2"].map(|name| self.gateway(name, &["--repair-page-ms", "0"]));
        let generator = self.generator(&["--products", &products.to_string(), "--rate", &rate.to_string()]);
        let mut viewers = Vec::new();
        for gateway in &gateways {
            viewers.push(Viewer::at(Kind::Ws, gateway).await);
            viewers.push(Viewer::at(Kind::Sse, gateway).await);
        }
        let follows =
            |book: &Book| book.held.len() == products && book.all("product_changed").count() > products;
        for viewer in &viewers {
            viewer.until("it follows all products", follows).await;
        }
        (gateways, generator, viewers)
    }

    /// What the database holds of `products`, or of all.
    pub(crate) async fn all_stored(&self, products: Option<&[Uuid]>) -> HashMap<Uuid, Shown> {
        let rows = self.sql.rows("SELECT product_id, version, price_minor, stock FROM products").await;
        let shown = |row: &Vec<String>| {
            let number = |at: usize| row[at].parse().unwrap();
            (row[0].parse().unwrap(), Shown { version: number(1), price: number(2), stock: number(3) })
        };
        let wanted = |id: &Uuid| products.is_none_or(|products| products.contains(id));
        rows.iter().map(shown).filter(|(id, _)| wanted(id)).collect()
    }

    /// Begins the relay's next epoch, as whoever finds entries lost does.
    pub(crate) async fn next_epoch(&self) {
        let old = self.db().epoch().await.unwrap();
        gateway::epoch::change(&self.db(), &self.redis(), &old, "test").await.unwrap();
    }
}
