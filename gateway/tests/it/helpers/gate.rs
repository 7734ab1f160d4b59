//! A gate decides what stands in one batch.
//!
//! It holds the row of a product of its own. A writer that has a change of that product in hand waits at the gate, and the
//! records behind it gather. When the gate opens, they are one batch.

use schema::relay::{RelayFrame, RelayedProduct};
use uuid::Uuid;

use super::kafka::Producer;
use super::sql::Sql;
use super::{Change, World, change, until};

/// A product whose row is held while the gate is closed.
pub(crate) struct Gate {
    pub(crate) product: Uuid,
    version: i64,
    holder: Sql,
}

impl Gate {
    /// Makes the product, version 1 stored and relayed at once, and holds its row. (Records begin with version 2.)
    pub(crate) async fn close(world: &World) -> Self {
        let product = change::product();
        let first = Change::of(product, 1).decoded();
        let applied = world.db().writer().apply(&[&first], chrono::Utc::now().date_naive()).await.unwrap();
        let frame = RelayedProduct {
            product: first.product(),
            from: first.version,
            recorded_ms: None,
            path_ms: None,
        };
        let entry = serde_json::to_vec(&[RelayFrame::ProductChanged(frame)]).unwrap();
        world.redis().append(applied.epoch.id, &[entry.into()]).await.unwrap();
        let gate = Self { product, version: 1, holder: Sql::connect(&world.database_url).await.unwrap() };
        gate.hold().await;
        gate
    }

    /// Holds the row; it must not be held.
    pub(crate) async fn hold(&self) {
        let product = self.product;
        self.holder.run("BEGIN").await;
        self.holder.rows(&format!("SELECT 1 FROM products WHERE product_id = '{product}' FOR UPDATE")).await;
    }

    /// Lets everybody pass.
    pub(crate) async fn open(&self) {
        self.holder.run("COMMIT").await;
    }

    /// The change that waits here.
    pub(crate) fn next(&mut self) -> Change {
        self.version += 1;
        Change::of(self.product, self.version)
    }

    /// Sends a change of the gate's product to `partition`, and waits until a writer stands at the gate with it.
    pub(crate) async fn stop_writer(&mut self, world: &World, producer: &Producer, partition: i32) {
        producer.changes_to(partition, &[self.next()]).await;
        self.until_waiting(world, 1).await;
    }

    /// Waits until `count` statements wait for a lock in this world's database.
    pub(crate) async fn until_waiting(&self, world: &World, count: i64) {
        // the batch statement, and nothing else that may wait for a lock
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock' AND query LIKE 'WITH incoming%'";
        until(&format!("{count} writers at the gate"), async || {
            (world.sql.number(sql).await >= count).then_some(())
        })
        .await;
    }
}

/// Waits until all that stands in `from` has been fetched, seen by changes of another writer's partition, `by`, that
/// come through: what was acknowledged before the first of them is in hand when the second one is stored.
pub(crate) async fn until_fetched(world: &World, producer: &Producer, by: i32) {
    for _ in 0..2 {
        let marker = change::product();
        producer.changes_to(by, &[Change::of(marker, 1)]).await;
        world.until_stored(marker, 1).await;
    }
}
