//! What every way of producing begins with: wait for Kafka, make the topic when it is missing, read what it has.

use std::path::Path;

use schema::{ProductId, topics};
use tokio::runtime::Handle;

use crate::audit::AuditLog;
use crate::by_hand::ByHandError;
use crate::config::CommonArgs;
use crate::produce::topic::{self, Patience, TopicError, TopicState};
use crate::produce::{ProduceError, Producer, Traffic};
use crate::replay::ReplayError;
use crate::resume::{End, Known, Reader, ResumeError, Settle};
use crate::stop::Stop;

/// Why producing cannot begin, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The catalogue has no product in this shard.
    #[error("no product of the catalogue is in shard {0}: nothing to do")]
    NothingToDo(crate::shard::Shard),
    /// The audit log cannot be opened.
    #[error("the audit log {path} cannot be opened")]
    AuditLog {
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is no topic.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// The topic cannot be read.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// A change cannot be produced.
    #[error(transparent)]
    Produce(#[from] ProduceError),
    /// The recording cannot be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The change by hand cannot be made.
    #[error(transparent)]
    ByHand(#[from] ByHandError),
}

/// Everything that producing needs.
pub struct Started {
    /// The way to Kafka.
    pub producer: Producer,
    /// The newest state of each product of ours that the topic has.
    pub known: Known,
    /// Stands at the topic's end.
    pub reader: Reader,
}

/// Waits for Kafka and reads the topic, keeping the products that are `ours`, to its end as
/// `settle` takes it; `None` when a stop came first.
pub fn start(
    args: &CommonArgs,
    traffic: Traffic,
    ours: impl Fn(ProductId) -> bool,
    settle: Settle,
    runtime: &Handle,
    stop: &Stop,
) -> Result<Option<Started>, RunError> {
    let audit = args.audit_log.as_deref().map(open_audit_log).transpose()?;
    let spec = topics::changes(&args.topic);
    let TopicState::Ready { partitions } =
        topic::ready(runtime, &args.kafka, &spec, Patience::Endless, stop)?
    else {
        return Ok(None);
    };
    let mut known = Known::default();
    let mut reader = Reader::new(&args.kafka, &args.topic, 0..partitions)?;
    let fold = |change: &_| {
        known.fold(change);
    };
    if reader.read_to_end(ours, fold, settle, stop)? == End::Stopped {
        return Ok(None);
    }
    let producer = Producer::new(&args.kafka, &args.topic, traffic, audit)?;
    Ok(Some(Started { producer, known, reader }))
}

/// Opens the audit log, naming it when that fails.
pub fn open_audit_log(path: &Path) -> Result<AuditLog, RunError> {
    AuditLog::open(path).map_err(|source| RunError::AuditLog { path: path.display().to_string(), source })
}
