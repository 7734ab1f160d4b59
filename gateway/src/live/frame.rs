//! A frame as the hubs hand it on: made once a replica, shared by all its viewers.
//!
//! The JSON of a frame's data is encoded here, once; each transport puts its own envelope around it in its own file.

use std::collections::HashMap;

use bytestring::ByteString;
use chrono::Utc;
use schema::frames::{FrameType, ProductChanged, RatingChanged};
use schema::relay::{RelayFrame, RelayedProduct};
use schema::{PhotoChanged, PhotoMark, Product, ProductId, Rating};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::redis::EntryId;

/// Memory of a frame beside its text, bytes: what rings and outboxes add for each.
pub(super) const OVERHEAD_BYTES: usize = 96;

/// Who gets a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// Every viewer that asked for its product.
    All,
    /// Only viewers that were taken up at a cursor: those that began with a snapshot have this state, or a newer one.
    Resumed,
}

/// A frame of a relay entry.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Its name.
    pub(super) kind: FrameType,
    /// The product that it is about; a frame without one goes to every viewer.
    pub(super) product_id: Option<ProductId>,
    /// The version of a product frame; 0 otherwise.
    pub(super) version: i64,
    /// Who gets it.
    pub(super) audience: Audience,
    /// Its data, JSON.
    pub(super) data: ByteString,
}

impl Frame {
    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.data.len() + OVERHEAD_BYTES
    }
}

/// What is known of a product beside its state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Beside {
    /// Its photo.
    pub(super) photo: PhotoMark,
    /// What its ratings add up to.
    pub(super) rating: Option<Rating>,
}

impl Beside {
    /// Of a product of which nothing more is known.
    pub(super) const NOTHING: Self = Self { photo: PhotoMark::NONE, rating: None };

    /// The newer of both, in each respect.
    fn newest(self, other: Self) -> Self {
        let count = |rating: Option<Rating>| rating.map_or(0, |rating| rating.count);
        Self {
            photo: if other.photo.revision > self.photo.revision { other.photo } else { self.photo },
            rating: if count(other.rating) > count(self.rating) { other.rating } else { self.rating },
        }
    }
}

/// What a relay frame tells the view.
#[derive(Debug)]
pub(super) enum News {
    /// A product's state.
    Product(Product),
    /// A product's photo.
    Photo(PhotoChanged),
    /// A subject's rating.
    Rating(RatingChanged),
    /// Nothing.
    None,
}

/// A relay frame that was read: what it tells the view, and what viewers get.
#[derive(Debug)]
pub(super) struct Decoded {
    /// For the view.
    pub(super) news: News,
    /// Age of the change when its frame was encoded, milliseconds.
    pub(super) age_ms: Option<i64>,
    /// For viewers; its audience is decided by the view.
    pub(super) frame: Frame,
}

/// What frames of products tell besides their state, which writers of the relay do not know: the view's knowledge, and
/// what was read since.
pub(super) struct Known<'a> {
    view: &'a dyn Fn(ProductId) -> Beside,
    read: HashMap<ProductId, Beside>,
}

impl<'a> Known<'a> {
    /// Begins with what the view knows.
    pub(super) fn new(view: &'a dyn Fn(ProductId) -> Beside) -> Self {
        Self::with(view, HashMap::new())
    }

    /// Begins with what the view knows, and with what was `read` ahead of it.
    pub(super) fn with(view: &'a dyn Fn(ProductId) -> Beside, read: HashMap<ProductId, Beside>) -> Self {
        Self { view, read }
    }

    /// What was read.
    pub(super) fn into_read(self) -> HashMap<ProductId, Beside> {
        self.read
    }

    fn beside(&self, id: ProductId) -> Beside {
        let held = (self.view)(id);
        self.read.get(&id).map_or(held, |read| held.newest(*read))
    }

    fn note(&mut self, id: ProductId, news: Beside) {
        let read = self.read.entry(id).or_insert(Beside::NOTHING);
        *read = read.newest(news);
    }
}

/// Two moments of an entry, milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// When the relay took it, by its clock.
    pub(super) relayed_ms: i64,
    /// When its frames are encoded.
    pub(super) now_ms: i64,
}

impl Times {
    /// Those of the entry `id`, if it is encoded now.
    pub(super) fn now(id: EntryId) -> Self {
        let relayed_ms = i64::try_from(id.ms).unwrap_or(i64::MAX);
        Self { relayed_ms, now_ms: Utc::now().timestamp_millis() }
    }
}

/// Reads an entry's frames. The second value counts those that can't be read: they are left out, for one bad frame must
/// not hold up the others; repair puts right what they would have told.
pub(super) fn decode(entry: &[u8], times: Times, known: &mut Known<'_>) -> (Vec<Decoded>, u64) {
    if entry.is_empty() {
        return (Vec::new(), 0); // the entry that opens a stream
    }
    let Ok(texts) = serde_json::from_slice::<Vec<&RawValue>>(entry) else { return (Vec::new(), 1) };
    let mut frames = Vec::with_capacity(texts.len());
    let mut unreadable = 0;
    for text in texts {
        match RelayFrame::read(text.get()) {
            Ok(RelayFrame::ProductChanged(relayed)) => frames.push(product(relayed, times, known)),
            Ok(RelayFrame::PhotoChanged(change)) => {
                known.note(change.product_id, Beside { photo: change.mark(), ..Beside::NOTHING });
                let told = other(FrameType::PhotoChanged, Some(change.product_id), &change);
                frames.push(Decoded { news: News::Photo(change), ..told });
            }
            Ok(RelayFrame::RatingChanged(change)) => {
                let id = change.subject.product_id();
                if let Some(id) = id {
                    known.note(id, Beside { rating: Some(change.rating), ..Beside::NOTHING });
                }
                let told = other(FrameType::RatingChanged, id, &change);
                frames.push(Decoded { news: News::Rating(change), ..told });
            }
            Ok(RelayFrame::Gap(gap)) => frames.push(other(FrameType::Gap, gap.product_id, &gap)),
            Ok(RelayFrame::ReplicasChanged(news)) => {
                frames.push(other(FrameType::ReplicasChanged, None, &news));
            }
            Ok(RelayFrame::Unknown) => {} // of a later release
            Err(_) => unreadable += 1,
        }
    }
    (frames, unreadable)
}

