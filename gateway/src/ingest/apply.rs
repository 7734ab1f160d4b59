//! Writes a batch, however long it takes.
//!
//! Whatever may pass is retried. A value that the database refuses is found by halving the batch, and set aside as
//! *rejected*; when more than a few rows are refused, the table is at odds with this release, not the rows, and the whole
//! batch is retried instead: a wrong constraint must not empty a topic into the dead letters.

use std::collections::HashMap;
use std::time::Duration;

use chrono::Utc;
use schema::{ProductChanged, ProductId};

use crate::backoff::Backoff;
use crate::db::{self, DbError, Stored};
use crate::epoch::Epoch;
use crate::health::{Dependency, Health};
use crate::metrics::{IngestMetrics, Stage};

/// More refused rows than this in one batch are taken for a defect of the table.
const MOST_REJECTED: usize = 8;
/// First and longest delay between two tries.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// What became of a batch in the database.
pub(super) struct Written<'a> {
    /// What is stored now, for each product that has a row.
    pub(super) stored: HashMap<ProductId, Stored>,
    /// Rows that the database refused, with its words.
    pub(super) rejected: Vec<(&'a ProductChanged, String)>,
    /// The relay's epoch, held during the last write.
    pub(super) epoch: Epoch,
}

/// One writer's way to the database.
pub(super) struct Apply {
    pub(super) writer: db::Writer,
    pub(super) health: Health,
    pub(super) metrics: IngestMetrics,
}

impl Apply {
    /// Writes `changes` (sorted, unique); returns once they are durable. Dropping the future is safe: the write happened
    /// or not, and applying the batch again is right either way.
    pub(super) async fn write<'a>(&mut self, changes: &[&'a ProductChanged]) -> Written<'a> {
        let (mut backoff, reporter) = (Backoff::new(RETRY.0, RETRY.1), self.health.reporter());
        loop {
            let error = match self.attempt(changes).await {
                Ok(written) => return written,
                Err(error) => error,
            };
            reporter.away(Dependency::Postgres, &error);
            self.metrics.retries.get_or_create(&Stage { stage: "apply" }).inc();
            backoff.wait().await;
        }
    }

    /// One try of the whole batch, halved where a value is refused.
    ///
    /// # Errors
    /// The database is away, or refuses too much: parts of the batch may be written, and all of it is to be tried again.
    async fn attempt<'a>(&mut self, changes: &[&'a ProductChanged]) -> Result<Written<'a>, DbError> {
        let mut written: Option<Written<'a>> = None;
        let mut rejected: Vec<&'a ProductChanged> = Vec::new();
        // lower versions of a product stand in the earlier part, which is written first
        let mut parts = vec![changes];
        while let Some(part) = parts.pop() {
            match self.writer.apply(part, Utc::now().date_naive()).await {
                Ok(applied) => merge(&mut written, applied),
                Err(error) if error.is_transient() => return Err(error),
                // not these rows, but the table is at fault
                Err(error) if rejected.len() >= MOST_REJECTED => return Err(error),
                Err(_) => {
                    if let [only] = part {
                        rejected.push(only);
                    } else {
                        let (earlier, later) = part.split_at(part.len() / 2);
                        parts.extend([later, earlier]);
                    }
                }
            }
        }
        // what was refused a moment ago may be taken now, when somebody is mending the table
        let mut rejected_again = Vec::new();
        for row in rejected {
            match self.writer.apply(&[row], Utc::now().date_naive()).await {
                Ok(applied) => merge(&mut written, applied),
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => rejected_again.push((row, error.to_string())),
            }
        }
        if written.is_none() {
            // nothing could be written: the epoch is still owed
            merge(&mut written, self.writer.apply(&[], Utc::now().date_naive()).await?);
        }
        let mut written = written.ok_or_else(|| DbError::Away("no answer".to_owned()))?;
        written.rejected = rejected_again;
        Ok(written)
    }
}

fn merge(written: &mut Option<Written<'_>>, applied: db::Applied) {
    match written {
        None => {
            *written = Some(Written { stored: applied.stored, rejected: Vec::new(), epoch: applied.epoch });
        }
        Some(written) => {
            written.epoch = applied.epoch;
            for (id, later) in applied.stored {
                let earlier = written.stored.remove(&id);
                written.stored.insert(id, fold(earlier, later));
            }
        }
    }
}

/// Two writes of one product, as if they were one.
fn fold(earlier: Option<Stored>, later: Stored) -> Stored {
    match earlier {
        Some(earlier) if earlier.written => Stored {
            previous: earlier.previous,
            previous_event_id: earlier.previous_event_id,
            written: true,
            ..later
        },
        _ => later,
    }
}
