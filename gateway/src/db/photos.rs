//! Photos: which one each product has, their bytes, and replacing them.
//!
//! A replacement locks the product's row in `photos` (made when it is not there), so of two uploads one is the later one,
//! and conditions are judged on what it replaces. It holds the relay's epoch like every write that is relayed.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use schema::{PhotoHash, PhotoMark, PhotoRevision, ProductId};
use tokio::time::Instant;
use uuid::Uuid;

use super::tables::{photos, products};
use super::{Db, DbError, epoch, within};
use crate::epoch::Epoch;
use crate::picture::{MediaType, Photo, Picture};

/// Longest time for reading one photo once a connection is there; what was read longer ago may be old.
const PHOTO_WITHIN: Duration = Duration::from_millis(700);

/// A photo's row without its bytes.
#[derive(Queryable, Selectable)]
#[diesel(table_name = photos)]
pub(super) struct MarkRow {
    product_id: Uuid,
    revision: i64,
    hash: Option<Vec<u8>>,
}

impl MarkRow {
    pub(super) fn product_id(&self) -> ProductId {
        self.product_id.into()
    }

    pub(super) fn mark(&self) -> PhotoMark {
        mark(self.revision, self.hash.as_deref())
    }
}

/// What the database has of one product's photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPhoto {
    /// At this time or later it was so.
    pub as_of: Instant,
    /// What there is; none when the product is not known.
    pub photo: Option<Photo>,
}

/// What became of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// It is stored.
    Done {
        /// Its revision.
        revision: PhotoRevision,
        /// What it replaced.
        before: PhotoMark,
        /// The relay's epoch, which can't have ended before this write was committed.
        epoch: Epoch,
    },
    /// The condition does not hold of this photo; nothing was written.
    Refused(PhotoMark),
    /// The product is not known; nothing was written.
    UnknownProduct,
}

impl Db {
    /// One product's photo with its bytes.
    ///
    /// # Errors
    /// The database can't be reached, or took so long that its answer may be old.
    pub async fn photo(&self, id: ProductId) -> Result<StoredPhoto, DbError> {
        type Row = (i64, Option<Vec<u8>>, Option<String>, Option<Vec<u8>>);
        let row = photos::table.find(id.uuid()).select((
            photos::revision,
            photos::hash,
            photos::content_type,
            photos::bytes,
        ));
        let mut connection = self.read().await?;
        let as_of = Instant::now();
        let read = async {
            let Some((revision, hash, media_type, bytes)): Option<Row> =
                row.first(&mut connection).await.optional()?
            else {
                let known = is_known(&mut connection, id).await?;
                let none = Photo { revision: PhotoRevision::MIN, picture: None };
                return Ok::<_, DbError>(known.then_some(none));
            };
            let PhotoMark { hash, revision } = mark(revision, hash.as_deref());
            let media_type = media_type.and_then(|name| MediaType::of_name(&name));
            let picture = hash.zip(media_type).zip(bytes).map(|((hash, media_type), bytes)| Picture {
                hash,
                media_type,
                bytes: bytes.into(),
            });
            Ok(Some(Photo { revision, picture }))
        };
        let photo =
            tokio::time::timeout(PHOTO_WITHIN, read).await.unwrap_or(Err(DbError::Timeout(PHOTO_WITHIN)))?;
        // a time-out does not notice that this whole process stood still
        if as_of.elapsed() > PHOTO_WITHIN {
            return Err(DbError::Timeout(PHOTO_WITHIN));
        }
        Ok(StoredPhoto { as_of, photo })
    }

    /// Stores `picture` as the next revision of a product's photo, or removes the photo, if `condition` holds of what is
    /// there.
    ///
    /// # Errors
    /// Nothing was written, or (time-out, lost connection) it is not known.
    pub async fn replace_photo(
        &self,
        id: ProductId,
        picture: Option<&Picture>,
        condition: impl Fn(PhotoMark) -> bool + Sync,
    ) -> Result<Replaced, DbError> {
        within(async {
            let mut connection = self.read().await?;
            let replaced = connection
                .transaction(async |connection| replace(connection, id, picture, &condition).await)
                .await?;
            Ok(replaced)
        })
        .await
    }
}

async fn replace(
    connection: &mut AsyncPgConnection,
    id: ProductId,
    picture: Option<&Picture>,
    condition: &(impl Fn(PhotoMark) -> bool + Sync),
) -> QueryResult<Replaced> {
    if !is_known(connection, id).await? {
        return Ok(Replaced::UnknownProduct);
    }
    let row = photos::table.find(id.uuid());
    diesel::insert_into(photos::table)
        .values((photos::product_id.eq(id.uuid()), photos::revision.eq(0)))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    let (revision, hash): (i64, Option<Vec<u8>>) =
        row.select((photos::revision, photos::hash)).for_update().first(connection).await?;
    let before = mark(revision, hash.as_deref());
    if !condition(before) {
        // a row of revision 0 that is left behind says what no row says: there was no photo yet
        return Ok(Replaced::Refused(before));
    }
    let after = revision + 1;
    diesel::update(row)
        .set((
            photos::revision.eq(after),
            photos::hash.eq(picture.map(|picture| picture.hash.as_bytes().as_slice())),
            photos::content_type.eq(picture.map(|picture| picture.media_type.as_str())),
            photos::bytes.eq(picture.map(|picture| picture.bytes.as_ref())),
        ))
        .execute(connection)
        .await?;
    let epoch = epoch::hold(connection).await?;
    Ok(Replaced::Done { revision: PhotoRevision::saturating(after), before, epoch })
}

async fn is_known(connection: &mut AsyncPgConnection, id: ProductId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(products::table.find(id.uuid()))).get_result(connection).await
}

/// Which photos the products from `first` to `last` have, by id. Products without a row never had one.
pub(super) async fn marks_of(
    connection: &mut AsyncPgConnection,
    (first, last): (ProductId, ProductId),
) -> QueryResult<Vec<MarkRow>> {
    photos::table
        .filter(photos::product_id.between(first.uuid(), last.uuid()))
        .order(photos::product_id)
        .select(MarkRow::as_select())
        .load(connection)
        .await
}

fn mark(revision: i64, hash: Option<&[u8]>) -> PhotoMark {
    PhotoMark {
        // a column's check holds the length
        hash: hash.and_then(|hash| PhotoHash::try_from(hash).ok()),
        revision: PhotoRevision::saturating(revision),
    }
}
