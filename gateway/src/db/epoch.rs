//! The row that names the relay's stream. See [`crate::epoch`] for the protocol.

use diesel::prelude::*;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::tables::relay_epoch;
use super::{Db, DbError, connection, within};
use crate::epoch::Epoch;

impl Db {
    /// The epoch now.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn epoch(&self) -> Result<Epoch, DbError> {
        read(&self.tail).await
    }

    /// The epoch now, asked for a viewer: many may come at once, and must not hold up the tail.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn epoch_for_a_viewer(&self) -> Result<Epoch, DbError> {
        read(&self.readers).await
    }

    /// Ends epoch `old` and begins `new`, unless `old` has ended already; returns the epoch that the row holds then.
    ///
    /// # Errors
    /// The database can't be reached; the row is as it was, or holds `new`.
    pub async fn change_epoch(&self, old: Uuid, new: &Epoch) -> Result<Epoch, DbError> {
        let values = (
            relay_epoch::epoch.eq(new.id),
            relay_epoch::run_id.eq(&new.run_id),
            relay_epoch::changed_at.eq(diesel::dsl::now),
        );
        let row = diesel::update(relay_epoch::table.filter(relay_epoch::epoch.eq(old))).set(values);
        let changed = within(async { Ok(row.execute(&mut connection(&self.tail).await?).await?) }).await?;
        if changed == 1 { Ok(new.clone()) } else { self.epoch().await }
    }
}

async fn read(pool: &Pool<AsyncPgConnection>) -> Result<Epoch, DbError> {
    let columns = (relay_epoch::epoch, relay_epoch::run_id);
    let read = async { Ok(relay_epoch::table.select(columns).first(&mut connection(pool).await?).await?) };
    let (id, run_id) = within(read).await?;
    Ok(Epoch { id, run_id })
}

/// The epoch, held until the transaction ends: a change of it waits for the writes that rely on it.
pub(super) async fn hold(connection: &mut AsyncPgConnection) -> QueryResult<Epoch> {
    let columns = (relay_epoch::epoch, relay_epoch::run_id);
    let (id, run_id) = relay_epoch::table.select(columns).for_share().first(connection).await?;
    Ok(Epoch { id, run_id })
}
