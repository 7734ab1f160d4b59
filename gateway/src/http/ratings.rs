//! Ratings: rate a product or the site, and ask what its ratings add up to.

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use schema::{KeyHash, ProductId, Rate, Rating, Subject, Total};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use super::{Problem, State};
use crate::health::Dependency;
use crate::params::{Params, product_id};
use crate::ratings::{Accept, NotAccepted};

/// The header by which a rating that is sent again counts once.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// Longest idempotency key, bytes.
const MAX_KEY: usize = 255;
/// What a rate must be.
const RATE_RULE: &str = "must be a whole number from 0 to 10";

/// What the handlers of ratings need besides.
pub struct Ratings {
    /// The door.
    pub accept: Accept,
    /// Whether this replica has heard of a product.
    pub knows: Box<dyn Fn(ProductId) -> bool + Send + Sync>,
    /// How many of the newest ratings an average looks back on.
    pub window: u32,
}

/// The body, for who does not send `?rate=`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    rate: Rate,
}

/// A body of the right shape, whatever its rate.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnyBody {
    #[serde(rename = "rate")]
    _rate: IgnoredAny,
}

/// `POST /products/{id}/rate`
pub(super) async fn rate_product(
    request: HttpRequest,
    id: web::Path<String>,
    body: web::Bytes,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let id = product_id("id", &id)?;
    let (rate, key) = read(&request, &body)?;
    // the database is asked only about a product that is not known here yet
    if !(state.ratings.knows)(id) && state.db.product(id).await?.is_none() {
        return Err(Problem::ProductNotFound(id));
    }
    accept(&state, id.into(), rate, key).await
}

/// `POST /rate`
pub(super) async fn rate_site(
    request: HttpRequest,
    body: web::Bytes,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let (rate, key) = read(&request, &body)?;
    accept(&state, Subject::Site, rate, key).await
}

/// `GET /products/{id}/total`
pub(super) async fn product_total(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let id = product_id("id", &id)?;
    Params::read(&request, &[])?;
    match state.db.total(id.into()).await? {
        Some(total) => Ok(HttpResponse::Ok().json(total)),
        None if state.db.product(id).await?.is_none() => Err(Problem::ProductNotFound(id)),
        None => Err(Problem::NotRated(id)),
    }
}

/// `GET /total`: of the site.
pub(super) async fn site_total(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    Params::read(&request, &[])?;
    let none = Total { subject: Subject::Site, rating: Rating::none(state.ratings.window), updated_at: None };
    Ok(HttpResponse::Ok().json(state.db.total(Subject::Site).await?.unwrap_or(none)))
}

async fn accept(
    state: &State,
    subject: Subject,
    rate: Rate,
    key: Option<KeyHash>,
) -> Result<HttpResponse, Problem> {
    match state.ratings.accept.accept(subject, rate, key).await {
        Ok(rated) => Ok(HttpResponse::Accepted().json(rated)),
        Err(NotAccepted::Away) => Err(Problem::ServiceAway(Dependency::Kafka)),
        Err(NotAccepted::Busy) => Err(Problem::Busy("too many ratings are on their way to Kafka")),
    }
}

/// Rate and idempotency key.
fn read(request: &HttpRequest, body: &[u8]) -> Result<(Rate, Option<KeyHash>), Problem> {
    let params = Params::read(request, &["rate"])?;
    let rate = match (params.text("rate"), body.is_empty()) {
        (Some(text), true) => from_text(text).ok_or_else(|| invalid(RATE_RULE)),
        (None, false) => from_json(request.headers(), body),
        (Some(_), false) => Err(invalid("must stand in the address or in the body, not in both")),
        (None, true) => Err(invalid("must be given: ?rate=7, or {\"rate\":7} as JSON")),
    };
    Ok((rate?, idempotency_key(request.headers())?))
}

fn from_text(text: &str) -> Option<Rate> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse::<i64>().ok()?.try_into().ok()).flatten()
}

fn from_json(headers: &HeaderMap, body: &[u8]) -> Result<Rate, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], header::HeaderValue::as_bytes);
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if !kind.eq_ignore_ascii_case(b"application/json") {
        return Err(Problem::UnsupportedMediaType("send a body as `Content-Type: application/json`"));
    }
    match serde_json::from_slice::<Body>(body) {
        Ok(body) => Ok(body.rate),
        Err(_) if serde_json::from_slice::<AnyBody>(body).is_ok() => Err(invalid(RATE_RULE)),
        Err(_) => {
            Err(Problem::Unprocessable { field: "body", rule: "must be JSON, and nothing but: {\"rate\":7}" })
        }
    }
}

const fn invalid(rule: &'static str) -> Problem {
    Problem::Unprocessable { field: "rate", rule }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<KeyHash>, Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY);
    let Some(key) = given.next() else { return Ok(None) };
    let bytes = key.as_bytes();
    let right = (1..=MAX_KEY).contains(&bytes.len()) && bytes.iter().all(|b| (b' '..=b'~').contains(b));
    if right && given.next().is_none() {
        return Ok(Some(<[u8; 32]>::from(Sha256::digest(bytes)).into()));
    }
    let rule = format!("must be given once at most, with 1 to {MAX_KEY} characters of ASCII");
    Err(Problem::InvalidParameter { field: IDEMPOTENCY_KEY, rule })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_digits_from_0_to_10() {
        for rate in 0..=10 {
            assert_eq!(from_text(&rate.to_string()).map(Rate::get), Some(rate));
        }
        for wrong in ["", "11", "-1", "+7", "7.0", "7e0", " 7", "seven", "99999999999999999999", "٧"] {
            assert_eq!(from_text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn keys_are_told_apart_and_held_to_their_length() {
        let hash = |keys: &[&str]| {
            let name = header::HeaderName::from_static("idempotency-key");
            let mut headers = HeaderMap::new();
            for key in keys {
                headers.append(name.clone(), header::HeaderValue::from_str(key).unwrap());
            }
            idempotency_key(&headers)
        };
        let long = "x".repeat(MAX_KEY);
        assert_eq!(hash(&[]), Ok(None));
        assert_eq!(hash(&["a"]), hash(&["a"]));
        assert!(hash(&["a"]) != hash(&["b"]) && hash(&[&long]).unwrap().is_some());
        for wrong in [&[""][..], &[&format!("{long}x")], &["a", "a"], &["\u{e9}"], &["a\tb"]] {
            assert!(matches!(hash(wrong), Err(Problem::InvalidParameter { .. })), "{wrong:?}");
        }
    }
}
