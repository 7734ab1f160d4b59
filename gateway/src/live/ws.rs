//! WebSocket: one actor per viewer. The only file that knows actors.
//!
//! A message is `{"type":…,"cursor":…,"data":…}`, one frame each. The actor takes frames from its viewer's outbox only in
//! turns that the HTTP server grants by asking the response body for more, which it does when the connection has room:
//! so what the client does not read stays in the outbox, where it is counted. A client that answers no ping is gone.

use std::fmt::Write as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix::prelude::*;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{self, CloseCode, CloseReason, Message, ProtocolError, WebsocketContext};
use bytestring::ByteString;
use futures_util::Stream;
use prometheus_client::metrics::counter::Counter;
use schema::Saying;
use schema::client_message::{self, ClientMessage, MAX_MESSAGE_BYTES};
use schema::frames::ErrorFrame;

use super::door;
use super::hub::Hub;
use super::inbound::{Inbound, Oversized};
use super::outbox::{End, Item};
use super::quota::Quota;
use super::seat::Seat;
use super::talk;
use super::viewer::{Transport, Viewer};
use crate::problem::Problem;

/// Bytes of one turn: what the connection takes at once, about.
const TURN_BYTES: usize = 64 * 1024;
/// Refused messages that a client may send in a minute; the next one sends it away.
const MAX_REFUSED: usize = 19;
/// Heartbeats without a sign of life after which a client is gone.
const SILENT_HEARTBEATS: f64 = 2.5;

/// `GET /ws`.
///
/// # Errors
/// The request is no WebSocket handshake, or what it asks for can't be read.
pub async fn connect(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, actix_web::Error> {
    check(request.headers())?;
    let mut response = ws::handshake(&request)?;
    let seat = door::enter(&request, Transport::Ws)?;
    let (inbound, oversized) = Inbound::new(payload, MAX_MESSAGE_BYTES);
    let session = Session {
        hub: seat.hub.clone(),
        frames: seat.frames(),
        viewer: Rc::clone(&seat.viewer),
        heard: Instant::now(),
        refusals: Quota::a_minute(MAX_REFUSED),
        words: Quota::a_second(talk::A_VIEWER),
        oversized,
    };
    let out = WebsocketContext::create(session, inbound);
    Ok(response.streaming(Body { out: Box::pin(out), seat }))
}

/// What the library's handshake takes more lightly than RFC 6455 §4.2 does.
fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| {
        headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok()).unwrap_or_default()
    };
    if !text(header::UPGRADE).split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket")) {
        return Err(Problem::UpgradeRequired(
            "connect with a WebSocket client, or read the same frames as server-sent events from /sse",
        ));
    }
    if text(header::SEC_WEBSOCKET_VERSION) != "13" {
        return Err(Problem::UpgradeRequired("`Sec-WebSocket-Version` must be 13"));
    }
    // 16 bytes in base64
    let is_key = |key: &str| {
        key.strip_suffix("==").is_some_and(|key| {
            key.len() == 22 && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        })
    };
    if !is_key(text(header::SEC_WEBSOCKET_KEY)) {
        let rule = "must be 16 random bytes in base64".to_owned();
        return Err(Problem::InvalidParameter { field: "Sec-WebSocket-Key", rule });
    }
    Ok(())
}

/// The response body: grants turns, and holds the viewer's seat as long as the connection lives.
struct Body {
    out: Pin<Box<dyn Stream<Item = Result<Bytes, actix_web::Error>>>>,
    seat: Seat,
}

impl Stream for Body {
    type Item = Result<Bytes, actix_web::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.seat.viewer.allow(TURN_BYTES);
        self.out.as_mut().poll_next(cx)
    }
}

/// One viewer's actor.
struct Session {
    hub: Hub,
    viewer: Rc<Viewer>,
    frames: Counter,
    /// When the client was last heard of.
    heard: Instant,
    /// How often it may be refused.
    refusals: Quota,
    /// How often it speaks.
    words: Quota,
    /// Set when it begins to send a message that is too long.
    oversized: Oversized,
}

/// What the outbox gives: frames, then how it ends.
struct Given(Result<Item, End>);

struct Taken {
    viewer: Rc<Viewer>,
    over: bool,
}

