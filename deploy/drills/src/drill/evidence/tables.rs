//! The tables, read over SQL when nobody writes any more.

use std::collections::HashMap;

use uuid::Uuid;

use super::seen::Shown;
use crate::drill::world::sql::Sql;

/// What the database holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    pub(crate) products: HashMap<Uuid, Product>,
    /// Product, version, event of the history.
    pub(crate) history: Vec<(Uuid, i64, Uuid)>,
    /// Subject: count and sum.
    pub(crate) ratings: HashMap<String, (i64, i64)>,
    /// Product: revision and hash; an empty hash is no photo.
    pub(crate) photos: HashMap<Uuid, (i64, String)>,
}

/// A row of `products`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) shown: Shown,
    pub(crate) event: Uuid,
}

/// Reads all of it.
pub(crate) async fn read(sql: &Sql) -> anyhow::Result<Tables> {
    let mut tables = Tables::default();
    for row in &sql.rows("SELECT product_id, version, price_minor, stock, event_id FROM products").await? {
        let [id, version, price, stock, event] = fields(row)?;
        let shown = Shown { version: version.parse()?, price: price.parse()?, stock: stock.parse()? };
        tables.products.insert(id.parse()?, Product { shown, event: event.parse()? });
    }
    for row in &sql.rows("SELECT product_id, version, event_id FROM product_changes").await? {
        let [id, version, event] = fields(row)?;
        tables.history.push((id.parse()?, version.parse()?, event.parse()?));
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

fn fields<const N: usize>(row: &[String]) -> anyhow::Result<&[String; N]> {
    row.try_into().map_err(|_| anyhow::anyhow!("a row with {} fields", row.len()))
}
