//! Generators that die while they send, or of which there are two.

use super::{Row, Scene, Servers};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "generator-kill",
        about: "the generator killed while it sends, twice, and started again",
        servers: Servers::One,
        seconds: 9,
        run: |scene| Box::pin(kill(scene)),
    },
    Row {
        name: "generator-two",
        about: "two generators on one shard: conflicts, never loss",
        servers: Servers::One,
        seconds: 8,
        run: |scene| Box::pin(two(scene)),
    },
    Row {
        name: "hot-key",
        about: "nine of ten changes are of few products",
        servers: Servers::One,
        seconds: 8,
        run: |scene| Box::pin(hot(scene)),
    },
];

async fn kill(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    for _ in 0..2 {
        scene.note("generator killed");
        scene.world.kill_generator("generator");
        scene.world.generator("generator", &[])?;
        scene.wait_ms(2_500, 5_000).await;
    }
    Ok(())
}

async fn two(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.note("a second generator of all products");
    scene.world.generator("second", &[])?;
    scene.wait_ms(4_000, 7_000).await;
    scene.world.stop_generator("second").await;
    // the first one does not know the versions of the second one: it reads them when it starts
    scene.world.stop_generator("generator").await;
    Ok(())
}

async fn hot(scene: &mut Scene<'_>) -> anyhow::Result<()> {
    scene.world.stop_generator("generator").await;
    scene.note("Zipf's law with exponent 3.4");
    scene.world.generator("generator", &["--zipf", "3.4", "--rate", "600"])?;
    scene.wait_ms(4_000, 6_000).await;
    scene.world.stop_generator("generator").await;
    Ok(())
}
