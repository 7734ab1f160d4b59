//! Brokers of three: killed by what they do, two at once, one after the other.

use super::{Row, Scene, Servers};
use crate::drill::world::{CHANGES, kafka};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "broker-leader",
        about: "the leader of a partition killed",
        servers: Servers::Three,
        seconds: 26,
        run: |scene| Box::pin(leader(scene)),
    },
    Row {
        name: "broker-coordinator",
        about: "the coordinator of the group killed",
        servers: Servers::Three,
        seconds: 25,
        run: |scene| Box::pin(coordinator(scene)),
    },
    Row {
        name: "broker-each",
        about: "each broker killed in turn, and so the controller too",
        servers: Servers::Three,
        seconds: 74,
        run: |scene| Box::pin(each(scene)),
    },
    Row {
        name: "broker-two",
        about: "two of three killed: nothing can be written until one is back",
        servers: Servers::Three,
        seconds: 25,
        run: |scene| Box::pin(two(scene)),
    },
    Row {
        name: "broker-rolling",
        about: "each broker stopped and started in turn",
        servers: Servers::Three,
        seconds: 60,
        run: |scene| Box::pin(rolling(scene)),
    },
];

const BROKERS: [&str; 3] = ["kafka1", "kafka2", "kafka3"];

async fn leader(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let consumer = kafka::consumer(&scene.world.stack.kafka(), "drill")?;
    kill_for_a_while(scene, kafka::leader(&consumer, CHANGES, 0)?).await
}

async fn coordinator(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let consumer = kafka::consumer(&scene.world.stack.kafka(), "drill")?;
    kill_for_a_while(scene, kafka::coordinator(&consumer, "gateway")?).await
}

async fn kill_for_a_while(scene: &mut Scene<'_>, broker: i32) -> anyhow::Result<()> {
    kill(scene, &format!("kafka{broker}"))?;
    scene.wait_ms(4_000, 8_000).await;
    Ok(())
}

fn kill(scene: &mut Scene<'_>, name: &str) -> anyhow::Result<()> {
    scene.note(format!("{name} killed"));
    scene.world.kill_server(name)
}

async fn each(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    for name in BROKERS {
        kill(scene, name)?;
        scene.wait_ms(3_000, 6_000).await;
        scene.world.heal().await?;
        scene.wait_ms(3_000, 5_000).await;
    }
    Ok(())
}

async fn two(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let spared = scene.draw(BROKERS.len());
    for (_, name) in BROKERS.iter().enumerate().filter(|(at, _)| *at != spared) {
        kill(scene, name)?;
    }
    scene.wait_ms(4_000, 8_000).await;
    Ok(())
}

async fn rolling(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    for name in BROKERS {
        scene.note(format!("{name} stopped and started"));
        scene.world.stop_server(name)?;
        scene.world.heal().await?;
        scene.wait_ms(2_000, 4_000).await;
    }
    Ok(())
}
