//! The relay's stream, followed as a viewer would.

use std::collections::HashMap;

use gateway::redis::{self, EntryId};
use schema::relay::RelayFrame;
use uuid::Uuid;

use super::World;

impl World {
    /// All frames of the present epoch, in order. The stream is far from being trimmed in any test.
    pub(crate) async fn frames(&self) -> Vec<RelayFrame> {
        let epoch = self.db().epoch().await.unwrap();
        let key = self.redis().stream_key(epoch.id);
        let mut connection = self.redis().dedicated(super::LONG).await.unwrap();
        let entries = redis::read_range(&mut connection, &key, EntryId::default(), 10_000_000).await.unwrap();
        let entries = entries.iter().filter(|entry| !entry.frames.is_empty());
        entries.flat_map(|entry| serde_json::from_slice::<Vec<RelayFrame>>(&entry.frames).unwrap()).collect()
    }

    /// What [`follow`] says of the whole relay. Nothing when its first epoch has ended, which is right on a machine so busy
    /// that Redis did not answer for seconds: then its stream is gone.
    pub(crate) async fn follow_relay(&self) -> Option<HashMap<Uuid, i64>> {
        let frames = self.frames().await;
        self.is_in_first_epoch().await.then(|| follow(&frames))
    }

    /// Whether the relay's first epoch has not ended.
    pub(crate) async fn is_in_first_epoch(&self) -> bool {
        Some(self.epoch_now().await) == self.epoch.map(|first| first.to_string())
    }

    /// The epoch that the row names, as viewers are told it.
    pub(crate) async fn epoch_now(&self) -> String {
        super::until_ok("the epoch is read", async || self.db().epoch().await).await.id.to_string()
    }

    /// `(from, version)` of the frames of `product`, in order.
    pub(crate) async fn frames_of(&self, product: Uuid) -> Vec<(i64, i64)> {
        let frames = self.frames().await;
        let spans = frames.iter().filter_map(|frame| match frame {
            RelayFrame::ProductChanged(p) if p.product.product_id.uuid() == product => {
                Some((p.from.get(), p.product.version.get()))
            }
            _ => None,
        });
        spans.collect()
    }
}

/// What a viewer holds that began with nothing and followed `frames`: the version of each product. Panics at a hole: a
/// frame that reaches back only to a version behind the next one.
pub(crate) fn follow(frames: &[RelayFrame]) -> HashMap<Uuid, i64> {
    let mut held: HashMap<Uuid, i64> = HashMap::new();
    for frame in frames {
        let RelayFrame::ProductChanged(frame) = frame else { continue };
        let (from, to) = (frame.from.get(), frame.product.version.get());
        let held = held.entry(frame.product.product_id.uuid()).or_default();
        assert!(from <= *held + 1, "a hole: {} held {held}, next is {from}..{to}", frame.product.product_id);
        *held = to.max(*held);
    }
    held
}
