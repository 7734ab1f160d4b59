//! Pictures, and what replicas say of them.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use uuid::Uuid;

use super::http::{Answer, ask};
use super::process::Gateway;
use super::{Change, World, change, until};

/// The admin token of these tests.
pub(crate) const TOKEN: &str = "a-token-of-this-test";
/// Arguments of a replica that takes uploads.
pub(crate) const ADMIN: [&str; 2] = ["--admin-token", TOKEN];

/// A PNG of some 40 KB; another one for each `seed`.
pub(crate) fn picture(seed: u32) -> Vec<u8> {
    encoded(&noise(seed, 115, 115), ImageFormat::Png)
}

/// A picture in which every pixel is another.
pub(crate) fn noise(seed: u32, width: u32, height: u32) -> DynamicImage {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    RgbImage::from_fn(width, height, |_, _| Rgb([next(), next(), next()])).into()
}

/// The picture as a file of `format`.
pub(crate) fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

impl World {
    /// A product that is stored, though nobody was told.
    pub(crate) async fn stored_product(&self) -> Uuid {
        let product = change::product();
        let first = Change::of(product, 1).decoded();
        self.db().writer().apply(&[&first], chrono::Utc::now().date_naive()).await.unwrap();
        product
    }

    /// The key of a product's photo in Redis.
    pub(crate) fn photo_key(&self, product: Uuid) -> String {
        format!("{}photo:{product}", self.redis_prefix)
    }
}

impl Gateway {
    /// Any request.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let asked = ask(self.addr().await, method, path, headers, body).await;
        asked.unwrap_or_else(|error| panic!("{method} {path} at {}: {error}", self.name))
    }

    /// `GET` of a photo.
    pub(crate) async fn photo(&self, product: Uuid) -> Answer {
        self.ask("GET", &format!("/products/{product}/photo"), &[], &[]).await
    }

    /// `PUT` of a photo as the admin.
    pub(crate) async fn put_photo(&self, product: Uuid, media_type: &str, bytes: &[u8]) -> Answer {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", media_type)];
        self.ask("PUT", &format!("/products/{product}/photo"), &headers, bytes).await
    }

    /// `PUT` of a PNG that must be stored; returns its hash.
    pub(crate) async fn store_photo(&self, product: Uuid, bytes: &[u8]) -> String {
        let answer = self.put_photo(product, "image/png", bytes).await;
        assert!([200, 201].contains(&answer.status), "{answer:?}");
        answer.json()["photo"].as_str().unwrap().to_owned()
    }

    /// Waits until a photo comes from where it is wanted to come from; returns that answer.
    pub(crate) async fn until_photo_is_a(&self, how: &str, product: Uuid) -> Answer {
        until(&format!("a {how} at {}", self.name), async || {
            let answer = self.photo(product).await;
            (answer.header("x-cache") == how).then_some(answer)
        })
        .await
    }

    /// One value of `/metrics`.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.unwrap().body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }
}
