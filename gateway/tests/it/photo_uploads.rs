//! What is uploaded: pictures are stored without what else was in them, anything else is refused by name, and memory
//! stays bounded whatever comes.

use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, Rgba};
use serde_json::json;
use uuid::Uuid;

use crate::helpers::World;
use crate::helpers::photos::{ADMIN, TOKEN, encoded, noise, picture};
use crate::helpers::process::Gateway;

/// What a replica's memory may grow by at most: what decoding may take, and the bodies.
const GROWTH_MIB: u64 = 640;

/// The highest memory that the process has had, MiB.
fn peak_mib(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// A PNG whose header claims other sides; its checksum is right.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut png = encoded(&noise(1, 2, 2), ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        (0..8).for_each(|_| crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 });
    }
    !crc
}

fn cut(bytes: &[u8], part: usize) -> Vec<u8> {
    bytes[..bytes.len() / 10 * part].to_vec()
}

/// Bytes in the middle are others.
fn damaged(bytes: &[u8]) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    let middle = bytes.len() / 2;
    damaged[middle..middle + 64].fill(0x5a);
    damaged
}

/// A progressive JPEG that repeats its last scan without end.
fn endless_scans(jpeg: &[u8]) -> Vec<u8> {
    let scan = jpeg.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap();
    let mut endless = jpeg[..jpeg.len() - 2].to_vec();
    (0..2_000).for_each(|_| endless.extend(&jpeg[scan..jpeg.len() - 2]));
    endless.extend([0xff, 0xd9]);
    endless
}

/// A stream of 64 KB that inflates to 64 MB: the pixels of a blank picture.
fn inflating() -> Vec<u8> {
    let blank: DynamicImage = ImageBuffer::from_pixel(8_000, 8_000, Luma([0_u8])).into();
    let png = encoded(&blank, ImageFormat::Png);
    let (mut rest, mut stream) = (&png[8..], Vec::new());
    while rest.len() > 12 {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        if &rest[4..8] == b"IDAT" {
            stream.extend(&rest[8..8 + length]);
        }
        rest = &rest[length + 12..];
    }
    stream
}

/// The PNG with one more chunk behind its header.
fn with_chunk(png: &[u8], kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let chunk = [kind.as_slice(), data].concat();
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&png[..33], &length, &chunk, &crc32(&chunk).to_be_bytes(), &png[33..]].concat()
}

