//! Whether a topic is the one that was folded.
//!
//! Progress is kept by the topic's name. A topic that was deleted and made anew starts at offset 0, and its ratings would
//! be taken for ones that were counted. What gives it away is an end below the progress. It is refused then, and stays
//! refused when it grows past that: nothing of it is counted or committed, until somebody has decided what the totals of
//! the old one are worth, and deletes its rows of `consumer_progress`.
//!
//! Looked at once for each assignment of a partition.

use std::collections::HashMap;
use std::time::Duration;

use crate::backoff::Backoff;
use crate::db::{DbError, Progress};
use crate::health::Dependency;
use crate::kafka::{self, KafkaError, Record};

use super::Parts;

/// First and longest delay between two tries.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The partitions that were looked at, each with the number of its assignment.
#[derive(Debug, Default)]
pub(super) struct SameTopic {
    looked_at: HashMap<i32, u64>,
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
            if self.looked_at.get(&record.position.partition) != Some(&record.assignment) {
                new.entry(record.position.partition).or_insert(record);
            }
        }
        if new.is_empty() {
            return;
        }
        let (mut backoff, reporter) = (Backoff::new(RETRY.0, RETRY.1), parts.health.reporter());
        while let Err(error) = look(&new, parts).await {
            let what = match error {
                LookError::Db(_) => Dependency::Postgres,
                LookError::Kafka(_) => Dependency::Kafka,
            };
            reporter.away(what, &error);
            backoff.wait().await;
        }
        self.looked_at.extend(new.values().map(|record| (record.position.partition, record.assignment)));
    }
}

async fn look(new: &HashMap<i32, &Record>, parts: &Parts) -> Result<(), LookError> {
    let progress = parts.db.progress(&parts.topic).await?;
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
    Ok(())
}
