//! A way to end a viewer's connection from outside.
//!
//! The HTTP server asks a session for more only when its client has taken what was sent before. A client that takes
//! nothing can therefore not be ended from within its session; shutting the socket down makes the server notice.

use std::any::Any;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};

/// What the system may hold for one client, bytes (Linux doubles it). Without a bound it grows to megabytes, in which a
/// slow client would hide from us for a long time; too small, and a far client's line is not filled.
const SEND_BUFFER_BYTES: usize = 128 * 1024;
/// A client whose machine is gone is noticed by the system after about this time.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// A second handle of a connection's socket.
///
/// Only the connection itself keeps it: a handle that outlives the connection would keep it open.
#[derive(Debug)]
pub(super) struct Socket(socket2::Socket);

impl Socket {
    /// Ends the connection in both directions.
    pub(super) fn end(&self) {
        // an error means that it has ended already
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

/// Keeps a handle of each connection's socket beside it. For `HttpServer::on_connect`.
pub fn remember_socket(connection: &dyn Any, extensions: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
    let socket = SockRef::from(stream);
    // each is an improvement only: a connection without it works
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_send_buffer_size(SEND_BUFFER_BYTES);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
    if let Ok(second) = socket.try_clone() {
        extensions.insert(Arc::new(Socket(second)));
    }
}

/// The socket of a request's connection.
pub(super) fn of(request: &HttpRequest) -> Weak<Socket> {
    request.conn_data::<Arc<Socket>>().map(Arc::downgrade).unwrap_or_default()
}
