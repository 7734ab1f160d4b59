//! What a viewer has seen, and the contract's rule by which it judges that.
//!
//! Two marks a product: *held* is the highest version ever taken, the floor below which nothing is shown again; it
//! survives reconnects and resets. *Sent* is the highest version on this connection, and no lower one may follow. A
//! frame above what is held must reach back to it (`from <= held + 1`): else there is a hole, unless a `gap` frame named
//! the product. After a reset, or without a cursor, a snapshot comes before the first change.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::line::Frame;

/// A product as a viewer shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) version: i64,
    pub(crate) price: i64,
    pub(crate) stock: i64,
}

/// A viewer's books, over all its connections.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) held: HashMap<Uuid, Shown>,
    /// Frames of each connection, in order.
    pub(crate) connections: Vec<Vec<Frame>>,
    /// Where to go on.
    pub(crate) cursor: Option<String>,
    /// How the last connection ended: with its close frame, if it had one.
    pub(crate) ended: Option<Option<(u16, String)>>,
    /// The newest rating of each subject, as a viewer keeps it: a count that is not above the held one is dropped.
    pub(crate) ratings: HashMap<String, Value>,
    /// SSE's `retry:`.
    pub(crate) retry_ms: Option<u64>,
    /// What must not be.
    pub(crate) faults: Vec<String>,
    sent: HashMap<Uuid, i64>,
    excused: HashSet<Uuid>,
    /// Products of the snapshot that is on its way.
    snapshot: Option<HashSet<Uuid>>,
    /// Whether a product that is not held is known not to have been there.
    complete: bool,
}

impl Book {
    /// A connection begins.
    pub(crate) fn connected(&mut self) {
        self.connections.push(Vec::new());
        self.sent.clear();
        self.snapshot = None;
        self.ended = None;
    }

    /// Frames of the last connection.
    pub(crate) fn here(&self) -> &[Frame] {
        self.connections.last().map_or(&[], Vec::as_slice)
    }

