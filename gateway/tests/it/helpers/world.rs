//! One test's names and addresses.

use std::path::{Path, PathBuf};

use chrono::Utc;
use gateway::db::Db;
use gateway::redis::Redis;
use gateway::{epoch, kafka as client};
use schema::topics::{self, TopicSpec};
use stack::Shared;
use uuid::Uuid;

use super::process::{Gateway, Generator};
use super::sql::Sql;

/// Servers, and names on them that no other test uses.
pub(crate) struct World {
    pub(crate) kafka: String,
    pub(crate) database_url: String,
    pub(crate) redis_url: String,
    pub(crate) redis_prefix: String,
    pub(crate) topic: String,
    pub(crate) group: String,
    /// The relay's first epoch, where it was opened.
    pub(crate) epoch: Option<Uuid>,
    /// The test's own connection.
    pub(crate) sql: Sql,
    /// Logs, audit logs and address files of this test.
    pub(crate) folder: PathBuf,
}

impl World {
    /// A world on the shared servers: topics of `partitions`, tables, and an open relay.
    pub(crate) async fn shared(name: &str, partitions: i32) -> Self {
        Self::on(&stack::shared().unwrap(), name, partitions).await
    }

    /// The same on servers of the test's own.
    pub(crate) async fn on(servers: &Shared, name: &str, partitions: i32) -> Self {
        Self::with_topic(servers, name, TopicSpec { partitions, ..topics::changes("") }).await
    }

    /// The same, with a topic of changes like `topic`, but for its name.
    pub(crate) async fn with_topic(servers: &Shared, name: &str, topic: TopicSpec) -> Self {
        let mut world = Self::bare(servers, name).await;
        let ratings = world.ratings_topic();
        let mut specs = [
            TopicSpec { name: world.topic.clone(), ..topic },
            topics::redrive(&world.topic),
            topics::dead_letters(&world.topic),
            topics::ratings(&ratings),
            topics::dead_letters(&ratings),
        ];
        for (spec, partitions) in specs.iter_mut().skip(1).zip([1, 2, 3, 1]) {
            spec.partitions = partitions;
        }
        // (a broker that is very busy refuses for a moment)
        super::until("topics are made", async || client::ensure_topics(&world.kafka, &specs).await.ok())
            .await;
        // a topic that was just made may be unknown for a moment to who sends to it
        for spec in &specs {
            assert_eq!(world.ends(&spec.name).len(), usize::try_from(spec.partitions).unwrap());
        }
        super::until_ok("tables are made", async || world.db().migrate().await).await;
        let today = Utc::now().date_naive();
        super::until_ok("partitions are made", async || world.db().make_partitions(today).await).await;
        world.open_relay().await;
        world
    }

    /// Names and an empty database; no topic, no table.
    pub(crate) async fn bare(servers: &Shared, name: &str) -> Self {
        let unique = format!("{name}_{:08x}", rand::random::<u32>());
        let database = format!("t_{unique}");
        servers.create_database(&database).unwrap();
        let database_url = servers.database_url(&database);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&unique);
        std::fs::create_dir_all(&folder).unwrap();
        Self {
            kafka: servers.kafka.clone(),
            sql: Sql::connect(&database_url).await.unwrap(),
            database_url,
            epoch: None,
            redis_url: servers.redis_url.clone(),
            redis_prefix: format!("{unique}:"),
            topic: unique.clone(),
            group: unique,
            folder,
        }
    }

    /// Starts a replica. `args` come after those of this world.
    pub(crate) fn gateway(&self, name: &str, args: &[&str]) -> Gateway {
        self.gateway_with(name, args, &[])
    }

    /// The same, with variables of its own.
    pub(crate) fn gateway_with(&self, name: &str, args: &[&str], env: &[(&str, &str)]) -> Gateway {
        Gateway::start(self, name, args, env)
    }

    /// Starts a replica that can write no line of its log.
    pub(crate) fn gateway_on_a_full_disk(&self, name: &str) -> Gateway {
        Gateway::start_on_a_full_disk(self, name)
    }

    /// Starts a generator for this world's topic. Its audit log is `generator.audit`.
    pub(crate) fn generator(&self, args: &[&str]) -> Generator {
        Generator::start(self, args)
    }

    /// The gateway's own way to the database.
    pub(crate) fn db(&self) -> Db {
        Db::new(&self.database_url).unwrap()
    }

    /// The gateway's own way to Redis.
    pub(crate) fn redis(&self) -> Redis {
        Redis::new(&self.redis_url, &self.redis_prefix).unwrap()
    }

    /// Connects anew to a database that was away.
    pub(crate) async fn reconnect(&mut self) {
        self.sql = super::until("the database", async || Sql::connect(&self.database_url).await.ok()).await;
    }

    /// The topic of dead letters.
    pub(crate) fn dead_letters(&self) -> String {
        topics::dead_letters(&self.topic).name
    }

    /// Begins an epoch with a stream, so that frames are relayed before anybody reads them.
    async fn open_relay(&mut self) {
        let new = super::until("an epoch has a stream", async || {
            let old = self.db().epoch().await.ok()?;
            let new = epoch::change(&self.db(), &self.redis(), &old, "test").await.ok()?;
            Some(new).filter(epoch::Epoch::has_stream)
        })
        .await;
        self.epoch = Some(new.id);
    }

    /// Versions of `product` in the history, in order.
    pub(crate) async fn history(&self, product: Uuid) -> Vec<i64> {
        let sql = format!("SELECT version FROM product_changes WHERE product_id = '{product}' ORDER BY 1");
        self.sql.rows(&sql).await.iter().map(|row| row[0].parse().unwrap()).collect()
    }

    /// The stored version and price of `product`.
    pub(crate) async fn stored(&self, product: Uuid) -> Option<(i64, i64)> {
        let sql = format!("SELECT version, price_minor FROM products WHERE product_id = '{product}'");
        let rows = self.sql.rows(&sql).await;
        rows.first().map(|row| (row[0].parse().unwrap(), row[1].parse().unwrap()))
    }

    /// Waits until `product` is stored in `version` or a later one.
    pub(crate) async fn until_stored(&self, product: Uuid, version: i64) {
        let what = format!("{product} in version {version}");
        super::until(&what, async || self.stored(product).await.filter(|(stored, _)| *stored >= version))
            .await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // what a failed test left behind is worth a look
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
