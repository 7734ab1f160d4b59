//! The door: reads what a viewer asks for, for both transports alike.

use actix_web::HttpRequest;
use schema::client_message::Products;

use super::cursor::{Cursor, CursorError};
use super::hub::Hub;
use super::interest::Interest;
use super::seat::Seat;
use super::socket;
use super::viewer::Transport;
use crate::params::Params;
use crate::problem::Problem;

/// What a viewer asks for.
#[derive(Debug)]
pub(super) struct Ask {
    /// Where it was.
    pub(super) cursor: Option<Cursor>,
    /// What it follows.
    pub(super) interest: Interest,
}

/// Names that a viewer's query may hold. `every_ms` is checked, and frames come as they come whatever it says: a viewer
/// that asks for fewer gets them all, which is more than it asked for and nothing else.
const KNOWN: &[&str] = &["products", "cursor", "every_ms"];

impl Ask {
    /// Reads the query and, for SSE, the header that a browser sends when it comes back.
    pub(super) fn read(request: &HttpRequest) -> Result<Self, Problem> {
        let params = Params::read(request, KNOWN)?;
        let bad = |field, rule: String| Problem::InvalidParameter { field, rule };
        // an empty one is left out: so a page may fill in a form of addresses
        let given = |name| params.text(name).filter(|text| !text.is_empty());
        let cursor = given("cursor").map(str::parse).transpose();
        let mut cursor = cursor.map_err(|error: CursorError| bad("cursor", error.to_string()))?;
        let products = given("products").map(Products::from_list).transpose();
        let interest = products.map_err(|rule| bad("products", rule))?.map_or(Interest::All, Interest::from);
        if given("every_ms").is_some() {
            params.number("every_ms", 0..=60_000)?;
        }
        // newer than the cursor of the URL, which stays the same however often a browser comes back
        if let Some(id) = request.headers().get("last-event-id").filter(|id| !id.is_empty()) {
            // A browser gives up for good when it is refused. An id that is not ours names no entry: all begins anew.
            cursor = Some(id.to_str().ok().and_then(|id| id.parse().ok()).unwrap_or(Cursor::UNKNOWN));
        }
        Ok(Self { cursor, interest })
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

    fn read(uri: &str) -> Result<Ask, Problem> {
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
        let named = |uri: &str| match read(uri).unwrap_err() {
            Problem::InvalidParameter { field, rule } => (field.to_owned(), rule),
            Problem::UnknownParameter { field, .. } => (field, "unknown".to_owned()),
            other => panic!("{other}"),
        };
        for (uri, field, rule) in [
            ("/ws?cursor=x".to_owned(), "cursor", "must be"),
            (format!("/ws?products={PRODUCT},x"), "products", "item 1 must"),
            (format!("/ws?products={PRODUCT}&products={PRODUCT}"), "products", "must be given once"),
            (format!("/sse?product={PRODUCT}"), "product", "unknown"),
            ("/sse?every_ms=soon".to_owned(), "every_ms", "must be a whole number"),
        ] {
            let told = named(&uri);
            assert!(told.0 == field && told.1.starts_with(rule), "{uri}: {told:?}");
        }
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