fn hostile() -> Vec<(&'static str, &'static str, Vec<u8>, u16, &'static str)> {
    let png = encoded(&noise(1, 200, 200), ImageFormat::Png);
    let jpeg = encoded(&noise(1, 200, 200), ImageFormat::Jpeg);
    let webp = encoded(&noise(1, 200, 200), ImageFormat::WebP);
    let too_large = "photo-too-large";
    let (unsupported, broken) = ("photo-unsupported", "photo-broken");
    vec![
        ("nothing", "image/png", Vec::new(), 415, unsupported),
        ("a text", "image/png", b"no picture at all".to_vec(), 415, unsupported),
        ("a page", "image/jpeg", b"<html><script>alert(1)</script>".to_vec(), 415, unsupported),
        ("a vector picture", "image/svg+xml", b"<svg onload='x()'/>".to_vec(), 415, unsupported),
        ("another kind", "image/gif", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), 415, unsupported),
        ("a lie about the kind", "image/jpeg", png.clone(), 415, unsupported),
        ("the other lie", "image/webp", jpeg.clone(), 415, unsupported),
        ("no kind", "", png.clone(), 415, unsupported),
        ("a signature alone", "image/png", png[..8].to_vec(), 422, broken),
        ("half a PNG", "image/png", cut(&png, 5), 422, broken),
        ("most of a JPEG", "image/jpeg", cut(&jpeg, 9), 422, broken),
        ("half a WebP", "image/webp", cut(&webp, 5), 422, broken),
        ("a damaged PNG", "image/png", damaged(&png), 422, broken),
        ("a WebP that is none", "image/webp", [&webp[..12], &[0_u8; 500][..]].concat(), 422, broken),
        ("a PNG that is none", "image/png", [&png[..8], &[0_u8; 500][..]].concat(), 422, broken),
        (
            "endless scans",
            "image/jpeg",
            endless_scans(&encoded(&noise(1, 16, 16), ImageFormat::Jpeg)),
            422,
            broken,
        ),
        (
            "more bytes than may be",
            "image/png",
            [&png[..], &vec![0; 5 * 1024 * 1024][..]].concat(),
            413,
            too_large,
        ),
        ("900 megapixels", "image/png", claiming(30_000, 30_000), 413, too_large),
        ("the largest sides", "image/png", claiming(0x7fff_ffff, 0x7fff_ffff), 413, too_large),
        ("one line too many", "image/png", claiming(8_000, 5_001), 413, too_large),
        ("no pixels", "image/png", claiming(0, 5), 422, broken),
        ("40 megapixels that are not there", "image/png", claiming(8_000, 5_000), 422, broken),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_picture_is_refused_with_the_reason_and_takes_no_memory() {
    let world = World::shared("hostile", 1).await;
    let product = world.stored_product().await;
    let gateway = world.gateway("gw1", &ADMIN);
    gateway.until_ready().await;
    let hash = gateway.store_photo(product, &picture(1)).await;
    let before = peak_mib(&gateway);
    // all of them at once, three times
    let uploads = (0..3).flat_map(|_| hostile()).map(|(name, kind, bytes, status, problem)| {
        let gateway = &gateway;
        async move {
            let answer = gateway.put_photo(product, kind, &bytes).await;
            assert_eq!((answer.status, answer.problem().as_str()), (status, problem), "{name}: {answer:?}");
            let body = answer.json();
            assert!(body["rule"].as_str().is_some_and(|rule| !rule.is_empty()), "{name}: {body}");
        }
    });
    futures_util::future::join_all(uploads).await;
    let grown = peak_mib(&gateway) - before;
    assert!(grown < GROWTH_MIB, "memory grew by {grown} MiB");
    assert!(gateway.photo(product).await.header("etag").contains(&hash), "what was there is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hides_in_a_picture_is_neither_unpacked_nor_kept() {
    let world = World::shared("hidden", 1).await;
    let product = world.stored_product().await;
    let gateway = world.gateway("gw1", &ADMIN);
    gateway.until_ready().await;
    gateway.store_photo(product, &picture(1)).await;
    let (png, bomb) = (picture(2), inflating());
    assert!(bomb.len() < 1024 * 1024);
    let before = peak_mib(&gateway);
    for (kind, start) in
        [(*b"zTXt", b"words\0\0".as_slice()), (*b"iTXt", b"words\0\x01\0\0\0"), (*b"iCCP", b"profile\0\0")]
    {
        let hiding = with_chunk(&png, kind, &[start, &bomb].concat());
        let answer = gateway.put_photo(product, "image/png", &hiding).await;
        assert!([200, 413, 422].contains(&answer.status), "{answer:?}");
        let stored = gateway.photo(product).await;
        assert!(stored.body.len() < 50_000, "{}", stored.body.len());
    }
    let secret = [&png[..], b"PK\x03\x04 an archive behind the picture"].concat();
    let answer = gateway.put_photo(product, "image/png", &secret).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let hash = answer.json()["photo"].as_str().unwrap().to_owned();
    let served = crate::helpers::until("the new one is served", async || {
        let answer = gateway.photo(product).await;
        answer.header("etag").contains(&hash).then_some(answer.body)
    })
    .await;
    assert!(!served.windows(7).any(|window| window == b"archive"));
    let grown = peak_mib(&gateway) - before;
    assert!(grown < 60, "memory grew by {grown} MiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_pictures_are_taken_without_more_memory_than_is_set_aside() {
    let world = World::shared("largest", 1).await;
    let gateway = world.gateway("gw1", &ADMIN);
    gateway.until_ready().await;
    let plain: DynamicImage = ImageBuffer::from_pixel(8_000, 5_000, Rgba([10_u8, 200, 30, 90])).into();
    let png = encoded(&plain, ImageFormat::Png);
    let before = peak_mib(&gateway);
    let mut products = Vec::new();
    for _ in 0..4 {
        products.push(world.stored_product().await);
    }
    let uploads = products.iter().map(|product| gateway.put_photo(*product, "image/png", &png));
    for answer in futures_util::future::join_all(uploads).await {
        assert_eq!((answer.status, answer.json()["width"].as_i64()), (201, Some(8_000)), "{answer:?}");
    }
    let grown = peak_mib(&gateway) - before;
    assert!(grown < GROWTH_MIB, "memory grew by {grown} MiB");
}

#[tokio::test]
async fn only_the_admin_replaces_a_photo_and_only_of_a_product_that_is_known() {
    let world = World::shared("admin", 1).await;
    let product = world.stored_product().await;
    let gateway = world.gateway("gw1", &ADMIN);
    gateway.until_ready().await;
    let path = format!("/products/{product}/photo");
    let png = [("Content-Type", "image/png")];
    for method in ["PUT", "DELETE"] {
        let nobody = gateway.ask(method, &path, &png, &picture(1)).await;
        assert_eq!((nobody.status, nobody.problem().as_str()), (401, "unauthorized"));
        let wrong = [("Authorization", "Bearer another-token-of-some-length"), png[0]];
        assert_eq!(gateway.ask(method, &path, &wrong, &picture(1)).await.status, 401);
    }
    let unknown = gateway.put_photo(Uuid::now_v7(), "image/png", &picture(1)).await;
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "product-not-found"));
    assert_eq!(world.sql.number("SELECT count(*) FROM photos").await, 0);
    assert_eq!(gateway.photo(product).await.status, 404);
}

#[tokio::test]
async fn conditions_are_judged_on_the_photo_that_is_there() {
    let world = World::shared("conditions", 1).await;
    let product = world.stored_product().await;
    let gateway = world.gateway("gw1", &ADMIN);
    gateway.until_ready().await;
    let path = format!("/products/{product}/photo");
    let bearer = format!("Bearer {TOKEN}");
    let ask = async |method: &str, condition: (&str, &str), bytes: &[u8]| {
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "image/png"), condition];
        gateway.ask(method, &path, &headers, bytes).await
    };
    let refused = ask("PUT", ("If-Match", "*"), &picture(1)).await;
    assert_eq!((refused.status, refused.json()["rule"].clone()), (412, json!("there is no photo")));
    let first = ask("PUT", ("If-None-Match", "*"), &picture(1)).await;
    assert_eq!((first.status, first.json()["revision"].as_i64()), (201, Some(1)));
    let tag = first.header("etag").to_owned();
    let again = ask("PUT", ("If-None-Match", "*"), &picture(2)).await;
    assert_eq!((again.status, again.problem().as_str()), (412, "precondition-failed"));
    let second = ask("PUT", ("If-Match", &tag), &picture(2)).await;
    assert_eq!((second.status, second.json()["revision"].as_i64()), (200, Some(2)));
    assert_eq!(ask("PUT", ("If-Match", &tag), &picture(3)).await.status, 412, "somebody was faster");
    assert_eq!(ask("DELETE", ("If-Match", &tag), &[]).await.status, 412);
    assert_eq!(ask("DELETE", ("If-Match", second.header("etag")), &[]).await.status, 204);
    // revisions go on behind a removal
    let third = ask("PUT", ("If-None-Match", "*"), &picture(1)).await;
    assert_eq!((third.status, third.json()["revision"].as_i64()), (201, Some(4)));
    assert_eq!(third.header("etag"), tag, "the same picture has the same name");
}
