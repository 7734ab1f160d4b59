//! Whether a topic is the one that was folded.
//!
//! Progress is kept by the topic's name. A topic that was deleted and made anew starts at offset 0, and its ratings would
//! be taken for ones that were counted. What gives it away is an end below the progress. It is refused then, and stays
//! refused when it grows past that: nothing of it is counted or committed, until somebody has decided what the totals of
//! the old one are worth, deletes its rows of `consumer_progress`, and starts the replicas again.
//!
//! Looked at once for each assignment of a partition: what was left alone under an assignment is left alone until its end,
//! for only the next one begins where the refusal began.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::backoff::Backoff;
use crate::db::{DbError, Progress};
use crate::health::Dependency;
use crate::kafka::{self, KafkaError, Record};

use super::Parts;

/// First and longest delay between two tries.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The partitions that were looked at.
#[derive(Debug, Default)]
pub(super) struct SameTopic {
    /// The number of its assignment, and whether its topic is the right one.
    looked_at: HashMap<i32, (u64, bool)>,
}

#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
}

impl SameTopic {
    /// Looks at partitions that are new in `batch`, however long Postgres or Kafka are away; those of another topic are
    /// refused in the database.
    pub(super) async fn look(&mut self, batch: &[Record], parts: &Parts) {
        let mut new: HashMap<i32, &Record> = HashMap::new();
        for record in batch {
            let looked_at = self.looked_at.get(&record.position.partition);
            if looked_at.is_none_or(|(assignment, _)| *assignment != record.assignment) {
                new.entry(record.position.partition).or_insert(record);
            }
        }
        if new.is_empty() {
            return;
        }
        let (mut backoff, reporter) = (Backoff::new(RETRY.0, RETRY.1), parts.health.reporter());
        let others = loop {
            match look(&new, parts).await {
                Ok(others) => break others,
                Err(error @ LookError::Db(_)) => reporter.away(Dependency::Postgres, &error),
                Err(error @ LookError::Kafka(_)) => reporter.away(Dependency::Kafka, &error),
            }
            backoff.wait().await;
        };
        for (partition, first) in new {
            self.looked_at.insert(partition, (first.assignment, !others.contains(&partition)));
        }
    }

    /// Whether the topic of this partition is the one that was folded, as it was looked at last.
    pub(super) fn holds(&self, partition: i32) -> bool {
        self.looked_at.get(&partition).is_none_or(|(_, same)| *same)
    }
}

/// Those of `new` whose topic is another one.
async fn look(new: &HashMap<i32, &Record>, parts: &Parts) -> Result<HashSet<i32>, LookError> {
    let progress = parts.db.progress(&parts.topic).await?;
    let mut others = HashSet::new();
    for (partition, first) in new {
        let Some(Progress { next_offset, refused }) = progress.get(partition).copied() else { continue };
        if !refused && next_offset <= first.offset {
            if next_offset < first.offset {
                let (from, to) = (next_offset, first.offset);
                tracing::warn!(
                    topic = parts.topic,
                    partition,
                    from,
                    to,
                    "ratings were gone before they were counted"
                );
            }
            continue;
        }
        // asked after the progress was read, so an end of the same topic is not below it
        let end = kafka::end_of(&parts.brokers, &parts.topic, *partition).await?;
        if refused || end < next_offset {
            if !refused {
                parts.db.refuse(&parts.topic, *partition).await?;
            }
            others.insert(*partition);
            tracing::error!(
                topic = parts.topic,
                partition,
                end,
                next_offset,
                "this is another topic than the one that was counted: its ratings are left alone, until the topic's \
                 rows of consumer_progress are deleted and the replicas started again"
            );
        }
    }
    Ok(others)
}
