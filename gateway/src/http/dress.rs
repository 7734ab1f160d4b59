//! What every answer has in common: headers that keep browsers from guessing, errors in one form, a line in the log.
//!
//! The HTTP library refuses some requests by itself (no such address, another method, a body that is too large), with
//! a plain text or nothing: these become problems here. Limits on the address stand here, too, before anybody reads it.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};

use super::Problem;

/// Longest path, bytes: far above the longest address.
const MAX_PATH: usize = 512;
/// Longest query, bytes: a viewer may name a thousand products in it, their commas escaped. Above 64 KiB the HTTP
/// library refuses an address by itself, with nothing but the status 400.
const MAX_QUERY: usize = 60 * 1024;
/// Asked several times a second, and told nowhere.
const UNLOGGED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// Headers of every answer that does not say otherwise.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Serves a request and dresses its answer.
pub(super) async fn dress(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let mut response = if let Some(problem) = too_long(&request) {
        request.into_response(problem.error_response()).map_into_right_body()
    } else {
        let response = next.call(request).await?;
        if is_bare(&response) {
            explain(response).map_into_right_body()
        } else {
            response.map_into_left_body()
        }
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        for (name, value) in HEADERS {
            if !response.headers().contains_key(&name) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    log(&response, started);
    Ok(response)
}

fn too_long(request: &ServiceRequest) -> Option<Problem> {
    if request.path().len() > MAX_PATH {
        Some(Problem::UriTooLong("the path is longer than 512 bytes"))
    } else if request.query_string().len() > MAX_QUERY {
        Some(Problem::UriTooLong("the query is longer than 61440 bytes"))
    } else {
        None
    }
}

/// Whether the answer is an error that nobody put into words.
fn is_bare<B>(response: &ServiceResponse<B>) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    (status.is_client_error() || status.is_server_error())
        && kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// The same answer as a problem, with the headers that it had.
fn explain<B>(response: ServiceResponse<B>) -> ServiceResponse<BoxBody> {
    let (request, bare) = response.into_parts();
    let detail = bare.error().map(ToString::to_string).unwrap_or_default();
    let mut told = Problem::of_status(bare.status(), detail).error_response();
    keep(bare.headers(), told.headers_mut());
    ServiceResponse::new(request, told)
}

fn keep(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        if *name != header::CONTENT_TYPE && *name != header::CONTENT_LENGTH {
            to.append(name.clone(), value.clone());
        }
    }
}

fn log<B>(response: &ServiceResponse<B>, started: Instant) {
    let request = response.request();
    if !UNLOGGED.contains(&request.path()) {
        tracing::debug!(
            method = %request.method(),
            path = request.path(),
            status = response.status().as_u16(),
            took_us = started.elapsed().as_micros(),
            "request"
        );
    }
}
