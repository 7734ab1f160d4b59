//! The gateway's HTTP address, as far as photos need it.

use std::collections::HashSet;
use std::time::Duration;

use schema::{PhotoHash, ProductId};
use serde::Deserialize;
use ureq::Agent;
use ureq::http::StatusCode;

/// Longest time for one request, its body included.
const WITHIN: Duration = Duration::from_secs(10);
/// Products of a page.
const PAGE: usize = 1_000;

/// Why photos don't get through.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// It may pass.
    #[error("{0}")]
    Away(String),
    /// It won't.
    #[error("{0}")]
    Refused(String),
}

/// What became of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uploaded {
    /// It is the product's photo now.
    Stored,
    /// The product has one already.
    IsThere,
    /// The gateway does not know the product, or not yet.
    UnknownProduct,
}

/// A gateway, or the load balancer before several.
pub(super) struct Gateway {
    agent: Agent,
    url: String,
    bearer: String,
}

#[derive(Deserialize)]
struct Page {
    products: Vec<Listed>,
    next: Option<ProductId>,
}

#[derive(Deserialize)]
struct Listed {
    product_id: ProductId,
    #[serde(default)]
    photo: Option<PhotoHash>,
}

impl Gateway {
    /// The one at `url`, with the admin's `token`.
    pub(super) fn new(url: &str, token: &str) -> Self {
        let config = Agent::config_builder().timeout_global(Some(WITHIN)).http_status_as_error(false).build();
        let url = url.trim_end_matches('/').to_owned();
        Self { agent: config.into(), url, bearer: format!("Bearer {token}") }
    }

    /// All products that have a photo.
    pub(super) fn products_with_photos(&self) -> Result<HashSet<ProductId>, Trouble> {
        let (mut found, mut after) = (HashSet::new(), String::new());
        loop {
            let url = format!("{}/products?limit={PAGE}{after}", self.url);
            let mut answer = self.agent.get(&url).call().map_err(away)?;
            if answer.status() != StatusCode::OK {
                return Err(Trouble::Away(format!("{url}: {}", answer.status())));
            }
            let body = answer.body_mut().read_to_vec().map_err(away)?;
            let page: Page = serde_json::from_slice(&body).map_err(away)?;
            found.extend(page.products.iter().filter(|p| p.photo.is_some()).map(|p| p.product_id));
            let Some(next) = page.next else { return Ok(found) };
            after = format!("&after={next}");
        }
    }

    /// Uploads a photo, unless there is one.
    pub(super) fn upload(&self, id: ProductId, jpeg: &[u8]) -> Result<Uploaded, Trouble> {
        let url = format!("{}/products/{id}/photo", self.url);
        let put = self.agent.put(&url).header("Authorization", &self.bearer);
        let put = put.header("Content-Type", "image/jpeg").header("If-None-Match", "*");
        let answer = put.send(jpeg).map_err(away)?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED => Ok(Uploaded::Stored),
            StatusCode::PRECONDITION_FAILED => Ok(Uploaded::IsThere),
            StatusCode::NOT_FOUND => Ok(Uploaded::UnknownProduct),
            status if status.is_client_error() => Err(Trouble::Refused(format!("PUT {url}: {status}"))),
            status => Err(Trouble::Away(format!("PUT {url}: {status}"))),
        }
    }
}

fn away(error: impl std::fmt::Display) -> Trouble {
    Trouble::Away(error.to_string())
}
