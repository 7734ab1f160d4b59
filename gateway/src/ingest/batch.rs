//! One batch: decode → dead letters → apply → its dead letters → relay.
//!
//! When [`Work::process`] returns, every record of the batch has its outcome and may be committed. It may be dropped at
//! any point and run again, here or on another replica: each step is safe to repeat.

use std::collections::HashMap;

use chrono::Utc;
use schema::frames::Gap;
use schema::relay::{RelayFrame, RelayedProduct};
use schema::{PoisonReason, ProductChanged, ProductId, Version};
use serde::Serialize;
use tokio::time::Instant;

use super::Parts;
use super::apply::{Apply, Written};
use super::decode::{self, product_of};
use super::outcome::{Outcome, Sorted};
use crate::db::Stored;
use crate::drill::{self, Bug, Step};
use crate::kafka::{DeadLetter, Finished, Record, Work, audit_all};
use crate::metrics::Stage;

/// One writer's tools.
pub(super) struct Ingest {
    parts: Parts,
    apply: Apply,
}

/// One line of the audit log.
#[derive(Serialize)]
struct AuditLine<'a> {
    event: &'a str,
    topic: &'a str,
    partition: i32,
    offset: i64,
    product_id: ProductId,
    version: Version,
    event_id: uuid::Uuid,
}

impl Ingest {
    pub(super) fn new(parts: &Parts) -> Self {
        let (writer, health) = (parts.db.writer(), parts.health.clone());
        Self { parts: parts.clone(), apply: Apply { writer, health, metrics: parts.metrics.clone() } }
    }
}

impl Work for Ingest {
    async fn process(&mut self, batch: &[Record]) -> Finished {
        let taken_ms = Utc::now().timestamp_millis();
        self.parts.metrics.batch_rows.observe(u32::try_from(batch.len()).unwrap_or(u32::MAX).into());
        let decoded = self.timed_decode(batch);
        let poison = decoded.poison.iter().filter_map(|(at, poison)| {
            let error = poison.to_string();
            Some(DeadLetter { record: batch.get(*at)?, reason: poison.reason, error })
        });
        let mut dead: Vec<DeadLetter<'_>> = poison.collect();
        self.parts.dead_letters.write_all(&dead).await;
        self.parts.metrics.count("poison", dead.len() as u64);

        let sorted = Sorted::new(&decoded.changes);
        let started = Instant::now();
        let written = self.apply.write(&sorted.unique).await;
        self.observe("apply", started);
        let written_ms = Utc::now().timestamp_millis();

        let outcomes = sorted.outcomes(&decoded.changes, &written.stored);
        let refused = self.judge(batch, &decoded.changes, &outcomes, &written);
        self.parts.dead_letters.write_all(&refused).await;
        // whoever sees them counted finds them among the dead letters
        for letter in &refused {
            self.parts.metrics.count(letter.reason.as_str(), 1);
        }
        dead.extend(refused);

        drill::passes(Step::CommitToRelay);
        let started = Instant::now();
        let path = Path { taken_ms, written_ms };
        let mut frames = frames(batch, &decoded.changes, &written.stored, path);
        frames.extend(dead.iter().map(gap));
        let relayed = self.parts.relay.publish(&frames, written.epoch).await;
        self.observe("relay", started);
        audit_all(&self.parts.audit, &self.parts.replica, relayed.as_str(), batch);
        drill::passes(Step::RelayToOffsets);
        Finished::of(batch)
    }
}

impl Ingest {
    fn timed_decode(&self, batch: &[Record]) -> decode::Decoded {
        let started = Instant::now();
        let decoded = decode::decode(batch);
        self.observe("decode", started);
        decoded
    }

    fn observe(&self, stage: &'static str, started: Instant) {
        self.parts
            .metrics
            .stage_seconds
            .get_or_create(&Stage { stage })
            .observe(started.elapsed().as_secs_f64());
    }

