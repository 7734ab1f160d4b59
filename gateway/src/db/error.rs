//! What can go wrong with the database, split by what the caller does about it.

use diesel::result::{DatabaseErrorKind, Error};

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No connection could be had.
    #[error("no connection to Postgres: {0}")]
    Away(String),
    /// No answer within the time that the statement may take.
    #[error("Postgres did not answer within {0:?}")]
    Timeout(std::time::Duration),
    /// A value breaks a rule of its column: the row will never be taken.
    #[error("Postgres refused a value: {0}")]
    Refused(#[source] Error),
    /// Anything else: the server stops, is read-only, full, busy, or at odds with another transaction.
    #[error("Postgres: {0}")]
    Failed(#[source] Error),
    /// The migrations can't be applied.
    #[error("migrations: {0}")]
    Migration(String),
}

impl DbError {
    /// Whether the same work may succeed later. Only a refused value never does; whatever can't be told apart from a
    /// passing trouble counts as one, because a retry loses nothing and a dead letter would.
    pub const fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

impl From<Error> for DbError {
    fn from(error: Error) -> Self {
        match &error {
            // a check of a column has a name; "no partition of relation found for row" is a check violation without one
            Error::DatabaseError(DatabaseErrorKind::CheckViolation, info)
                if info.constraint_name().is_some() =>
            {
                Self::Refused(error)
            }
            Error::DatabaseError(DatabaseErrorKind::NotNullViolation, _) => Self::Refused(error),
            _ => Self::Failed(error),
        }
    }
}
