//! Records that are not as agreed, topics that grow, and a topic that is read again from its start.

use uuid::Uuid;

use super::{Row, Scene, Servers};
use crate::drill::fleet::spoiler::{EXPECT, change, poison};
use crate::drill::world::kafka::{self, Producer};
use crate::drill::world::{CHANGES, LANES, REPLICAS};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "poison-burst",
        about: "10,000 records in a row that can't be read",
        servers: Servers::One,
        seconds: 5,
        run: |scene| Box::pin(burst(scene)),
    },
    Row {
        name: "poison-one-in-ten",
        about: "one of ten records can't be read",
        servers: Servers::One,
        seconds: 4,
        run: |scene| Box::pin(one_in_ten(scene)),
    },
    Row {
        name: "late-versions",
        about: "older versions of products come behind newer ones",
        servers: Servers::One,
        seconds: 5,
        run: |scene| Box::pin(late(scene)),
    },
    Row {
        name: "topic-widened",
        about: "twelve more partitions under load",
        servers: Servers::One,
        seconds: 10,
        run: |scene| Box::pin(widened(scene)),
    },
    Row {
        name: "topic-replayed",
        about: "all groups set back to the start, while no replica lives",
        servers: Servers::One,
        seconds: 8,
        run: |scene| Box::pin(replayed(scene)),
    },
];

async fn burst(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.note("10,000 of them");
    send(scene, 10_000, |_| true).await
}

async fn one_in_ten(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.note("300 of 3,000");
    send(scene, 3_000, |n| n % 10 == 0).await
}

/// Sends `count` records of a product each, of which some are bad.
async fn send(scene: &mut Scene<'_>, count: usize, is_bad: fn(usize) -> bool) -> anyhow::Result<()> {
    let producer = Producer::new(&scene.world.stack.kafka(), CHANGES)?;
    let kind = scene.draw(6);
    let sending = (0..count).map(|n| {
        let producer = producer.clone();
        async move {
            let product = Uuid::now_v7();
            let (key, good) = (product.to_string(), change(product, 1).to_string());
            if is_bad(n) {
                let (reason, value) = poison(product, 1, n + kind);
                producer.send(&key, &value, &[(EXPECT, reason)]).await
            } else {
                producer.send(&key, good.as_bytes(), &[]).await
            }
        }
    });
    futures_util::future::try_join_all(sending).await.map(drop)
}

async fn late(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let producer = &Producer::new(&scene.world.stack.kafka(), CHANGES)?;
    let products: Vec<Uuid> = (0..20).map(|_| Uuid::now_v7()).collect();
    scene.note(format!("version 2 of {} products behind version 3", products.len()));
    for version in [1, 3, 2] {
        let sending = products.iter().map(async |product| {
            producer.send(&product.to_string(), change(*product, version).to_string().as_bytes(), &[]).await
        });
        futures_util::future::try_join_all(sending).await?;
        // not in one batch
        scene.wait_ms(500, 1_000).await;
    }
    Ok(())
}

async fn replayed(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.world.stop_gateways(&REPLICAS).await;
    scene.note("offsets 0");
    scene.rewinds = true;
    let brokers = scene.world.stack.kafka();
    for (group, topic) in LANES {
        tokio::task::block_in_place(|| kafka::rewind(&brokers, group, topic))?;
    }
    Ok(())
}

async fn widened(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let brokers = scene.world.stack.kafka();
    let now = kafka::partitions(&kafka::consumer(&brokers, "drill")?, CHANGES)?.len();
    scene.note(format!("from {now} to {}", now + 12));
    kafka::widen(&brokers, CHANGES, now + 12).await?;
    // clients look for more partitions every 5 s
    scene.wait_ms(6_000, 8_000).await;
    Ok(())
}
