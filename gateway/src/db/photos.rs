//! Photos: which one each product has.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use schema::{PhotoHash, PhotoMark, PhotoRevision, ProductId};
use uuid::Uuid;

use super::tables::photos;

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
        PhotoMark {
            // a column's check holds the length
            hash: self.hash.as_deref().and_then(|hash| PhotoHash::try_from(hash).ok()),
            revision: PhotoRevision::saturating(self.revision),
        }
    }
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
