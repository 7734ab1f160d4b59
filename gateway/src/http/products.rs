//! Products: their state now, page by page or one at a time, and their history.
//!
//! Answers come from Postgres, so whoever made a change can wait for it (`min_version`) on any replica.

use std::time::Duration;

use actix_web::http::header::{self, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use schema::{ListedProduct, PhotoMark, Product, ProductId};
use serde::Serialize;
use tokio::time::Instant;

use super::{Problem, State};
use crate::db::Db;
use crate::params::{Params, product_id};

/// Rows of a page: when nothing is said, and at most.
const PAGE: (i64, i64) = (100, 1_000);
/// How long `min_version` waits, milliseconds: when nothing is said, and at most.
const WAIT_MS: (i64, i64) = (2_000, 10_000);
/// First and longest time between two looks while a version is waited for.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));

/// Where viewers may go on from after this answer.
const CURSOR: &str = "shelfwire-cursor";

#[derive(Serialize)]
struct Products {
    products: Vec<ListedProduct>,
    /// Where the next page begins; absent on the last one.
    next: Option<ProductId>,
}

#[derive(Serialize)]
struct Changes {
    changes: Vec<Product>,
    next: Option<i64>,
}

/// `GET /products`: by id.
pub(super) async fn list(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let params = Params::read(&request, &["after", "limit"])?;
    let after = params.product_id("after")?;
    let limit = limit(&params)?;
    // taken before the read: what came up to here is in it, so whoever goes on from this cursor misses nothing
    let cursor = (state.cursor)();
    // one more than asked for tells whether a page follows
    let mut products = state.db.listed_after(after, limit + 1).await?;
    let next = cut(&mut products, limit).map(|last| last.product.product_id);
    let mut answer = HttpResponse::Ok();
    if let Some(cursor) = cursor {
        answer.insert_header((CURSOR, cursor));
    }
    Ok(answer.json(Products { products, next }))
}

/// `GET /products/{id}`: the state now, or once it has reached `min_version`.
pub(super) async fn one(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let id = product_id("id", &id)?;
    let params = Params::read(&request, &["min_version", "wait_ms"])?;
    let wanted = params.version("min_version")?;
    let wait_ms = params.number("wait_ms", 0..=WAIT_MS.1)?.unwrap_or(WAIT_MS.0);
    let wait = Duration::from_millis(wait_ms.unsigned_abs());

    let listed = match reached(id, state.db.listed(id).await?, wanted) {
        Err(missing) if wanted.is_none() || wait.is_zero() => return Err(missing),
        Err(_) => {
            let _place = state
                .waiting
                .try_acquire()
                .map_err(|_| Problem::Busy("too many requests wait for a version"))?;
            wait_for(&state.db, id, wanted, Instant::now() + wait).await?
        }
        Ok(listed) => listed,
    };
    let tag = tag(&listed);
    let known = knows(&request, &tag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // kept by browsers, but asked for again each time
    response.insert_header(ETag(tag)).insert_header((header::CACHE_CONTROL, "private, no-cache"));
    Ok(if known { response.finish() } else { response.json(listed) })
}

/// `GET /products/{id}/changes`: newest first.
pub(super) async fn changes(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let id = product_id("id", &id)?;
    let params = Params::read(&request, &["before", "limit"])?;
    let before = params.version("before")?.unwrap_or(i64::MAX);
    let limit = limit(&params)?;
    let mut changes = state.db.changes_before(id, before, limit + 1).await?;
    if changes.is_empty() && state.db.product(id).await?.is_none() {
        return Err(Problem::ProductNotFound(id));
    }
    let next = cut(&mut changes, limit).map(|last| last.version.get());
    Ok(HttpResponse::Ok().json(Changes { changes, next }))
}

/// `listed`, if it is there and not below `wanted`.
fn reached(
    id: ProductId,
    listed: Option<ListedProduct>,
    wanted: Option<i64>,
) -> Result<ListedProduct, Problem> {
    let listed = listed.ok_or(Problem::ProductNotFound(id))?;
    let stored = listed.product.version.get();
    match wanted {
        Some(wanted) if stored < wanted => Err(Problem::VersionNotReached { stored, wanted }),
        _ => Ok(listed),
    }
}

/// Names everything in the answer that changes: `v17`, `v17.p2` once the product had a photo, `v17.p2.r5` once it was
/// rated.
fn tag(listed: &ListedProduct) -> EntityTag {
    let ListedProduct { product, photo, rating } = listed;
    let photo = if *photo == PhotoMark::NONE { String::new() } else { format!(".p{}", photo.revision) };
    let rating = rating.map_or_else(String::new, |rating| format!(".r{}", rating.count));
    EntityTag::new_strong(format!("v{}{photo}{rating}", product.version))
}

/// Looks again and again until `deadline`; a product that is not known yet is waited for, too.
async fn wait_for(
    db: &Db,
    id: ProductId,
    wanted: Option<i64>,
    deadline: Instant,
) -> Result<ListedProduct, Problem> {
    let mut delay = LOOK_EVERY.0;
    loop {
        let now = Instant::now();
        tokio::time::sleep_until(deadline.min(now + delay)).await;
        let found = reached(id, db.listed(id).await?, wanted);
        if found.is_ok() || Instant::now() >= deadline {
            return found;
        }
        delay = (delay * 2).min(LOOK_EVERY.1);
    }
}

/// Whether the client has `tag` already (RFC 9110 §13.1.2).
pub(super) fn knows(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        // a header that can't be read is as good as none
        Err(_) => false,
    }
}

fn limit(params: &Params) -> Result<i64, Problem> {
    Ok(params.number("limit", 1..=PAGE.1)?.unwrap_or(PAGE.0))
}

/// Cuts `rows` to `limit`; returns the last one that is left if there were more.
fn cut<T>(rows: &mut Vec<T>, limit: i64) -> Option<&T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn asks(if_none_match: &str) -> HttpRequest {
        TestRequest::default().insert_header(("If-None-Match", if_none_match)).to_http_request()
    }

    #[test]
    fn a_client_knows_the_version_that_it_names() {
        let tag = EntityTag::new_strong("v17".to_owned());
        for known in ["\"v17\"", "W/\"v17\"", "\"v16\", \"v17\"", "*"] {
            assert!(knows(&asks(known), &tag), "{known}");
        }
        for other in ["\"v1\"", "\"v18\"", "v17", ""] {
            assert!(!knows(&asks(other), &tag), "{other}");
        }
        assert!(!knows(&TestRequest::default().to_http_request(), &tag));
    }

    #[test]
    fn a_version_below_the_wanted_one_is_told() {
        let id = ProductId::from_sku("A-1");
        assert_eq!(reached(id, None, None), Err(Problem::ProductNotFound(id)));
        assert_eq!(reached(id, None, Some(1)), Err(Problem::ProductNotFound(id)));
    }
}
