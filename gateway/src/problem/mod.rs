//! Errors as clients see them: problem details (RFC 9457) that name the field and the rule.
//!
//! One enum for whoever answers requests, the live lane included; one row a kind: the status, the title and the page at `/problems/<slug>` cannot disagree.
//! What the HTTP library refuses by itself gets the same form, with `about:blank` where no kind fits better.

pub(crate) mod kinds;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::db::DbError;
use crate::health::Dependency;
use crate::redis::RedisError;
use kinds::Kind;

/// Content type of a problem.
pub(crate) const CONTENT_TYPE: &str = "application/problem+json";
/// Seconds after which a client should come again: services are tried more often than that.
const RETRY_AFTER_S: u64 = 1;
/// Longest text of a client that is told back, characters.
const MAX_ECHO: usize = 64;

/// Why a request was not answered as it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A part of the address breaks a rule.
    #[error("`{field}` {rule}")]
    InvalidParameter {
        /// Which part.
        field: &'static str,
        /// What it must be.
        rule: String,
    },
    /// The query names what this address does not know.
    #[error("`{field}` is no parameter of this address")]
    UnknownParameter {
        /// The name.
        field: String,
        /// What it does know.
        known: &'static [&'static str],
    },
    /// What was sent is no value of its kind.
    #[error("`{field}` {rule}")]
    Unprocessable {
        /// Which part.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The body is of another type than what this address takes.
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    /// The admin token is missing or another one.
    #[error("send the admin token as `Authorization: Bearer TOKEN`")]
    Unauthorized,
    /// No admin token is configured.
    #[error("the gateway was started without an admin token")]
    AdminDisabled,
    /// A page of another origin asks for more than it may.
    #[error("pages of `{0}` are not allowed to do this")]
    OriginNotAllowed(String),
    /// No such address.
    #[error("the page at /docs lists the addresses")]
    NotFound,
    /// The product is not known.
    #[error("no change of product `{0}` was stored")]
    ProductNotFound(schema::ProductId),
    /// The product was never rated.
    #[error("no rating of product `{0}` was counted")]
    NotRated(schema::ProductId),
    /// The product has no photo.
    #[error("product `{0}` has no photo")]
    PhotoNotFound(schema::ProductId),
    /// A photo has more bytes, pixels or memory than may be.
    #[error("the photo is too large: {0}")]
    PhotoTooLarge(String),
    /// A photo is of no kind that is taken, or not of the one that it says.
    #[error("the photo is not taken: {0}")]
    PhotoUnsupported(String),
    /// A photo is no whole picture.
    #[error("the photo is broken: {0}")]
    PhotoBroken(String),
    /// The condition of the request does not hold.
    #[error("`{field}` does not hold: {now}")]
    PreconditionFailed {
        /// The header that holds the condition.
        field: &'static str,
        /// What there is.
        now: String,
    },
    /// The replica does not live.
    #[error("no replica named `{0}` lives")]
    ReplicaNotFound(String),
    /// The dead letter is not there.
    #[error("no dead letter lies there; Kafka keeps them for 14 days")]
    LetterNotFound,
    /// The dead letter can't be sent back as it is.
    #[error("the dead letter can't be sent back: {0}")]
    NotRedrivable(&'static str),
    /// The address does not take the method.
    #[error("the header `Allow` names the methods of this address")]
    MethodNotAllowed,
    /// The product is known in a lower version.
    #[error("the stored version is {stored}, not yet {wanted}")]
    VersionNotReached {
        /// What is stored.
        stored: i64,
        /// What was asked for.
        wanted: i64,
    },
    /// The path or the query is too long.
    #[error("{0}")]
    UriTooLong(&'static str),
    /// The address speaks WebSocket of version 13, the request does not.
    #[error("{0}")]
    UpgradeRequired(&'static str),
    /// A service that the answer needs is away.
    #[error("{} does not answer, it is waited for", .0.as_str())]
    ServiceAway(Dependency),
    /// Too many requests are being worked on.
    #[error("{0}")]
    Busy(&'static str),
    /// What the HTTP library refused.
    #[error("{1}")]
    Other(StatusCode, String),
}

/// The answer's body.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    retryable: bool,
}

impl Problem {
    /// The problem that stands for a bare `status`, told in the words of `detail`.
    pub(crate) fn of_status(status: StatusCode, detail: String) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            _ => Self::Other(status, detail),
        }
    }

    /// `text` of a client, short enough to be told back.
    pub(crate) fn echo(text: &str) -> String {
        text.chars().take(MAX_ECHO).collect()
    }

    fn kind(&self) -> Kind {
        match self {
            Self::InvalidParameter { .. } => kinds::INVALID_PARAMETER,
            Self::UnknownParameter { .. } => kinds::UNKNOWN_PARAMETER,
            Self::Unprocessable { .. } => kinds::UNPROCESSABLE,
            Self::UnsupportedMediaType(_) => kinds::UNSUPPORTED_MEDIA_TYPE,
            Self::Unauthorized => kinds::UNAUTHORIZED,
            Self::AdminDisabled => kinds::ADMIN_DISABLED,
            Self::OriginNotAllowed(_) => kinds::ORIGIN_NOT_ALLOWED,
            Self::NotFound => kinds::NOT_FOUND,
            Self::ProductNotFound(_) => kinds::PRODUCT_NOT_FOUND,
            Self::NotRated(_) => kinds::NOT_RATED,
            Self::PhotoNotFound(_) => kinds::PHOTO_NOT_FOUND,
            Self::PhotoTooLarge(_) => kinds::PHOTO_TOO_LARGE,
            Self::PhotoUnsupported(_) => kinds::PHOTO_UNSUPPORTED,
            Self::PhotoBroken(_) => kinds::PHOTO_BROKEN,
            Self::PreconditionFailed { .. } => kinds::PRECONDITION_FAILED,
            Self::ReplicaNotFound(_) => kinds::REPLICA_NOT_FOUND,
            Self::LetterNotFound => kinds::LETTER_NOT_FOUND,
            Self::NotRedrivable(_) => kinds::NOT_REDRIVABLE,
            Self::MethodNotAllowed => kinds::METHOD_NOT_ALLOWED,
            Self::VersionNotReached { .. } => kinds::VERSION_NOT_REACHED,
            Self::UriTooLong(_) => kinds::URI_TOO_LONG,
            Self::UpgradeRequired(_) => kinds::UPGRADE_REQUIRED,
            Self::ServiceAway(_) => kinds::SERVICE_AWAY,
            Self::Busy(_) => kinds::BUSY,
            Self::Other(status, _) => Kind {
                slug: "",
                title: status.canonical_reason().unwrap_or("Error"),
                status: *status,
                retryable: status.is_server_error(),
                about: "",
            },
        }
    }

    /// The part of the request that is wrong, and what it must be.
    fn field_and_rule(&self) -> Option<(&str, String)> {
        match self {
            Self::InvalidParameter { field, rule } => Some((field, rule.clone())),
            Self::Unprocessable { field, rule } => Some((field, (*rule).to_owned())),
            Self::UnknownParameter { field, known: [] } => Some((field, "no parameter is known here".into())),
            Self::UnknownParameter { field, known } => {
                Some((field, format!("must be one of: {}", known.join(", "))))
            }
            Self::PhotoTooLarge(rule) | Self::PhotoUnsupported(rule) | Self::PhotoBroken(rule) => {
                Some(("body", rule.clone()))
            }
            Self::PreconditionFailed { field, now } => Some((field, now.clone())),
            _ => None,
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind().status
    }

    fn error_response(&self) -> HttpResponse {
        let kind = self.kind();
        let (field, rule) = self.field_and_rule().unzip();
        let mut response = HttpResponse::build(kind.status);
        response.content_type(CONTENT_TYPE);
        if kind.retryable {
            response.insert_header((header::RETRY_AFTER, RETRY_AFTER_S));
        }
        if matches!(self, Self::Unauthorized) {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"shelfwire\""));
        }
        if matches!(self, Self::UpgradeRequired(_)) {
            // what to upgrade to (RFC 9110 §15.5.22), in which version (RFC 6455 §4.2.2)
            response.insert_header((header::UPGRADE, "websocket"));
            response.insert_header((header::SEC_WEBSOCKET_VERSION, "13"));
        }
        response.json(Body {
            kind: if kind.slug.is_empty() {
                "about:blank".into()
            } else {
                format!("/problems/{}", kind.slug)
            },
            title: kind.title,
            status: kind.status.as_u16(),
            detail: self.to_string(),
            field,
            rule,
            retryable: kind.retryable,
        })
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        // the text may name hosts and users: it is for the log, not for clients
        tracing::debug!(%error, "a read failed");
        Self::ServiceAway(Dependency::Postgres)
    }
}