fn product(relayed: RelayedProduct, times: Times, known: &mut Known<'_>) -> Decoded {
    // clocks of two machines: an age below nothing is nothing
    let after = |at_ms: i64| relayed.recorded_ms.map(|recorded| (at_ms - recorded).max(0));
    let age_ms = after(times.now_ms);
    let path = relayed.path_ms.zip(after(times.relayed_ms));
    let path_ms = path.map(|([taken, written], on_relay)| [taken, written, on_relay.max(written)]);
    let Beside { photo, rating } = known.beside(relayed.product.product_id);
    let product = relayed.product;
    let changed = ProductChanged { product, photo, rating, from: relayed.from, age_ms, path_ms };
    let data = json(&changed);
    let product = changed.product;
    let frame = Frame {
        kind: FrameType::ProductChanged,
        product_id: Some(product.product_id),
        version: product.version.get(),
        audience: Audience::All,
        data,
    };
    Decoded { news: News::Product(product), age_ms, frame }
}

fn other(kind: FrameType, product_id: Option<ProductId>, data: &impl Serialize) -> Decoded {
    let frame = Frame { kind, product_id, version: 0, audience: Audience::All, data: json(data) };
    Decoded { news: News::None, age_ms: None, frame }
}

/// The JSON of a frame's data.
pub(super) fn json(data: &impl Serialize) -> ByteString {
    // strings, numbers and maps with text keys always have a JSON form
    serde_json::to_string(data).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCT: &str = r#"{"type":"product_changed","product_id":"0190a0b0-0000-7000-8000-00000000000a","version":3,
        "name":"Tea","price_minor":250,"currency":"EUR","stock":7,"occurred_at":"2026-01-02T03:04:05Z","from":2,
        "recorded_ms":1000,"path_ms":[30,190]}"#;

    fn decode(entry: &[u8], now_ms: i64) -> (Vec<Decoded>, u64) {
        super::decode(entry, Times { relayed_ms: now_ms - 20, now_ms }, &mut Known::new(&|_| Beside::NOTHING))
    }

    fn data(decoded: &Decoded) -> serde_json::Value {
        serde_json::from_str(&decoded.frame.data).unwrap()
    }

    #[test]
    fn a_product_frame_is_encoded_with_its_age() {
        let (frames, unreadable) = decode(format!("[{PRODUCT}]").as_bytes(), 1_250);
        assert_eq!((frames.len(), unreadable), (1, 0));
        let data = data(&frames[0]);
        assert_eq!((&data["version"], &data["from"], &data["age_ms"]), (&3.into(), &2.into(), &250.into()));
        assert_eq!(data["path_ms"], serde_json::json!([30, 190, 230]));
        assert_eq!(frames[0].frame.version, 3);
        assert!(matches!(&frames[0].news, News::Product(product) if product.stock.get() == 7));
    }

    #[test]
    fn a_product_frame_tells_the_newest_photo_that_is_known() {
        let photo = |revision| {
            let change =
                super::super::view::tests::photo(0x0190_a0b0_0000_7000_8000_0000_0000_000a, revision);
            serde_json::to_string(&RelayFrame::PhotoChanged(change)).unwrap()
        };
        // written in the order of their way to the relay, which need not be that of their revisions
        let entry = format!("[{PRODUCT},{},{PRODUCT},{},{PRODUCT}]", photo(5), photo(4));
        let held = Beside { photo: super::super::view::tests::photo(0, 3).mark(), ..Beside::NOTHING };
        let (frames, _) =
            super::decode(entry.as_bytes(), Times { relayed_ms: 0, now_ms: 0 }, &mut Known::new(&|_| held));
        let told: Vec<_> = [0, 2, 4].map(|at| data(&frames[at])["photo_revision"].clone()).into();
        assert_eq!(told, [3, 5, 5]);
        assert_eq!(data(&frames[4])["photo"], "05".repeat(32));
        assert_eq!(data(&frames[1])["revision"], 5);
    }

    #[test]
    fn what_cannot_be_read_does_not_hold_up_the_rest() {
        let entry =
            format!(r#"[{{"type":"said","text":"hi"}},{{"type":"product_changed","version":0}},{PRODUCT}]"#);
        let (frames, unreadable) = decode(entry.as_bytes(), 0);
        assert_eq!((frames.len(), unreadable), (1, 1));
        assert_eq!(frames[0].age_ms, Some(0), "a clock behind the writer's");
        assert_eq!(decode(b"", 0).1, 0);
        assert_eq!(decode(b"[1", 0).1, 1);
    }

    #[test]
    fn a_gap_names_its_product() {
        let gap = r#"[{"type":"gap","topic":"t","partition":1,"offset":2,"reason":"not_json",
            "product_id":"0190a0b0-0000-7000-8000-00000000000a"}]"#;
        let (frames, _) = decode(gap.as_bytes(), 0);
        assert_eq!(frames[0].frame.kind, FrameType::Gap);
        assert!(frames[0].frame.product_id.is_some());
    }
}
