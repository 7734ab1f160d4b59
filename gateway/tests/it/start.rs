//! How replicas start.

use crate::helpers::{Change, World, change, until};

#[tokio::test]
async fn several_replicas_starting_at_once_migrate_once() {
    let world = World::bare(&stack::shared().unwrap(), "start").await;
    let replicas: Vec<_> = (1..=4).map(|n| world.gateway(&format!("gw{n}"), &[])).collect();
    for replica in &replicas {
        replica.until_assigned(1).await;
    }
    let logs: String = replicas.iter().map(|replica| replica.process.log()).collect();
    let migrations = world.sql.number("SELECT count(*) FROM __diesel_schema_migrations").await;
    assert!(migrations >= 2);
    assert_eq!(
        logs.matches("migration applied").count() as i64,
        migrations,
        "each migration was applied once"
    );
    for refusal in ["already exists", "duplicate key", "can't be applied"] {
        assert!(!logs.contains(refusal), "somebody met a half-made table:\n{logs}");
    }
    assert_eq!(world.ends(&world.topic).len(), 12, "the topics were made");

    let product = change::product();
    world.producer().change(&Change::of(product, 1)).await;
    world.until_stored(product, 1).await;
}

#[tokio::test]
async fn many_migrations_at_once_wait_for_each_other() {
    let world = World::bare(&stack::shared().unwrap(), "migrate").await;
    let all = futures_util::future::join_all((0..8).map(|_| {
        let db = world.db();
        async move {
            db.migrate().await?;
            // (on a busy machine the seven others may take longer than one waits for its turn)
            until("it has its turn", async || {
                let made = db.make_partitions(chrono::Utc::now().date_naive()).await;
                let waited = made.as_ref().is_err_and(|error| error.to_string().contains("lock timeout"));
                (!waited).then_some(made)
            })
            .await
        }
    }));
    for result in all.await {
        result.unwrap();
    }
}

#[tokio::test]
async fn a_change_that_was_there_before_the_group_is_applied() {
    let world = World::shared("before", 2).await;
    let product = change::product();
    world.producer().changes_to(1, &Change::row(product, 1, 3)).await;
    let replica = world.gateway("gw1", &[]);
    world.until_stored(product, 3).await;
    until("it has the partitions", async || {
        replica.audit().iter().any(|line| line.event == "assigned").then_some(())
    })
    .await;
    assert_eq!(world.history(product).await, [1, 2, 3]);
}