impl From<RedisError> for Problem {
    fn from(error: RedisError) -> Self {
        tracing::debug!(%error, "a command failed");
        Self::ServiceAway(Dependency::Redis)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;

    async fn told(problem: Problem) -> (HttpResponse<()>, Value) {
        let (response, body) = problem.error_response().into_parts();
        let body = to_bytes(body).await.unwrap_or_default();
        (response, serde_json::from_slice(&body).unwrap())
    }

    #[actix_web::test]
    async fn a_problem_names_the_field_and_the_rule() {
        let (response, body) =
            told(Problem::UnknownParameter { field: "limti".into(), known: &["after", "limit"] }).await;
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), CONTENT_TYPE);
        assert_eq!(
            body,
            json!({
                "type": "/problems/unknown-parameter", "title": "A parameter is not known", "status": 400,
                "detail": "`limti` is no parameter of this address", "field": "limti",
                "rule": "must be one of: after, limit", "retryable": false,
            })
        );
    }

    #[actix_web::test]
    async fn what_may_pass_says_when_to_come_again() {
        let away = DbError::Away("secret host".into());
        let (response, body) = told(away.into()).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "1");
        assert_eq!(body["detail"], "postgres does not answer, it is waited for");
        assert_eq!(body["retryable"], true);
    }

    #[actix_web::test]
    async fn a_refusal_of_the_library_has_the_same_form() {
        let problem = Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE, "too much".into());
        let (_, body) = told(problem).await;
        assert_eq!(
            body,
            json!({
                "type": "about:blank", "title": "Payload Too Large", "status": 413, "detail": "too much",
                "retryable": false,
            })
        );
    }
}
