//! Products with photos, for the gateway and for the reference alike.

use std::io::Cursor;
use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use chrono::Utc;
use deadpool_redis::redis::{self, AsyncCommands as _};
use gateway::db::Db;
use gateway::picture::{MediaType, Picture};
use image::{ImageFormat, Rgb, RgbImage};
use schema::{Currency, Name, PriceMinor, ProductChanged, ProductId, Stock, Version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::reference;

/// What uploads are sent with.
pub(crate) const TOKEN: &str = "the-token-of-the-benchmark";
/// Pixels of a side: noise does not compress, so a PNG of it has some 40 KB.
const SIDE: u32 = 115;

/// Stores `count` products; before a gateway loads its view, so that it knows them.
pub(crate) async fn stock(servers: &stack::Private, count: usize) -> anyhow::Result<Vec<String>> {
    let products: Vec<ProductId> = (0..count).map(|_| ProductId::from(Uuid::new_v4())).collect();
    let changes = products.iter().map(|id| change(*id)).collect::<anyhow::Result<Vec<_>>>()?;
    let (db, today) = (Db::new(&servers.database_url("bench"))?, Utc::now().date_naive());
    db.migrate().await?;
    db.make_partitions(today).await?;
    db.writer().apply(&changes.iter().collect::<Vec<_>>(), today).await?;
    Ok(products.iter().map(ToString::to_string).collect())
}

/// Stores a photo of each product by the gateway at `addr`, and the same bytes for the reference.
pub(crate) async fn fill(
    servers: &stack::Private,
    addr: SocketAddr,
    products: &[String],
) -> anyhow::Result<()> {
    let mut redis = redis::Client::open(servers.redis_url())?.get_multiplexed_async_connection().await?;
    for id in products {
        let path = format!("/products/{id}/photo");
        let headers = format!("Authorization: Bearer {TOKEN}\r\nContent-Type: image/png\r\n");
        let (head, _) = ask(addr, "PUT", &path, &headers, &noise()?).await?;
        ensure!(head.starts_with("http/1.1 201"), "the photo was not stored: {head}");
        let bytes = photo(addr, &path).await?;
        let () = redis.set(reference::key(id), bytes).await?;
    }
    Ok(())
}

/// Asks for each photo once, and fails when it is not the one that its tag names; returns the bytes of one, about.
pub(crate) async fn warm_up(addr: SocketAddr, products: &[String]) -> anyhow::Result<usize> {
    let mut all = 0;
    for id in products {
        all += photo(addr, &format!("/products/{id}/photo")).await?.len();
    }
    Ok(all / products.len().max(1))
}

async fn photo(addr: SocketAddr, path: &str) -> anyhow::Result<Vec<u8>> {
    let (head, bytes) = ask(addr, "GET", path, "", &[]).await?;
    ensure!(head.starts_with("http/1.1 200"), "there is no photo: {head}");
    let picture = Picture::new(MediaType::Png, bytes.into());
    // the reference has no tags
    let is_it = !head.contains("etag") || head.contains(&picture.hash.to_string());
    ensure!(is_it, "bytes of another photo: {head}");
    Ok(picture.bytes.into())
}

/// The first version of a product.
fn change(product_id: ProductId) -> anyhow::Result<ProductChanged> {
    Ok(ProductChanged {
        event_id: Uuid::now_v7(),
        product_id,
        version: Version::MIN,
        name: Name::try_from("A product of the benchmark")?,
        price_minor: PriceMinor::try_from(499)?,
        currency: Currency::try_from("EUR")?,
        stock: Stock::MIN,
        occurred_at: Utc::now(),
    })
}

/// A picture in which every pixel is another.
fn noise() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_fn(SIDE, SIDE, |_, _| Rgb(rand::random())).write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// One request on a connection of its own; returns the head in lower-case, and the body.
async fn ask(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> anyhow::Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(addr).await?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|end| end == b"\r\n\r\n").context("no HTTP")?;
    let body = answer.split_off(end + 4);
    Ok((String::from_utf8(answer)?.to_ascii_lowercase(), body))
}
