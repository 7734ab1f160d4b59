//! One batch: decode → dead letters → fold (one transaction) → relay.
//!
//! When [`Work::process`] returns, every record of the batch has its outcome and may be committed, but those of a topic
//! that is refused. It may be dropped at any point and run again: progress leaves out what was counted.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use schema::frames::RatingChanged;
use schema::relay::RelayFrame;
use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use super::Parts;
use super::decode::decode;
use super::pace::Pace;
use super::same_topic::SameTopic;
use crate::backoff::Backoff;
use crate::db::{Counted, Folded, IncomingRating, Writer};
use crate::drill::{self, Step};
use crate::health::Dependency;
use crate::kafka::{Finished, Record, Work, audit_all};

/// First and longest delay between two tries.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// One writer's tools.
pub(super) struct Fold {
    parts: Parts,
    writer: Writer,
    pace: Pace,
    same_topic: SameTopic,
}

/// One line of the audit log.
#[derive(Serialize)]
struct AuditLine<'a> {
    event: &'static str,
    topic: &'a str,
    partition: i32,
    offset: i64,
    event_id: Uuid,
}

impl Fold {
    pub(super) fn new(parts: &Parts) -> Self {
        let writer = parts.db.writer();
        Self { parts: parts.clone(), writer, pace: Pace::default(), same_topic: SameTopic::default() }
    }
}

impl Work for Fold {
    async fn process(&mut self, batch: &[Record]) -> Finished {
        tokio::time::sleep_until(self.pace.next(batch.len(), self.parts.batch_rows, Instant::now())).await;
        self.same_topic.look(batch, &self.parts).await;
        let rest: Vec<Record>;
        let batch = if batch.iter().all(|record| self.same_topic.holds(record.position.partition)) {
            batch
        } else {
            let holds = |record: &&Record| self.same_topic.holds(record.position.partition);
            rest = batch.iter().filter(holds).cloned().collect();
            self.parts.metrics.count(name(Counted::Refused), (batch.len() - rest.len()) as u64);
            &rest
        };
        let decoded = decode(batch);
        self.parts.dead_letters.write_all(&decoded.poison).await;
        self.parts.metrics.count("poison", decoded.poison.len() as u64);

        let incoming: Vec<IncomingRating> = decoded.ratings.iter().map(|(_, incoming)| *incoming).collect();
        let folded = self.write(&ends(batch), &incoming).await;
        self.tell(&folded, decoded.ratings.iter().map(|(rated, _)| rated.event_id).zip(&incoming));

        drill::passes(Step::FoldToRelay);
        // whatever the outcomes: what was counted before a crash may not have been relayed
        let relayed = folded.ratings.iter().map(|(subject, rating)| {
            RelayFrame::RatingChanged(RatingChanged { subject: *subject, rating: *rating })
        });
        let relayed = self.parts.relay.publish(&relayed.collect::<Vec<_>>(), folded.epoch).await;
        audit_all(&self.parts.audit, &self.parts.replica, relayed.as_str(), batch);

        drill::passes(Step::FoldToOffsets);
        let refused: HashSet<i32> = folded.refused.into_iter().collect();
        let mut finished = Finished::of(batch);
        finished.0.retain(|position, _| !refused.contains(&position.partition));
        finished
    }
}

impl Fold {
    /// Folds `incoming`, however long it takes. Dropping the future is safe: the write happened or not, and folding again
    /// is right either way.
    async fn write(&mut self, ends: &[(i32, i64)], incoming: &[IncomingRating]) -> Folded {
        let (mut backoff, reporter) = (Backoff::new(RETRY.0, RETRY.1), self.parts.health.reporter());
        loop {
            match self.writer.fold_ratings(&self.parts.topic, ends, incoming, self.parts.window).await {
                Ok(folded) => return folded,
                // a rating always fits its total: there is none that could be refused
                Err(error) => reporter.away(Dependency::Postgres, &error),
            }
            backoff.wait().await;
        }
    }

    /// Counts and audits the outcomes.
    fn tell<'a>(&self, folded: &Folded, ratings: impl Iterator<Item = (Uuid, &'a IncomingRating)>) {
        let mut lines = Vec::new();
        for (counted, (event_id, rating)) in folded.counted.iter().zip(ratings) {
            let event = name(*counted);
            self.parts.metrics.count(event, 1);
            if self.parts.audit.is_on() {
                let IncomingRating { partition, offset, .. } = *rating;
                lines.push(AuditLine { event, topic: &self.parts.topic, partition, offset, event_id });
            }
        }
        self.parts.audit.write(&self.parts.replica, &lines);
    }
}

/// The name in metrics and the audit log.
const fn name(counted: Counted) -> &'static str {
    match counted {
        Counted::New => "counted",
        Counted::Repeat => "repeat",
        Counted::Replay => "replay",
        Counted::Refused => "refused",
    }
}

/// Where each partition of `batch` goes on, by partition.
fn ends(batch: &[Record]) -> Vec<(i32, i64)> {
    let mut ends: BTreeMap<i32, i64> = BTreeMap::new();
    for record in batch {
        let end = ends.entry(record.position.partition).or_default();
        *end = (record.offset + 1).max(*end);
    }
    ends.into_iter().collect()
}
