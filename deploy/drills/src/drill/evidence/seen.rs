//! What a viewer was told, in order: a short form of its frames.

use std::collections::HashMap;

use uuid::Uuid;

/// A product as a viewer shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) version: i64,
    pub(crate) price: i64,
    pub(crate) stock: i64,
}

/// One thing that a viewer was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The greeting. `asked`: the viewer had given a cursor.
    Hello { asked: bool, resumed: bool, reset: bool },
    /// A product of a snapshot.
    Listed { product: Uuid, version: i64 },
    /// The last page of a snapshot.
    Complete,
    /// A change that folds in `from..=version`.
    Changed { product: Uuid, from: i64, version: i64 },
    /// A record of this product went to the dead letters.
    Gap { product: Option<Uuid> },
    /// The connection is over.
    End,
    /// Something that is not as agreed.
    Strange(String),
}

/// One viewer: all that it was told, and what it shows in the end.
#[derive(Debug, Clone, Default)]
pub(crate) struct ViewerLog {
    pub(crate) name: String,
    /// The products that it follows; all without.
    pub(crate) follows: Option<Vec<Uuid>>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) shows: HashMap<Uuid, Shown>,
    /// Subject: count and sum of its ratings.
    pub(crate) ratings: HashMap<String, (i64, i64)>,
    /// Product: revision and hash of its photo.
    pub(crate) photos: HashMap<Uuid, (i64, String)>,
}
