//! Is it ready? Asked in each server's own protocol, by hand, so that no client library is needed.
//!
//! A probe is one connection with short limits; whoever asks does so again. That the *right* server answers is not seen
//! here: the supervisor also looks whether the socket belongs to its child.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::wire;

/// How long one answer may take. Short: a server that starts is asked again within milliseconds.
const ANSWER: Duration = Duration::from_millis(500);

/// The question that a service must answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It is enough that it runs for a moment.
    Alive,
    /// `PING` must bring `+PONG` (a Redis that still loads its file says otherwise).
    Redis,
    /// The start-up message for this user must be accepted.
    Postgres,
    /// `ApiVersions` must be answered without an error.
    Kafka,
    /// `GET` of this path must answer 200.
    Http(&'static str),
}

impl Probe {
    /// Whether the server on this port of the loopback address is ready.
    pub fn passes(&self, port: u16) -> bool {
        match self {
            Self::Alive => true,
            Self::Redis => exchange(port, b"PING\r\n", 5).is_ok_and(|answer| answer == b"+PONG"),
            Self::Postgres => wire::connect(port, "postgres", ANSWER).is_ok(),
            Self::Kafka => kafka(port).unwrap_or(false),
            Self::Http(path) => http_get(port, path, ANSWER).is_ok_and(|answer| answer.status == 200),
        }
    }
}

/// `ApiVersions` version 0: length, key 18, version 0, correlation 1, no client id. The answer repeats the correlation
/// and goes on with the error code.
fn kafka(port: u16) -> io::Result<bool> {
    const QUESTION: &[u8] = b"\0\0\0\x0a\0\x12\0\0\0\0\0\x01\xff\xff";
    let answer = exchange(port, QUESTION, 10)?;
    Ok(answer.get(4..) == Some(&[0, 0, 0, 1, 0, 0]))
}

fn exchange(port: u16, question: &[u8], length: usize) -> io::Result<Vec<u8>> {
    let mut stream = connect(port, ANSWER)?;
    stream.write_all(question)?;
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

pub(crate) fn connect(port: u16, limit: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    Ok(stream)
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, at most 1 MiB of it.
    pub body: String,
}

/// `GET` on the loopback address, in HTTP/1.0 so that the answer comes in one piece and the connection closes.
pub fn http_get(port: u16, path: &str, limit: Duration) -> io::Result<Answer> {
    const BODY_LIMIT: u64 = 1024 * 1024;
    let mut stream = connect(port, limit)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n")?;
    let mut text = Vec::new();
    stream.take(BODY_LIMIT).read_to_end(&mut text)?;
    parse(&String::from_utf8_lossy(&text)).ok_or_else(|| io::Error::other("not an HTTP answer"))
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn an_http_answer_is_parsed() {
        let answer = parse("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        assert_eq!(answer, Answer { status: 503, body: "{}".to_owned() });
        assert_eq!(parse("+PONG\r\n"), None);
    }

    #[test]
    fn a_server_of_another_kind_is_not_ready() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _gone = (&stream).write_all(b"HTTP/1.1 200 OK\r\n\r\nhello");
            }
        });
        assert!(!Probe::Redis.passes(port));
        assert!(!Probe::Kafka.passes(port));
        assert!(!Probe::Postgres.passes(port));
    }
}
