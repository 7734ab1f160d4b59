//! Evidence: what an outsider can see of a run, as plain values, and nothing that judges it.
//!
//! Read when all work is done: tables ([`tables`]); when all programs have ended: audit logs ([`audit`]), whole topics and
//! the commits that the broker took ([`topics`]); collected during the run: what each viewer was told ([`seen`]), what raters and
//! readers of photos got, and what `/proc` says of processes. Nothing here comes from the services' own code.

pub(crate) mod audit;
pub(crate) mod seen;
pub(crate) mod tables;
pub(crate) mod topics;

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use self::audit::{Line, Produced};
use self::seen::ViewerLog;
use self::tables::Tables;
use self::topics::Commit;

/// How soon viewers must show what the database holds, all faults being over.
pub(crate) const CONVERGE: Duration = Duration::from_secs(10);

/// All that is known of one act.
#[derive(Default)]
pub(crate) struct Evidence {
    /// Lines of all replicas' audit logs.
    pub(crate) audit: Vec<Line>,
    /// What the generators said was acknowledged.
    pub(crate) produced: Vec<Produced>,
    /// Every record of every topic of ours, by topic.
    pub(crate) topics: BTreeMap<String, Vec<Record>>,
    /// Every commit that the broker took, in its order.
    pub(crate) commits: Vec<Commit>,
    pub(crate) tables: Tables,
    pub(crate) viewers: Vec<ViewerLog>,
    pub(crate) ratings: Vec<RatingSent>,
    pub(crate) photos: PhotosSeen,
    pub(crate) processes: Vec<Usage>,
    pub(crate) ended: Vec<Ended>,
    /// How the faults went, in order.
    pub(crate) faults: Vec<Fault>,
    /// Dead letters that were sent back, and taken.
    pub(crate) sent_back: Vec<SentBack>,
    /// From the end of the load, all faults being over, to when all viewers showed what the database held; none: they
    /// never did.
    pub(crate) converged_ms: Option<u64>,
    /// What could not be played or read.
    pub(crate) troubles: Vec<String>,
    /// How many times longer than promised things may take here.
    pub(crate) slack: u32,
}

impl Evidence {
    /// The records of a topic.
    pub(crate) fn topic(&self, name: &str) -> &[Record] {
        self.topics.get(name).map_or(&[], Vec::as_slice)
    }

    /// What is allowed where so much is promised.
    pub(crate) fn allowed(&self, promised: Duration) -> Duration {
        promised * self.slack.max(1)
    }
}

/// A record as it stands in a topic.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// When the broker appended it, milliseconds since 1970: what a producer or a broker was late is no wait of a reader.
    pub(crate) at_ms: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// The first header called `name`.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice())
    }

    /// The same as text; empty when it is not there, or no text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.header(name).and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default()
    }
}

/// A dead letter that was sent back.
#[derive(Debug, Clone)]
pub(crate) struct SentBack {
    /// Where the letter stands.
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// The value that was given instead of its own.
    pub(crate) corrected: Option<String>,
}

/// A rating that somebody sent until it was acknowledged, or gave up.
#[derive(Debug, Clone)]
pub(crate) struct RatingSent {
    pub(crate) subject: String,
    pub(crate) rate: i64,
    /// What was named as `Idempotency-Key`.
    pub(crate) key: String,
    /// Whether any try was answered 202.
    pub(crate) acknowledged: bool,
}

/// Photos: what was stored, and what was served.
#[derive(Debug, Clone, Default)]
pub(crate) struct PhotosSeen {
    /// Uploads that were answered.
    pub(crate) stored: Vec<PhotoStored>,
    /// Answers to who asked for one.
    pub(crate) read: Vec<PhotoRead>,
}

/// An upload that was answered.
#[derive(Debug, Clone)]
pub(crate) struct PhotoStored {
    pub(crate) product: Uuid,
    pub(crate) revision: i64,
    pub(crate) hash: String,
    /// When the answer was there, since the act began.
    pub(crate) at: Duration,
}

/// What was answered to who asked for a photo.
#[derive(Debug, Clone)]
pub(crate) struct PhotoRead {
    pub(crate) product: Uuid,
    /// When it was asked for, since the act began.
    pub(crate) asked: Duration,
    /// None: the answer was that there is no photo.
    pub(crate) served: Option<Served>,
}

/// The photo of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    /// The entity tag, without its quotes.
    pub(crate) tag: String,
    /// SHA-256 of the body, hexadecimal.
    pub(crate) hash: String,
}

/// What a process took at most, and in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) name: String,
    pub(crate) pid: u32,
    pub(crate) peak_bytes: u64,
    /// Open descriptors at the last look, when all viewers had gone; none where it was killed before.
    pub(crate) last_fds: Option<usize>,
}

/// A process that was not killed, and how it ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) name: String,
    /// Whether it was asked to.
    pub(crate) asked: bool,
    /// Its exit code; none after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
}

/// One fault: when it began and was healed, and how long it took until there was no lag.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub(crate) struct Fault {
    pub(crate) row: &'static str,
    pub(crate) seed: u64,
    /// Milliseconds since 1970.
    pub(crate) began_ms: i64,
    pub(crate) healed_ms: i64,
    /// From the end of the fault to the end of lag; none: it did not end.
    pub(crate) back_ms: Option<u64>,
    /// What was done, for a person.
    pub(crate) notes: Vec<String>,
    /// Whether offsets were set back on purpose.
    pub(crate) rewinds: bool,
    /// Why it could not be played to its end.
    pub(crate) error: Option<String>,
}
