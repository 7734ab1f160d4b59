//! Reads of current state.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use schema::{Currency, Name, PriceMinor, Product, ProductId, Stock, Version};
use uuid::Uuid;

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
    /// Up to `limit` products behind `after`, by id.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn products_after(
        &self,
        after: Option<ProductId>,
        limit: i64,
    ) -> Result<Vec<Product>, DbError> {
        let mut query = products::table
            .select(ProductRow::as_select())
            .order(products::product_id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(products::product_id.gt(after.uuid()));
        }
        let rows: Vec<ProductRow> = within(async { Ok(query.load(&mut self.read().await?).await?) }).await?;
        Ok(rows.iter().filter_map(ProductRow::product).collect())
    }

    /// One product.
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
