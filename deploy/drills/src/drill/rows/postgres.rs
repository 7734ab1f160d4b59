//! PostgreSQL away, refusing, or slow.

use std::time::Duration;

use super::{Row, Scene, Servers};
use crate::drill::world::sql::Sql;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "postgres-stop",
        about: "stopped as by its administrator, then started",
        servers: Servers::One,
        seconds: 9,
        run: |scene| Box::pin(stop(scene)),
    },
    Row {
        name: "postgres-kill",
        about: "killed with all its processes, then started",
        servers: Servers::One,
        seconds: 8,
        run: |scene| Box::pin(kill(scene)),
    },
    Row {
        name: "postgres-read-only",
        about: "every new transaction is read-only",
        servers: Servers::One,
        seconds: 7,
        run: |scene| Box::pin(read_only(scene)),
    },
    Row {
        name: "postgres-full",
        about: "all connections taken by somebody else, ours thrown out",
        servers: Servers::One,
        seconds: 8,
        run: |scene| Box::pin(full(scene)),
    },
    Row {
        name: "postgres-locked",
        about: "somebody holds the rows of products",
        servers: Servers::One,
        seconds: 11,
        run: |scene| Box::pin(locked(scene)),
    },
    Row {
        name: "postgres-slow",
        about: "every statement that writes products takes a while",
        servers: Servers::One,
        seconds: 8,
        run: |scene| Box::pin(slow(scene)),
    },
];

async fn stop(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.note("stopped");
    scene.world.stop_server("postgres")?;
    scene.wait_ms(3_000, 6_000).await;
    Ok(())
}

async fn kill(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.wait_ms(0, 1_000).await;
    scene.note("killed");
    scene.world.kill_server("postgres")?;
    scene.wait_ms(2_000, 6_000).await;
    Ok(())
}

/// Ends the connections of everybody else, who come back to what was set.
const THROW_OUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                         WHERE datname = current_database() AND pid <> pg_backend_pid()";

async fn read_only(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let sql = scene.world.sql().await?;
    scene.note("default_transaction_read_only");
    sql.run("ALTER DATABASE drill SET default_transaction_read_only = on").await?;
    sql.run(THROW_OUT).await?;
    scene.wait_ms(3_000, 5_000).await;
    sql.run("ALTER DATABASE drill RESET default_transaction_read_only").await?;
    sql.run(THROW_OUT).await
}

async fn full(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let first = scene.world.sql().await?;
    let mut taken: Vec<Sql> = Vec::new();
    let end = std::time::Instant::now() + Duration::from_secs(5);
    // whoever is thrown out competes with us for the place
    while std::time::Instant::now() < end {
        while let Ok(sql) = scene.world.sql().await {
            sql.run("SET application_name = 'crowd'").await?;
            taken.push(sql);
        }
        first.run(&format!("{THROW_OUT} AND application_name <> 'crowd'")).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.note(format!("{} connections taken", taken.len()));
    Ok(())
}

async fn locked(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let sql = scene.world.sql().await?;
    scene.note("fifty rows held");
    sql.run("BEGIN; SELECT 1 FROM products ORDER BY product_id LIMIT 50 FOR UPDATE").await?;
    // beyond the longest statement of ours, 10 s, every other time
    if scene.draw(2) == 0 {
        scene.wait_ms(3_000, 5_000).await;
    } else {
        scene.wait_ms(10_500, 12_000).await;
    }
    sql.run("COMMIT").await
}

async fn slow(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let sql = scene.world.sql().await?;
    scene.note("0.4 s more for each statement that writes products");
    sql.run(
        "CREATE OR REPLACE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END'; \
         CREATE TRIGGER dawdle BEFORE INSERT ON products FOR EACH STATEMENT EXECUTE FUNCTION dawdle()",
    )
    .await?;
    scene.wait_ms(4_000, 7_000).await;
    sql.run("DROP TRIGGER dawdle ON products").await
}
