//! Gives each product of the catalogue a drawn photo, through the gateway's own door.
//!
//! A thread beside the worker asks the gateway which of our products have no photo, draws it and uploads it, a few a
//! second, so that nobody notices. `If-None-Match: *` keeps what somebody else was faster to upload. A product that the
//! gateway does not know yet is tried again later. When each has one, the thread ends.
//!
//! Failure: photos are an extra. Whatever goes wrong is told once, waited out, and never holds up the changes; the thread
//! dies with the process.

mod draw;
mod forms;
mod gateway;

use std::collections::HashSet;
use std::time::Duration;

use schema::ProductId;

use crate::catalogue::Item;
use crate::config::PhotoArgs;
use crate::stop::Stop;
use gateway::{Gateway, Trouble, Uploaded};

/// Time between two uploads: about 25 a second, which a gateway does not feel.
const BETWEEN: Duration = Duration::from_millis(40);
/// Time between two looks for products without a photo.
const ROUND: Duration = Duration::from_secs(2);

/// Uploads the photos of `items` in a thread of its own.
///
/// # Errors
/// The settings can't be used, or there is no thread.
pub fn start(
    settings: &PhotoArgs,
    items: impl Iterator<Item = Item> + Send + Clone + 'static,
    stop: Stop,
) -> anyhow::Result<()> {
    let gateway = Gateway::new(&settings.gateway, &settings.token()?);
    std::thread::Builder::new().name("photos".to_owned()).spawn(move || run(&gateway, &items, &stop))?;
    Ok(())
}

fn run(gateway: &Gateway, items: &(impl Iterator<Item = Item> + Clone), stop: &Stop) {
    let (mut uploaded, mut told) = (0_u64, false);
    while !stop.asked() {
        match round(gateway, items.clone(), &mut uploaded, stop) {
            Ok(0) => {
                tracing::info!(uploaded, "every product has a photo");
                return;
            }
            Ok(_) => told = false,
            Err(Trouble::Refused(why)) => {
                tracing::warn!(%why, "photos are not taken: the catalogue stays without");
                return;
            }
            Err(Trouble::Away(why)) if !told => {
                tracing::warn!(%why, "photos can't be uploaded now: trying again");
                told = true;
            }
            Err(Trouble::Away(_)) => {}
        }
        std::thread::sleep(ROUND);
    }
}

/// Uploads what lacks; returns how many products are left without a photo.
fn round(
    gateway: &Gateway,
    items: impl Iterator<Item = Item>,
    uploaded: &mut u64,
    stop: &Stop,
) -> Result<u64, Trouble> {
    let have: HashSet<ProductId> = gateway.products_with_photos()?;
    let mut left = 0;
    for item in items.filter(|item| !have.contains(&item.product_id)) {
        if stop.asked() {
            return Ok(1);
        }
        match gateway.upload(item.product_id, &draw::jpeg(&item))? {
            Uploaded::Stored => *uploaded += 1,
            Uploaded::IsThere => {}
            Uploaded::UnknownProduct => left += 1,
        }
        std::thread::sleep(BETWEEN);
    }
    Ok(left)
}
