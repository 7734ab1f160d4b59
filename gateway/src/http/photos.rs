//! A product's photo: reading it with all that HTTP knows about not reading it again, and replacing it.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ETag, EntityTag, Header, IfMatch, IfNoneMatch};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, web};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use schema::{PhotoHash, PhotoMark, PhotoRevision, ProductId};
use serde::Serialize;

use super::State;
use super::access::Admin;
use super::products::knows;
use crate::health::Dependency;
use crate::params::{Params, product_id};
use crate::photos::{Condition, Failure, How, MAX_BYTES, Refused, Upload, UploadError};
use crate::picture::MediaType;
use crate::problem::Problem;

/// Longest time for a body to come in.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// Bytes of a refused body that are read all the same, so that the client gets to the answer.
const MOST_DISCARDED: usize = 4 * MAX_BYTES;

const X_CACHE: &str = "x-cache";
/// What is named by its bytes never changes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Kept by browsers and proxies, but asked for again each time, which costs a 304.
const REVALIDATED: &str = "public, no-cache";

#[derive(Serialize)]
struct Uploaded {
    product_id: ProductId,
    photo: PhotoHash,
    revision: PhotoRevision,
    content_type: &'static str,
    bytes: usize,
    width: u32,
    height: u32,
}

/// `GET /products/{id}/photo`; with `v`, the photo of that hash, or the way to the one that is there now.
pub(super) async fn get(
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let id = product_id("id", &id)?;
    let params = Params::read(&request, &["v"])?;
    let answer = state.photos.get(id).await?;
    let picture = match answer.photo.map(|photo| photo.picture) {
        Some(Some(picture)) => picture,
        Some(None) => return Ok(absent(&Problem::PhotoNotFound(id), answer.how)),
        None => return Ok(absent(&Problem::ProductNotFound(id), answer.how)),
    };
    let wanted = params.text("v");
    let hash = picture.hash.to_string();
    if wanted.is_some_and(|wanted| wanted != hash) {
        let there = format!("/products/{id}/photo?v={hash}");
        return Ok(HttpResponse::Found()
            .insert_header((header::LOCATION, there))
            .insert_header((X_CACHE, answer.how.as_str()))
            .finish());
    }
    let tag = EntityTag::new_strong(hash);
    let known = knows(&request, &tag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    let kept = if wanted.is_some() { IMMUTABLE } else { REVALIDATED };
    response
        .insert_header(ETag(tag))
        .insert_header((header::CACHE_CONTROL, kept))
        .insert_header((X_CACHE, answer.how.as_str()));
    if known {
        return Ok(response.finish());
    }
    Ok(response.content_type(picture.media_type.as_str()).body(picture.bytes))
}

/// `PUT /products/{id}/photo`
pub(super) async fn put(
    _: Admin,
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<State>,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let id = product_id("id", &id)?;
    Params::read(&request, &[])?;
    if request.headers().get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Problem::PhotoUnsupported("Content-Encoding must be left out".to_owned()));
    }
    let condition = condition(&request);
    let place = state.photos.admit().await.map_err(|error| problem(error, id, &request))?;
    let bytes = read(body).await?;
    let content_type = Some(request.content_type().to_owned()).filter(|name| !name.is_empty());
    let upload = Upload { content_type, bytes };
    let stored = state.photos.put(place, id, upload, condition).await;
    let stored = stored.map_err(|error| problem(error, id, &request))?;
    let hash = stored.picture.hash;
    let mut response: HttpResponseBuilder =
        if stored.is_first { HttpResponse::Created() } else { HttpResponse::Ok() };
    response.insert_header((header::LOCATION, format!("/products/{id}/photo?v={hash}")));
    response.insert_header(ETag(EntityTag::new_strong(hash.to_string())));
    Ok(response.json(Uploaded {
        product_id: id,
        photo: hash,
        revision: stored.revision,
        content_type: MediaType::as_str(stored.picture.media_type),
        bytes: stored.picture.bytes.len(),
        width: stored.width,
        height: stored.height,
    }))
}

