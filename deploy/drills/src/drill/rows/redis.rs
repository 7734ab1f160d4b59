//! Redis away, emptied, slow, full, or read-only.

use super::{Row, Scene, Servers};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "redis-kill",
        about: "killed, then started with its file",
        servers: Servers::One,
        seconds: 7,
        run: |scene| Box::pin(kill(scene)),
    },
    Row {
        name: "redis-flush",
        about: "FLUSHALL under load",
        servers: Servers::One,
        seconds: 4,
        run: |scene| Box::pin(flush(scene)),
    },
    Row {
        name: "redis-slow",
        about: "answers nobody for seconds (CLIENT PAUSE)",
        servers: Servers::One,
        seconds: 8,
        run: |scene| Box::pin(slow(scene)),
    },
    Row {
        name: "redis-full",
        about: "out of memory (maxmemory 1 MB, nothing may go)",
        servers: Servers::One,
        seconds: 7,
        run: |scene| Box::pin(full(scene)),
    },
    Row {
        name: "redis-read-only",
        about: "a replica of a server that is not there (REPLICAOF)",
        servers: Servers::One,
        seconds: 7,
        run: |scene| Box::pin(read_only(scene)),
    },
];

async fn kill(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.wait_ms(0, 1_000).await;
    scene.note("killed");
    scene.world.kill_server("redis")?;
    scene.wait_ms(2_000, 5_000).await;
    Ok(())
}

async fn flush(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.note("FLUSHALL");
    scene.world.redis(&["FLUSHALL"])?;
    scene.wait_ms(500, 1_500).await;
    Ok(())
}

async fn slow(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.note("CLIENT PAUSE 4000 ALL");
    scene.world.redis(&["CLIENT", "PAUSE", "4000", "ALL"])?;
    scene.wait_ms(4_500, 5_500).await;
    Ok(())
}

async fn full(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.note("maxmemory 1mb, noeviction");
    scene.world.redis(&["CONFIG", "SET", "maxmemory-policy", "noeviction"])?;
    scene.world.redis(&["CONFIG", "SET", "maxmemory", "1mb"])?;
    scene.wait_ms(3_000, 5_000).await;
    scene.world.redis(&["CONFIG", "SET", "maxmemory", "512mb"])?;
    scene.world.redis(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"])?;
    Ok(())
}

async fn read_only(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.note("REPLICAOF 127.0.0.1 1");
    scene.world.redis(&["REPLICAOF", "127.0.0.1", "1"])?;
    scene.wait_ms(3_000, 5_000).await;
    scene.world.redis(&["REPLICAOF", "NO", "ONE"])?;
    Ok(())
}
