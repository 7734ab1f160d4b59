//! The generator gives each product of its catalogue a photo, and leaves alone what is there.

use crate::helpers::photos::{ADMIN, TOKEN, picture};
use crate::helpers::{World, until};

const PHOTOS: &str = "SELECT count(*) FROM photos WHERE hash IS NOT NULL";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_product_gets_a_photo_once_and_what_is_there_stays() {
    let world = World::shared("catalogue", 2).await;
    let gateway = world.gateway("gw1", &ADMIN);
    gateway.until_ready().await;
    let token = world.folder.join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let (url, token) = (format!("http://{}", gateway.addr().await), token.to_str().unwrap().to_owned());
    let photos = ["--photos", "--gateway", &url, "--admin-token-file", &token];

    // products without photos first, one of which somebody gives one
    let products = ["--products", "12", "--rate", "20"];
    let mut generator = world.generator(&products);
    until("the catalogue is stored", async || {
        (world.sql.number("SELECT count(*) FROM products").await == 12).then_some(())
    })
    .await;
    generator.stop().await;
    let rows = world.sql.rows("SELECT product_id FROM products ORDER BY 1 LIMIT 1").await;
    let product = rows[0][0].parse().unwrap();
    let own = gateway.store_photo(product, &picture(1)).await;

    let mut generator = world.generator(&[&products[..], &photos].concat());
    generator.process.until_logged("every product has a photo").await;
    assert_eq!(world.sql.number(PHOTOS).await, 12);
    let kept = world.sql.rows("SELECT encode(hash, 'hex'), revision FROM photos ORDER BY product_id").await;
    assert_eq!(kept[0], [own.clone(), "1".to_owned()], "what was there is there");
    assert!(kept.iter().all(|row| row[1] == "1"), "{kept:?}");
    generator.stop().await;

    // a larger catalogue: only what is new is uploaded, and pictures are the same as ever
    let mut generator = world.generator(&[&["--products", "15", "--rate", "20"][..], &photos].concat());
    until("the new ones have photos", async || (world.sql.number(PHOTOS).await == 15).then_some(())).await;
    let mut again =
        world.sql.rows("SELECT encode(hash, 'hex'), revision FROM photos ORDER BY product_id").await;
    again.retain(|row| kept.contains(row));
    assert_eq!(again, kept);
    generator.stop().await;
    let answer = gateway.photo(product).await;
    assert_eq!((answer.status, answer.header("etag")), (200, format!("\"{own}\"").as_str()));
}