    /// The data of the last connection's frames of a kind.
    pub(crate) fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.here().iter().filter(move |frame| frame.kind == kind).map(|frame| &frame.data)
    }

    /// How often a reset was told, over all connections.
    pub(crate) fn resets(&self) -> usize {
        let hellos = self.connections.iter().flatten().filter(|frame| frame.kind == "hello");
        hellos.filter(|hello| hello.data["reset"] == true).count()
    }

    /// What the last status says is away.
    pub(crate) fn away(&self) -> Vec<String> {
        let status = self.all("status").last();
        let away = status.and_then(|status| status["away"].as_array()).into_iter().flatten();
        away.map(|away| away["what"].as_str().unwrap().to_owned()).collect()
    }

    /// Whether the last status names `what`.
    pub(crate) fn is_away(&self, what: &str) -> bool {
        self.away().iter().any(|away| away == what)
    }

    /// Whether the last connection's snapshot is whole.
    pub(crate) fn has_snapshot(&self) -> bool {
        self.all("snapshot").any(|page| page["last"] == true) && self.snapshot.is_none()
    }

    /// `(from, version)` of a product's changes on the last connection.
    pub(crate) fn spans(&self, product: Uuid) -> Vec<(i64, i64)> {
        let changes = self.all("product_changed").filter(|data| id(data) == product);
        changes.map(|data| (number(data, "from"), number(data, "version"))).collect()
    }

    /// The version of a product that is held.
    pub(crate) fn version(&self, product: Uuid) -> i64 {
        self.held.get(&product).map_or(0, |shown| shown.version)
    }

    /// Where it differs from what is stored, and what came last, for a person.
    pub(crate) fn compare(&self, stored: &HashMap<Uuid, Shown>) -> String {
        let other: Vec<_> = stored.iter().filter(|(id, shown)| self.held.get(id) != Some(shown)).collect();
        let shown: Vec<_> = other.iter().take(3).map(|(id, shown)| (id, shown, self.held.get(id))).collect();
        let last: Vec<_> = self.here().iter().rev().take(5).collect();
        let ended = &self.ended;
        format!(
            "{} held, {} stored, {} differ: {shown:#?}\nended: {ended:?}, {} connections, last: {last:#?}",
            self.held.len(),
            stored.len(),
            other.len(),
            self.connections.len(),
        )
    }

    /// Takes a frame.
    pub(crate) fn take(&mut self, frame: Frame) {
        self.judge(&frame);
        if let Some(cursor) = &frame.cursor {
            self.cursor = Some(cursor.clone());
        }
        if let Some(here) = self.connections.last_mut() {
            here.push(frame);
        }
    }

    fn judge(&mut self, frame: &Frame) {
        let data = &frame.data;
        if self.here().is_empty() && frame.kind != "hello" && frame.kind != "going_away" {
            self.faults.push(format!("a connection began with {frame:?}"));
        }
        match frame.kind.as_str() {
            "hello" if data["resumed"] == true => {}
            "hello" => {
                self.snapshot = Some(HashSet::new());
                // without its last page there is no place to come back to
                self.cursor = None;
            }
            "snapshot" => self.take_page(data),
            "gap" => {
                self.excused.extend(data["product_id"].as_str().map(|id| id.parse::<Uuid>().unwrap()));
            }
            "product_changed" => {
                self.take_rating(&data["product_id"], &data["rating"]);
                self.take_change(data);
            }
            "rating_changed" => self.take_rating(&data["subject"], data),
            _ => {}
        }
    }

    fn take_page(&mut self, data: &Value) {
        for product in data["products"].as_array().unwrap() {
            self.take_rating(&product["product_id"], &product["rating"]);
            let (id, version) = (id(product), number(product, "version"));
            if !self.rises(id, version) {
                self.faults.push(format!("the snapshot went back: {product}"));
            }
            if let Some(snapshot) = &mut self.snapshot
                && !snapshot.insert(id)
            {
                self.faults.push(format!("twice in one snapshot: {product}"));
            }
            self.show(id, product);
        }
        if data["last"] == true
            && let Some(snapshot) = self.snapshot.take()
        {
            self.complete = true;
            let missing: Vec<_> = self.held.keys().filter(|id| !snapshot.contains(*id)).collect();
            if !missing.is_empty() {
                self.faults.push(format!("the snapshot lacks {missing:?}"));
            }
        }
    }

    fn take_change(&mut self, data: &Value) {
        let (id, from, version) = (id(data), number(data, "from"), number(data, "version"));
        if self.snapshot.is_some() {
            self.faults.push(format!("a change before the snapshot's last page: {data}"));
        }
        if from > version || from < 1 {
            self.faults.push(format!("from {from} to {version}: {data}"));
        }
        if !self.rises(id, version) {
            self.faults.push(format!("a change went back: {data}"));
            return;
        }
        let held = self.version(id);
        if version <= held {
            return;
        }
        let excused = self.excused.remove(&id) || (held == 0 && !self.complete);
        if from > held + 1 && !excused {
            self.faults.push(format!("a hole: held {held}, then {data}"));
        }
        self.show(id, data);
    }

    fn take_rating(&mut self, subject: &Value, rating: &Value) {
        if rating.is_null() {
            return;
        }
        let newest = self.ratings.entry(subject.as_str().unwrap().to_owned()).or_insert(Value::Null);
        if newest.is_null() || number(rating, "count") > number(newest, "count") {
            let fields = ["average", "window", "count", "sum"];
            *newest = fields.into_iter().map(|name| (name.to_owned(), rating[name].clone())).collect();
        }
    }

    /// Whether no higher version was sent on this connection.
    fn rises(&mut self, id: Uuid, version: i64) -> bool {
        let sent = self.sent.entry(id).or_default();
        let rises = version >= *sent;
        *sent = version.max(*sent);
        rises
    }

    fn show(&mut self, id: Uuid, product: &Value) {
        let version = number(product, "version");
        if version > self.version(id) {
            let shown =
                Shown { version, price: number(product, "price_minor"), stock: number(product, "stock") };
            self.held.insert(id, shown);
        }
    }
}

fn id(product: &Value) -> Uuid {
    product["product_id"].as_str().unwrap().parse().unwrap()
}

fn number(data: &Value, field: &str) -> i64 {
    data[field].as_i64().unwrap_or_else(|| panic!("{field} in {data}"))
}
