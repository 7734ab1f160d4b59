//! A rater: rates one product after the other, each rating under a key of its own, and sends it again until the answer is
//! 202, to any replica: whatever happened to the tries before, it must count once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::time::sleep;
use uuid::Uuid;

use super::http::ask;
use super::viewer::Guide;
use crate::drill::evidence::RatingSent;

/// Between two ratings, and between two tries of one.
const PAUSE: Duration = Duration::from_millis(80);

/// Rates until the load ends; what is on its way then is sent until it is acknowledged.
pub(crate) async fn rate(guide: Guide, subjects: Vec<Uuid>, seed: u64, sent: Arc<Mutex<Vec<RatingSent>>>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    while *guide.load.borrow() {
        let subject = match rng.random_range(0..=subjects.len()) {
            0 => "site".to_owned(),
            at => subjects.get(at - 1).map(Uuid::to_string).unwrap_or_default(),
        };
        let path = if subject == "site" { "/rate".to_owned() } else { format!("/products/{subject}/rate") };
        let rate = rng.random_range(0..=10);
        let key = Uuid::now_v7().to_string();
        let at = {
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.push(RatingSent { subject, rate, key: key.clone(), acknowledged: false });
            sent.len() - 1
        };
        let path = format!("{path}?rate={rate}");
        // sent twice at times, as an impatient client does: once is what must count
        let mut wanted = if rng.random_ratio(1, 10) { 2 } else { 1 };
        while wanted > 0 {
            let doors = guide.doors.all();
            if let Some(addr) = doors.get(rng.random_range(0..doors.len().max(1))) {
                let answer = ask(*addr, "POST", &path, &[("Idempotency-Key", &key)], &[]).await;
                if answer.is_ok_and(|answer| answer.status == 202) {
                    wanted -= 1;
                    if let Some(own) = sent.lock().unwrap_or_else(PoisonError::into_inner).get_mut(at) {
                        own.acknowledged = true;
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }
}
