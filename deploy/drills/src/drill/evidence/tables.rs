//! The tables, read over SQL when nobody writes any more.

use std::collections::HashMap;

use uuid::Uuid;

use super::seen::Shown;
use crate::drill::world::sql::Sql;

/// What the database holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    pub(crate) products: HashMap<Uuid, Product>,
    /// Every version of every product.
    pub(crate) history: Vec<(Uuid, Product)>,
    /// Subject: count and sum.
    pub(crate) ratings: HashMap<String, (i64, i64)>,
    /// Product: revision and hash; an empty hash is no photo.
    pub(crate) photos: HashMap<Uuid, (i64, String)>,
}

/// A product in one version, in `products` or in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) shown: Shown,
    pub(crate) event: Uuid,
    pub(crate) name: String,
    pub(crate) currency: String,
    /// In UTC, with six digits of a second: `2026-01-01T00:00:00.000000`.
    pub(crate) occurred_at: String,
}

const PRODUCT: &str = "product_id, version, price_minor, stock, event_id, name, currency, \
                       to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')";

impl Tables {
    /// What viewers are shown of it: all but the history.
    pub(crate) async fn shown(sql: &Sql) -> anyhow::Result<Self> {
        let mut tables = Self::default();
        for row in &sql.rows(&format!("SELECT {PRODUCT} FROM products")).await? {
            tables.products.extend([product(row)?]);
        }
        for row in &sql.rows("SELECT subject, count, sum FROM ratings WHERE count > 0").await? {
            let [subject, count, sum] = fields(row)?;
            tables.ratings.insert(subject.clone(), (count.parse()?, sum.parse()?));
        }
        for row in &sql.rows("SELECT product_id, revision, encode(hash, 'hex') FROM photos").await? {
            let [id, revision, hash] = fields(row)?;
            tables.photos.insert(id.parse()?, (revision.parse()?, hash.clone()));
        }
        Ok(tables)
    }

    /// All of it.
    pub(crate) async fn all(sql: &Sql) -> anyhow::Result<Self> {
        let mut tables = Self::shown(sql).await?;
        for row in &sql.rows(&format!("SELECT {PRODUCT} FROM product_changes")).await? {
            tables.history.push(product(row)?);
        }
        Ok(tables)
    }
}

fn product(row: &[String]) -> anyhow::Result<(Uuid, Product)> {
    let [id, version, price, stock, event, name, currency, occurred_at] = fields(row)?;
    let shown = Shown { version: version.parse()?, price: price.parse()?, stock: stock.parse()? };
    let (name, currency, occurred_at) = (name.clone(), currency.clone(), occurred_at.clone());
    Ok((id.parse()?, Product { shown, event: event.parse()?, name, currency, occurred_at }))
}

fn fields<const N: usize>(row: &[String]) -> anyhow::Result<&[String; N]> {
    row.try_into().map_err(|_| anyhow::anyhow!("a row with {} fields", row.len()))
}
