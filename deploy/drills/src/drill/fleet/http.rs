//! One HTTP request on a connection of its own.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for a whole answer.
const ANSWER: Duration = Duration::from_secs(5);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// Sends a request and reads the whole answer.
pub(crate) async fn ask(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let more: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let more = more.concat();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n"
    );
    timeout(ANSWER, exchange(addr, &[head.as_bytes(), body].concat())).await?
}

async fn exchange(addr: SocketAddr, request: &[u8]) -> std::io::Result<Answer> {
    let mut stream = BufReader::new(TcpStream::connect(addr).await?);
    stream.write_all(request).await?;
    let head = read_head(&mut stream).await?;
    let status = status(&head)?;
    let mut body = Vec::new();
    if let Some(length) = header(&head, "content-length") {
        let length = length.parse().map_err(std::io::Error::other)?;
        stream.take(length).read_to_end(&mut body).await?;
        if body.len() as u64 != length {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    } else {
        stream.read_to_end(&mut body).await?;
    }
    Ok(Answer { status, head, body })
}

/// The status of an answer's first line.
pub(super) fn status(head: &[String]) -> std::io::Result<u16> {
    let status = head.first().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    status.ok_or_else(|| std::io::Error::other("no HTTP answer"))
}

fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    head.iter().find_map(|line| {
        let (own, value) = line.split_once(':')?;
        own.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The lines up to the empty one.
pub(super) async fn read_head(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Vec<String>> {
    let mut head = Vec::new();
    loop {
        let line = read_line(stream).await?;
        if line.is_empty() {
            return Ok(head);
        }
        head.push(line);
    }
}

/// A line without its end.
pub(super) async fn read_line(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}