    /// Audits the outcomes, and counts them; returns what has to become dead letters, which counts once it is.
    fn judge<'b>(
        &self,
        batch: &'b [Record],
        changes: &[(usize, ProductChanged)],
        outcomes: &[Option<Outcome>],
        written: &Written<'_>,
    ) -> Vec<DeadLetter<'b>> {
        let rejected: HashMap<_, _> = written
            .rejected
            .iter()
            .map(|(change, words)| ((change.product_id, change.version), words))
            .collect();
        let mut letters = Vec::new();
        let mut lines = Vec::new();
        for ((at, change), outcome) in changes.iter().zip(outcomes) {
            let Some(record) = batch.get(*at) else { continue };
            let words = rejected.get(&(change.product_id, change.version));
            let refused = words.is_some() || matches!(outcome, Some(Outcome::Conflict));
            let name = match (words, outcome) {
                (Some(words), _) => {
                    letters.push(DeadLetter {
                        record,
                        reason: PoisonReason::Rejected,
                        error: (*words).clone(),
                    });
                    "rejected"
                }
                (None, Some(Outcome::Conflict)) => {
                    let error =
                        format!("conflict: version {} is stored with another event_id", change.version);
                    letters.push(DeadLetter { record, reason: PoisonReason::Conflict, error });
                    Outcome::Conflict.as_str()
                }
                (None, Some(outcome)) => outcome.as_str(),
                // a row that was there a moment ago was deleted by somebody: nothing to hold the change against
                (None, None) => Outcome::Stale.as_str(),
            };
            if !refused {
                self.parts.metrics.count(name, 1);
            }
            if self.parts.audit.is_on() {
                let (topic, partition) = (&*record.position.topic, record.position.partition);
                let (event, offset) = (name, record.offset);
                let ProductChanged { product_id, version, event_id, .. } = *change;
                lines.push(AuditLine { event, topic, partition, offset, product_id, version, event_id });
            }
        }
        self.parts.audit.write(&self.parts.replica, &lines);
        letters
    }
}

/// When the batch was taken up and when it was written, milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Path {
    taken_ms: i64,
    written_ms: i64,
}

impl Path {
    /// The same, after a record's timestamp; a producer's clock may be ahead of ours.
    fn after(self, recorded_ms: i64) -> [i64; 2] {
        [self.taken_ms, self.written_ms].map(|at_ms| at_ms.saturating_sub(recorded_ms).max(0))
    }
}

/// One frame a product of the batch, **whatever the outcomes of its changes**: the state stored after the transaction.
/// Its `from` is the lower of the batch's lowest version and the one after the version that the last write replaced. So
/// when a crash between write and relay makes records come again, and they are stale or replays by then, their product is
/// relayed all the same, and its frame reaches back to what viewers have.
fn frames(
    batch: &[Record],
    changes: &[(usize, ProductChanged)],
    stored: &HashMap<ProductId, Stored>,
    path: Path,
) -> Vec<RelayFrame> {
    // lowest version and newest record of each product
    let mut products: HashMap<ProductId, (Version, Option<i64>)> = HashMap::with_capacity(changes.len());
    for (at, change) in changes {
        let recorded = batch.get(*at).and_then(|record| record.timestamp_ms);
        let (lowest, newest) = products.entry(change.product_id).or_insert((change.version, recorded));
        *lowest = change.version.min(*lowest);
        *newest = recorded.max(*newest);
    }
    let frame = |(id, (lowest, recorded_ms)): (ProductId, (Version, Option<i64>))| {
        let held = stored.get(&id).filter(|held| held.written || !drill::planted(Bug::SkipRelayOnReplay))?;
        let after_previous = Version::saturating(held.previous.saturating_add(1));
        let from = lowest.min(after_previous).min(held.product.version);
        let path_ms = recorded_ms.map(|recorded| path.after(recorded));
        let product = held.product.clone();
        Some(RelayFrame::ProductChanged(RelayedProduct { product, from, recorded_ms, path_ms }))
    };
    products.into_iter().filter_map(frame).collect()
}

fn gap(letter: &DeadLetter<'_>) -> RelayFrame {
    RelayFrame::Gap(Gap {
        topic: letter.record.position.topic.to_string(),
        partition: letter.record.position.partition,
        offset: letter.record.offset,
        reason: letter.reason.into(),
        product_id: product_of(letter.record),
    })
}