/// `DELETE /products/{id}/photo`
pub(super) async fn delete(
    _: Admin,
    request: HttpRequest,
    id: web::Path<String>,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let id = product_id("id", &id)?;
    Params::read(&request, &[])?;
    match state.photos.remove(id, condition(&request)).await {
        Ok(_) => Ok(HttpResponse::NoContent().finish()),
        Err(UploadError::Condition(PhotoMark { hash: None, .. })) => Err(Problem::PhotoNotFound(id)),
        Err(error) => Err(problem(error, id, &request)),
    }
}

/// There is none, and where that was found out.
fn absent(problem: &Problem, how: How) -> HttpResponse {
    let mut response = problem.error_response();
    response
        .headers_mut()
        .insert(header::HeaderName::from_static(X_CACHE), header::HeaderValue::from_static(how.as_str()));
    response
}

/// Reads a body of at most [`MAX_BYTES`].
async fn read(mut body: web::Payload) -> Result<bytes::Bytes, Problem> {
    let read = async {
        let (mut bytes, mut discarded) = (BytesMut::new(), 0);
        while let Some(chunk) = body.next().await {
            let chunk =
                chunk.map_err(|error| Problem::of_status(StatusCode::BAD_REQUEST, error.to_string()))?;
            if discarded == 0 && bytes.len() + chunk.len() <= MAX_BYTES {
                bytes.extend_from_slice(&chunk);
                continue;
            }
            discarded += bytes.len() + chunk.len();
            bytes = BytesMut::new();
            if discarded > MOST_DISCARDED {
                break;
            }
        }
        if discarded > 0 {
            return Err(Problem::PhotoTooLarge(format!("it has more than {MAX_BYTES} bytes")));
        }
        Ok(bytes.freeze())
    };
    let late = || Problem::of_status(StatusCode::REQUEST_TIMEOUT, "the body did not come in time".to_owned());
    tokio::time::timeout(BODY_WITHIN, read).await.unwrap_or_else(|_| Err(late()))
}

/// What `If-Match` and `If-None-Match` ask of the present photo (RFC 9110 §13.1).
fn condition(request: &HttpRequest) -> Condition {
    let named = |name| request.headers().contains_key(name);
    let only = named(header::IF_MATCH).then(|| IfMatch::parse(request));
    let not = named(header::IF_NONE_MATCH).then(|| IfNoneMatch::parse(request));
    Box::new(move |present| {
        let tag = present.hash.map(|hash| EntityTag::new_strong(hash.to_string()));
        let only = match &only {
            None => true,
            Some(Ok(IfMatch::Any)) => tag.is_some(),
            Some(Ok(IfMatch::Items(tags))) => {
                tag.as_ref().is_some_and(|tag| tags.iter().any(|named| named.strong_eq(tag)))
            }
            // a condition that can't be read does not hold
            Some(Err(_)) => false,
        };
        let not = match &not {
            None => true,
            Some(Ok(IfNoneMatch::Any)) => tag.is_none(),
            Some(Ok(IfNoneMatch::Items(tags))) => {
                tag.as_ref().is_none_or(|tag| !tags.iter().any(|named| named.weak_eq(tag)))
            }
            Some(Err(_)) => false,
        };
        only && not
    })
}

fn problem(error: UploadError, id: ProductId, request: &HttpRequest) -> Problem {
    match error {
        UploadError::Refused(Refused::TooLarge(rule)) => Problem::PhotoTooLarge(rule),
        UploadError::Refused(Refused::Unsupported(rule)) => Problem::PhotoUnsupported(rule),
        UploadError::Refused(Refused::Broken(rule)) => Problem::PhotoBroken(rule),
        UploadError::UnknownProduct => Problem::ProductNotFound(id),
        UploadError::Condition(present) => Problem::PreconditionFailed {
            field: if request.headers().contains_key(header::IF_MATCH) {
                "If-Match"
            } else {
                "If-None-Match"
            },
            now: present
                .hash
                .map_or_else(|| "there is no photo".to_owned(), |hash| format!("the photo is \"{hash}\"")),
        },
        UploadError::Busy => Problem::Busy("too many photos are being uploaded"),
        UploadError::Db(error) => error.into(),
        UploadError::Broken => Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        tracing::debug!(%failure, "a photo can't be answered");
        match failure {
            Failure::Away(_) => Self::ServiceAway(Dependency::Postgres),
            Failure::Busy => Self::Busy("too many photos wait for the database"),
        }
    }
}
