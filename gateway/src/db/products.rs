//! Reads of current state, and of what lists show beside it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use schema::{
    Currency, ListedProduct, Name, PhotoMark, PriceMinor, Product, ProductId, Rating, Stock, Version,
};
use uuid::Uuid;

use super::photos::{self, MarkRow};
use super::ratings;
use super::tables::products;
use super::{Db, DbError, within};

/// A row as the database holds it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = products)]
pub(super) struct ProductRow {
    #[diesel(embed)]
    fields: Fields,
    pub(super) event_id: Uuid,
    pub(super) previous: i64,
    pub(super) previous_event_id: Option<Uuid>,
}

impl ProductRow {
    /// The row as a product.
    pub(super) fn product(&self) -> Option<Product> {
        self.fields.product()
    }
}

/// The columns that make a product, in either table.
#[derive(Queryable, Selectable)]
#[diesel(table_name = products)]
pub(super) struct Fields {
    product_id: Uuid,
    version: i64,
    name: String,
    price_minor: i64,
    currency: String,
    stock: i32,
    occurred_at: DateTime<Utc>,
}

impl Fields {
    /// The product; `None` for columns that were not written by a gateway and break the contract.
    pub(super) fn product(&self) -> Option<Product> {
        Some(Product {
            product_id: ProductId::from(self.product_id),
            version: Version::try_from(self.version).ok()?,
            name: Name::try_from(self.name.as_str()).ok()?,
            price_minor: PriceMinor::try_from(self.price_minor).ok()?,
            currency: Currency::try_from(self.currency.as_str()).ok()?,
            stock: Stock::try_from(i64::from(self.stock)).ok()?,
            occurred_at: self.occurred_at,
        })
    }
}

impl Db {
    /// Up to `limit` products behind `after`, by id, with what is known of them besides.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn listed_after(
        &self,
        after: Option<ProductId>,
        limit: i64,
    ) -> Result<Vec<ListedProduct>, DbError> {
        let mut query = products::table
            .select(ProductRow::as_select())
            .order(products::product_id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(products::product_id.gt(after.uuid()));
        }
        within(async {
            let mut connection = self.read().await?;
            let rows: Vec<ProductRow> = query.load(&mut connection).await?;
            Ok(list(&mut connection, rows).await?)
        })
        .await
    }

    /// One product, with what is known of it besides.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn listed(&self, id: ProductId) -> Result<Option<ListedProduct>, DbError> {
        let query = products::table.find(id.uuid()).select(ProductRow::as_select());
        within(async {
            let mut connection = self.read().await?;
            let rows: Vec<ProductRow> = query.load(&mut connection).await?;
            Ok(list(&mut connection, rows).await?.pop())
        })
        .await
    }

    /// One product's state.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn product(&self, id: ProductId) -> Result<Option<Product>, DbError> {
        let query = products::table.find(id.uuid()).select(ProductRow::as_select());
        let read = async { Ok(query.first::<ProductRow>(&mut self.read().await?).await.optional()?) };
        let row = within(read).await?;
        Ok(row.and_then(|row| row.product()))
    }
}

/// `rows`, which stand by id, with what other tables know of their products. These are read by ranges of ids: a join
/// would be planned anew for each page, and sometimes badly.
async fn list(connection: &mut AsyncPgConnection, rows: Vec<ProductRow>) -> QueryResult<Vec<ListedProduct>> {
    let products: Vec<Product> = rows.iter().filter_map(ProductRow::product).collect();
    let Some((first, last)) = products.as_slice().first().zip(products.as_slice().last()) else {
        return Ok(Vec::new());
    };
    let range = (first.product_id, last.product_id);
    let photos = photos::marks_of(connection, range).await?;
    let mut photos = photos.iter().peekable();
    let mut ratings: HashMap<ProductId, Rating> =
        ratings::ratings_of(connection, range).await?.into_iter().collect();
    let listed = products.into_iter().map(|product| {
        let id = product.product_id;
        while photos.next_if(|row| row.product_id() < id).is_some() {}
        let photo = photos.next_if(|row| row.product_id() == id).map_or(PhotoMark::NONE, MarkRow::mark);
        ListedProduct { product, photo, rating: ratings.remove(&id) }
    });
    Ok(listed.collect())
}

/// The rows of `ids`, as they are now.
pub(super) async fn rows_of(
    connection: &mut AsyncPgConnection,
    ids: &[Uuid],
) -> QueryResult<Vec<ProductRow>> {
    products::table
        .filter(products::product_id.eq_any(ids))
        .select(ProductRow::as_select())
        .load(connection)
        .await
}
