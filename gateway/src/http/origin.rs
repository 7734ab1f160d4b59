//! Whose pages may connect.
//!
//! Browsers name the origin of the page that asks. Pages of the gateway's own origin may do everything, those on the
//! allow-list too, and are told so in the words of CORS. Pages of any other origin get no WebSocket (browsers do not ask
//! CORS about it) and may change nothing; what they read arrives without leave, so their browser keeps it from them.
//! Programs send no origin and are not concerned.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError, web};

use super::{Problem, State};

/// Headers that pages may read beside the simple ones.
const EXPOSED: &str = "Shelfwire-Cursor, ETag, Retry-After, X-Cache";
/// What a preflight allows.
const PREFLIGHT: [(HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, DELETE"),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "Authorization, Cache-Control, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID",
    ),
    // seconds
    (header::ACCESS_CONTROL_MAX_AGE, "600"),
];

/// The origins on the allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origins {
    any: bool,
    allowed: Vec<String>,
}

/// What a request may do by its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// A program, or a page of our own.
    Own,
    /// A page of another origin, on the list.
    Allowed,
    /// A page of an origin that nobody named.
    Foreign,
}

impl Origins {
    /// The list as it is configured; `*` allows all.
    pub(super) fn new(allowed: &[String]) -> Self {
        let tidy = |origin: &String| origin.trim().trim_end_matches('/').to_ascii_lowercase();
        let allowed: Vec<String> = allowed.iter().map(tidy).filter(|origin| !origin.is_empty()).collect();
        Self { any: allowed.iter().any(|origin| origin == "*"), allowed }
    }

    fn standing(&self, origin: Option<&str>, host: Option<&str>) -> Standing {
        let Some(origin) = origin else { return Standing::Own };
        let own = origin.split_once("://").zip(host).is_some_and(|((_, o), h)| o.eq_ignore_ascii_case(h));
        if own {
            Standing::Own
        } else if self.any || self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
            Standing::Allowed
        } else {
            Standing::Foreign
        }
    }
}

/// Lets a request pass, answers a preflight, or refuses.
pub(super) async fn check(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    // an origin that is no text is nobody's
    let standing = state.origins.standing(Some(origin.to_str().unwrap_or_default()), host(&request));
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);

    let mut response = if standing == Standing::Foreign && (preflight || needs_leave(&request)) {
        let told = Problem::echo(&String::from_utf8_lossy(origin.as_bytes()));
        let refusal = Problem::OriginNotAllowed(told).error_response();
        request.into_response(refusal).map_into_right_body()
    } else if standing == Standing::Allowed && preflight {
        request.into_response(leave()).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    if standing == Standing::Allowed {
        expose(response.headers_mut(), origin);
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    Ok(response)
}

/// What a foreign page may not even ask for.
fn needs_leave(request: &ServiceRequest) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        || request.headers().contains_key(header::UPGRADE)
        || request.path() == "/ws"
}

/// The answer to a preflight.
fn leave() -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    for header in PREFLIGHT {
        response.insert_header(header);
    }
    response.finish()
}

fn expose(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
}

/// Host and port that the request was sent to.
fn host(request: &ServiceRequest) -> Option<&str> {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    named.or_else(|| request.uri().authority().map(actix_web::http::uri::Authority::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_allowed_and_foreign_pages_are_told_apart() {
        let origins = Origins::new(&["https://Shop.example/".to_owned()]);
        let standing = |origin| origins.standing(origin, Some("localhost:8080"));
        assert_eq!(standing(None), Standing::Own);
        assert_eq!(standing(Some("http://localhost:8080")), Standing::Own);
        assert_eq!(standing(Some("https://shop.example")), Standing::Allowed);
        for foreign in
            ["http://localhost:8081", "http://localhost", "https://shop.example.evil", "null", "", "://"]
        {
            assert_eq!(standing(Some(foreign)), Standing::Foreign, "{foreign}");
        }
    }

    #[test]
    fn a_star_allows_all_and_nothing_allows_none() {
        let host = Some("localhost:8080");
        assert_eq!(Origins::new(&["*".to_owned()]).standing(Some("null"), host), Standing::Allowed);
        assert_eq!(Origins::new(&[String::new()]).standing(Some(""), host), Standing::Foreign);
    }
}
