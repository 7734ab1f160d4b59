//! Photos: one uploader that stores a new picture every moment, and readers that look whether what they get is what its
//! tag says, and not older than what was stored.

use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;
use uuid::Uuid;

use super::http::ask;
use super::viewer::Guide;
use crate::drill::evidence::{PhotoRead, PhotoStored, PhotosSeen, Served};
use crate::drill::world::TOKEN;

const UPLOAD_EVERY: Duration = Duration::from_millis(700);
const READ_EVERY: Duration = Duration::from_millis(150);

#[derive(Deserialize)]
struct Stored {
    photo: String,
    revision: i64,
}

/// Who uploads or reads: where, what, and where it is noted.
#[derive(Clone)]
pub(crate) struct Album {
    pub(crate) guide: Guide,
    pub(crate) products: Vec<Uuid>,
    pub(crate) log: Arc<Mutex<PhotosSeen>>,
    pub(crate) began: Instant,
}

impl Album {
    /// Uploads until the load ends.
    pub(crate) async fn upload(self, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let token = format!("Bearer {TOKEN}");
        while *self.guide.load.borrow() {
            if let Some((addr, product)) = self.choose(&mut rng) {
                let headers = [("Authorization", token.as_str()), ("Content-Type", "image/png")];
                let path = format!("/products/{product}/photo");
                let answer = ask(addr, "PUT", &path, &headers, &picture(&mut rng)).await;
                let stored = answer.ok().filter(|answer| answer.status < 300);
                let stored = stored.and_then(|answer| serde_json::from_slice::<Stored>(&answer.body).ok());
                if let Some(Stored { photo, revision }) = stored {
                    let stored = PhotoStored { product, revision, hash: photo, at: self.began.elapsed() };
                    self.log.lock().unwrap_or_else(PoisonError::into_inner).stored.push(stored);
                }
            }
            sleep(UPLOAD_EVERY).await;
        }
    }

    /// Reads until the load ends.
    pub(crate) async fn read(self, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        while *self.guide.load.borrow() {
            if let Some((addr, product)) = self.choose(&mut rng) {
                let asked = self.began.elapsed();
                let answer = ask(addr, "GET", &format!("/products/{product}/photo"), &[], &[]).await;
                let served = answer.ok().and_then(|answer| match answer.status {
                    200 => {
                        let tag = answer.header("etag").unwrap_or_default().trim_matches('"').to_owned();
                        Some(Some(Served { tag, hash: hex(&Sha256::digest(&answer.body)) }))
                    }
                    404 => Some(None),
                    _ => None,
                });
                let read = served.map(|served| PhotoRead { product, asked, served });
                self.log.lock().unwrap_or_else(PoisonError::into_inner).read.extend(read);
            }
            sleep(READ_EVERY).await;
        }
    }

    /// A replica and a product, by chance; none while no replica is known.
    fn choose(&self, rng: &mut ChaCha8Rng) -> Option<(SocketAddr, Uuid)> {
        let product = pick(rng, &self.products);
        Some((pick(rng, &self.guide.doors.all())?, product?))
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn pick<T: Copy>(rng: &mut ChaCha8Rng, list: &[T]) -> Option<T> {
    list.get(rng.random_range(0..list.len().max(1))).copied()
}

/// A PNG of two colours; others each time, so that no two uploads have the same picture.
fn picture(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let colours = [0, 1].map(|_| image::Rgb(rng.random::<[u8; 3]>()));
    let mut bytes = Cursor::new(Vec::new());
    let halves = image::RgbImage::from_fn(48, 48, |x, _| if x < 24 { colours[0] } else { colours[1] });
    let drawn = halves.write_to(&mut bytes, image::ImageFormat::Png);
    drawn.map(|()| bytes.into_inner()).unwrap_or_default()
}