impl Stream for Taken {
    type Item = Given;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Given>> {
        if self.over {
            return Poll::Ready(None);
        }
        self.viewer.poll_take(cx).map(|given| {
            self.over = given.is_err();
            Some(Given(given))
        })
    }
}

impl Actor for Session {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.add_stream(Taken { viewer: Rc::clone(&self.viewer), over: false });
        let heartbeat = self.hub.live().settings.heartbeat();
        context.run_interval(heartbeat, move |session, context| {
            if session.heard.elapsed() > heartbeat.mul_f64(SILENT_HEARTBEATS) {
                session.viewer.close(End::GONE);
                context.stop();
            } else {
                context.ping(b"");
            }
        });
    }
}

impl StreamHandler<Given> for Session {
    fn handle(&mut self, given: Given, context: &mut Self::Context) {
        match given.0 {
            Ok(item) => {
                self.frames.inc();
                context.text(envelope(&item));
            }
            Err(end) => {
                let code = match end.reason {
                    "misuse" => CloseCode::Policy,
                    "too_large" => CloseCode::Size,
                    _ => CloseCode::Again,
                };
                let description = Some(end.reconnect_after_ms.to_string());
                context.close(Some(CloseReason { code, description }));
                context.stop();
            }
        }
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Session {
    fn handle(&mut self, message: Result<Message, ProtocolError>, context: &mut Self::Context) {
        self.heard = Instant::now();
        match message {
            Ok(Message::Text(text)) => self.read(&text),
            Ok(Message::Ping(text)) => context.pong(&text),
            Ok(Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Binary(_) | Message::Continuation(_)) => {
                self.refuse(&client_message::refusal(
                    "invalid",
                    None,
                    "a message must be text, in one piece",
                ));
            }
            Ok(Message::Close(reason)) => {
                context.close(reason);
                context.stop();
            }
            Err(_) if self.oversized.get() => {
                let rule = format!("a message must have at most {MAX_MESSAGE_BYTES} bytes");
                self.viewer.refuse(&client_message::refusal("too_large", None, &rule));
                self.viewer.send_away(End::too_large(rand::random()));
            }
            Err(ProtocolError::Io(_)) => context.stop(), // it has gone
            Err(_) => {
                context.close(Some(CloseCode::Protocol.into()));
                context.stop();
            }
        }
    }
}

impl Session {
    fn read(&mut self, text: &str) {
        let result = match ClientMessage::parse(text) {
            Ok(ClientMessage::Ping) => {
                self.viewer.heartbeat();
                Ok(())
            }
            Ok(ClientMessage::Subscribe(products)) => self.hub.subscribe(&self.viewer, &products.into()),
            Ok(ClientMessage::Say(text)) => self.say(text),
            Ok(ClientMessage::Unsubscribe(products)) => Hub::unsubscribe(&self.viewer, &products),
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            self.refuse(&error);
        }
    }

    /// Says it to all, and goes on meanwhile.
    fn say(&mut self, text: Saying) -> Result<(), ErrorFrame> {
        if !self.words.take(Instant::now()) {
            let rule = format!("a viewer must say at most {} words a second", talk::A_VIEWER);
            return Err(client_message::refusal("too_fast", None, &rule));
        }
        let (live, viewer) = (self.hub.live().clone(), Rc::clone(&self.viewer));
        actix_web::rt::spawn(async move {
            if let Err(error) = live.talk.say(live.name_of(&viewer), text).await {
                viewer.refuse(&error);
            }
        });
        Ok(())
    }

    fn refuse(&mut self, error: &ErrorFrame) {
        self.viewer.refuse(error);
        if !self.refusals.take(Instant::now()) {
            self.viewer.send_away(End::misuse(rand::random()));
        }
    }
}

fn envelope(Item { kind, data, cursor }: &Item) -> ByteString {
    let mut text = String::with_capacity(data.len() + 128);
    // writing to a String can't fail
    let _ = write!(text, r#"{{"type":"{}","#, kind.as_str());
    if let Some(cursor) = cursor {
        let _ = write!(text, r#""cursor":"{cursor}","#);
    }
    let _ = write!(text, r#""data":{data}}}"#);
    text.into()
}
