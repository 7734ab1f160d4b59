//! Server-sent events: a stream per viewer. The only file that knows the SSE library.
//!
//! An event has the frame's type as `event:`, the cursor as `id:` and the data as `data:`. The HTTP server takes an
//! event from the viewer's outbox when the connection has room for it. A viewer that can't stay is answered with 200 and
//! `going_away` all the same, and `retry:` holds the delay: any other status would make a browser give up for good.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder};
use actix_web_lab::sse::{Data, Event, Sse};
use futures_util::Stream;
use prometheus_client::metrics::counter::Counter;

use super::door;
use super::outbox::Item;
use super::seat::Seat;
use super::viewer::Transport;

/// A browser that loses the connection comes back after a delay from here on, spread over as much again: all viewers of
/// a replica that died do not come at once.
const RETRY: Duration = Duration::from_millis(500);
/// Proxies that buffer answers (nginx, and what descends from it) are told not to.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `GET /sse`.
///
/// # Errors
/// What the request asks for can't be read.
pub async fn connect(request: HttpRequest) -> Result<HttpResponse, actix_web::Error> {
    let seat = door::enter(&request, Transport::Sse)?;
    let retry = match seat.viewer.end() {
        Some(end) => Duration::from_millis(end.reconnect_after_ms),
        None => RETRY.mul_f64(1.0 + rand::random::<f64>()),
    };
    let frames = seat.frames();
    let mut response =
        Sse::from_stream(Events { seat, frames }).with_retry_duration(retry).respond_to(&request);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// The viewer's frames as events; holds its seat as long as the connection lives.
struct Events {
    seat: Seat,
    frames: Counter,
}

impl Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.seat.viewer.poll_take(cx).map(|given| {
            let item = given.ok()?;
            self.frames.inc();
            Some(Ok(event(item)))
        })
    }
}

fn event(Item { kind, data, cursor }: Item) -> Event {
    let event = Data::new(data).event(kind.as_str());
    match cursor {
        Some(cursor) => event.id(cursor).into(),
        None => event.into(),
    }
}
