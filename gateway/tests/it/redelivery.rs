//! Records that come again, in other company than before.

use chrono::{Days, Utc};
use uuid::Uuid;

use crate::helpers::{Change, World, change, relay};

/// Writes `changes` as a replica does that dies right after: stored, and neither relayed nor committed.
async fn write_only(world: &World, changes: &[Change]) {
    let decoded: Vec<_> = changes.iter().map(Change::decoded).collect();
    let today = Utc::now().date_naive();
    world.db().writer().apply(&decoded.iter().collect::<Vec<_>>(), today).await.unwrap();
}

#[tokio::test]
async fn redelivery_cut_into_other_batches_leaves_no_hole() {
    for rows in ["1", "4", "5", "1000"] {
        let world = World::shared("recut", 2).await;
        let product: Uuid = change::product();
        let (others, row) = (Change::row(change::product(), 1, 20), Change::row(product, 1, 20));
        let mixed: Vec<Change> = row.iter().zip(&others).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
        // two batches of three versions, a third of five; then that replica dies with all of it uncommitted
        write_only(&world, &row[..3]).await;
        write_only(&world, &row[3..6]).await;
        write_only(&world, &row[6..11]).await;
        world.producer().changes_to(0, &mixed).await;
        let _gateway = world.gateway("gw1", &["--batch-rows", rows]);
        world.until_all_committed().await;

        assert_eq!(world.history(product).await, (1..=20).collect::<Vec<_>>());
        let held = relay::follow(&world.frames().await);
        assert_eq!(held[&product], 20, "batches of {rows}");
        assert_eq!(held[&others[0].product], 20);
    }
}

#[tokio::test]
async fn midnight_between_two_batches_doubles_nothing() {
    let world = World::shared("midnight", 1).await;
    let product = change::product();
    let row: Vec<_> = Change::row(product, 1, 4).iter().map(Change::decoded).collect();
    let today = Utc::now().date_naive();
    let (tomorrow, next_year) = (today + Days::new(1), today + Days::new(366));
    let mut writer = world.db().writer();
    writer.apply(&[&row[0], &row[1]], today).await.unwrap();
    // the same records come again after midnight, and once more when no partition was made for the day
    writer.apply(&[&row[0], &row[1], &row[2]], tomorrow).await.unwrap();
    writer.apply(&[&row[1], &row[2], &row[3]], next_year).await.unwrap();
    writer.apply(&[&row[3]], tomorrow).await.unwrap();

    let sql = "SELECT version, written_on FROM product_changes ORDER BY version, written_on";
    let found = world.sql.rows(sql).await;
    let expected = [("1", today), ("2", today), ("3", tomorrow), ("4", next_year)];
    assert_eq!(found, expected.map(|(version, day)| vec![version.to_owned(), day.to_string()]));
}
