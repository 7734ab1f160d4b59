//! The door: reads what a viewer asks for, for both transports alike.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use schema::client_message::Products;

use super::cursor::Cursor;
use super::hub::Hub;
use super::interest::Interest;
use super::seat::Seat;
use super::socket;
use super::viewer::Transport;

/// What a viewer asks for.
#[derive(Debug)]
pub(super) struct Ask {
    /// Where it was.
    pub(super) cursor: Option<Cursor>,
    /// What it follows.
    pub(super) interest: Interest,
}

/// A request that can't be served as it is: the field and the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub(super) struct BadRequest {
    /// The parameter.
    pub(super) field: String,
    /// What it must be.
    pub(super) rule: String,
}

impl ResponseError for BadRequest {
    fn status_code(&self) -> StatusCode {
        StatusCode::BAD_REQUEST
    }

    fn error_response(&self) -> HttpResponse {
        let problem = serde_json::json!({
            "type": "/problems/invalid-parameter", "title": "A parameter is not valid", "status": 400,
            "detail": self.to_string(), "field": self.field, "rule": self.rule,
            "retryable": false,
        });
        HttpResponse::BadRequest().content_type("application/problem+json").body(problem.to_string())
    }
}

impl Ask {
    /// Reads the query and, for SSE, the header that a browser sends when it comes back.
    pub(super) fn read(request: &HttpRequest) -> Result<Self, BadRequest> {
        let bad = |field: &str, rule: String| BadRequest { field: field.to_owned(), rule };
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|error| bad("query", format!("must be a URL query: {error}")))?;
        let mut ask = Self { cursor: None, interest: Interest::All };
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "cursor" => ask.cursor = Some(value.parse().map_err(|e| bad("cursor", format!("{e}")))?),
                "products" => {
                    ask.interest = Products::from_list(value).map_err(|rule| bad("products", rule))?.into();
                }
                _ => {} // of a later release, or of a proxy
            }
        }
        // newer than the cursor of the URL, which stays the same however often a browser comes back
        if let Some(id) = request.headers().get("last-event-id").filter(|id| !id.is_empty()) {
            // A browser gives up for good when it is refused. An id that is not ours names no entry: all begins anew.
            ask.cursor = Some(id.to_str().ok().and_then(|id| id.parse().ok()).unwrap_or(Cursor::UNKNOWN));
        }
        Ok(ask)
    }
}

/// Lets a viewer in.
///
/// # Errors
/// What it asks for can't be read.
pub(super) fn enter(request: &HttpRequest, transport: Transport) -> Result<Seat, actix_web::Error> {
    let ask = Ask::read(request)?;
    let hub = request.app_data::<Hub>().ok_or_else(|| {
        actix_web::error::ErrorInternalServerError(
            "this worker was not configured with the live lane's routes",
        )
    })?;
    Ok(hub.seat(transport, ask.interest, ask.cursor, socket::of(request)))
}

impl From<Products> for Interest {
    fn from(products: Products) -> Self {
        match products {
            Products::All => Self::All,
            Products::Only(ids) => Self::Only(ids),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const PRODUCT: &str = "0190a0b0-0000-7000-8000-00000000000a";

    fn read(uri: &str) -> Result<Ask, BadRequest> {
        Ask::read(&TestRequest::with_uri(uri).to_http_request())
    }

    #[test]
    fn nothing_asked_for_means_all_from_now_on() {
        for uri in ["/ws", "/ws?cursor=&products=", "/ws?every_ms=5"] {
            let ask = read(uri).unwrap();
            assert_eq!((ask.cursor, ask.interest), (None, Interest::All), "{uri}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(read("/ws?cursor=x").unwrap_err().field, "cursor");
        let error = read(&format!("/ws?products={PRODUCT},x")).unwrap_err();
        assert_eq!(
            (error.field.as_str(), error.rule.starts_with("item 1 must")),
            ("products", true),
            "{error}"
        );
    }

    #[test]
    fn the_header_of_a_browser_is_newer_than_its_url() {
        let cursor =
            |ms| Cursor { epoch: uuid::Uuid::from_u128(1), id: crate::redis::EntryId { ms, seq: 0 } };
        let request = |id: String| {
            let uri = format!("/sse?cursor={}", cursor(1));
            TestRequest::with_uri(&uri).insert_header(("Last-Event-ID", id)).to_http_request()
        };
        assert_eq!(Ask::read(&request(cursor(2).to_string())).unwrap().cursor, Some(cursor(2)));
        assert_eq!(
            Ask::read(&request("of another service".to_owned())).unwrap().cursor,
            Some(Cursor::UNKNOWN)
        );
    }
}
