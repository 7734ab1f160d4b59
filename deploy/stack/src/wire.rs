//! Just enough of PostgreSQL's protocol to see that it is ready and to make a database: start-up and one simple query.
//!
//! The private server trusts connections from the loopback address, so no password is ever asked for.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::probe;

/// The user that owns everything in the private server.
pub const USER: &str = "shelfwire";

/// Longest message that we read, in bytes: ours are a few hundred.
const MESSAGE_LIMIT: usize = 64 * 1024;

/// Connects and waits until the server takes queries.
pub(crate) fn connect(port: u16, database: &str, limit: Duration) -> io::Result<TcpStream> {
    let mut stream = probe::connect(port, limit)?;
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    for word in ["user", USER, "database", database, ""] {
        body.extend_from_slice(word.as_bytes());
        body.push(0);
    }
    send(&mut stream, None, &body)?;
    until_ready(&mut stream)?;
    Ok(stream)
}

/// Runs one statement. The server's own error text is the error.
pub fn execute(port: u16, database: &str, sql: &str) -> io::Result<()> {
    let mut stream = connect(port, database, Duration::from_secs(30))?;
    let mut body = sql.as_bytes().to_vec();
    body.push(0);
    send(&mut stream, Some(b'Q'), &body)?;
    until_ready(&mut stream)
}

/// Whether a database is there.
pub fn has_database(port: u16, name: &str) -> io::Result<bool> {
    match connect(port, name, Duration::from_secs(5)) {
        Ok(_) => Ok(true),
        Err(error) if error.to_string().contains("does not exist") => Ok(false),
        Err(error) => Err(error),
    }
}

fn send(stream: &mut TcpStream, kind: Option<u8>, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
    let mut message: Vec<u8> = kind.into_iter().collect();
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(body);
    stream.write_all(&message)
}

/// Reads messages up to `ReadyForQuery`; an `ErrorResponse` on the way becomes the error.
fn until_ready(stream: &mut TcpStream) -> io::Result<()> {
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        if !(4..=MESSAGE_LIMIT).contains(&length) {
            return Err(io::Error::other("not a PostgreSQL server"));
        }
        let mut body = vec![0; length - 4];
        stream.read_exact(&mut body)?;
        match kind {
            b'Z' => return Ok(()),
            b'E' => return Err(io::Error::other(error_text(&body))),
            _ => {}
        }
    }
}

/// The fields of an `ErrorResponse` are a letter and a text each; `M` is the one for people.
fn error_text(body: &[u8]) -> String {
    let fields = body.split(|byte| *byte == 0).filter_map(<[u8]>::split_first);
    let mut texts = fields.filter(|(letter, _)| **letter == b'M');
    let text = texts.next().map(|(_, text)| String::from_utf8_lossy(text).into_owned());
    text.unwrap_or_else(|| "refused without a reason".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_for_people_is_taken_out_of_an_error() {
        let body = b"SERROR\0C42P04\0Mdatabase \"a\" already exists\0\0";
        assert_eq!(error_text(body), "database \"a\" already exists");
        assert_eq!(error_text(b"\0"), "refused without a reason");
    }
}
