//! A viewer's line to a replica: WebSocket, or SSE read from a plain HTTP/1.1 answer.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How a viewer is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ws,
    Sse,
}

/// One frame as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) kind: String,
    pub(crate) cursor: Option<String>,
    pub(crate) data: Value,
}

/// What the other side says.
#[derive(Debug)]
pub(crate) enum Said {
    Frame(Frame),
    /// SSE's `retry:`, milliseconds.
    Retry(u64),
    /// The connection ended; a WebSocket's close frame has a code and a reason.
    End(Option<(u16, String)>),
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Nobody answered, or the connection broke before there was an answer.
    Away(std::io::Error),
    /// An HTTP answer that opens no stream: its status and body.
    Answer(u16, Value),
}

/// An open connection.
pub(crate) enum Line {
    Ws(Box<WebSocketStream<TcpStream>>),
    Sse(Box<SseReader>),
}

impl Line {
    /// Connects; the query is `query`, and SSE sends `cursor` as browsers do, in a header.
    pub(crate) async fn open(
        kind: Kind,
        addr: SocketAddr,
        query: &[(&str, &str)],
        cursor: Option<&str>,
    ) -> Result<Self, Refused> {
        let stream = TcpStream::connect(addr).await.map_err(Refused::Away)?;
        let mut query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        match kind {
            Kind::Ws => {
                query.extend(cursor.map(|cursor| format!("cursor={cursor}")));
                let url = format!("ws://{addr}/ws?{}", query.join("&"));
                match client_async(url, stream).await {
                    Ok((socket, _)) => Ok(Self::Ws(Box::new(socket))),
                    Err(tungstenite::Error::Http(answer)) => {
                        let body = answer.body().as_deref().unwrap_or_default();
                        let body = serde_json::from_slice(body).unwrap_or_default();
                        Err(Refused::Answer(answer.status().as_u16(), body))
                    }
                    Err(error) => Err(Refused::Away(std::io::Error::other(error))),
                }
            }
            Kind::Sse => {
                let header = cursor.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
                let path = format!("/sse?{}", query.join("&"));
                SseReader::open(stream, addr, &path, &header).await.map(|reader| Self::Sse(Box::new(reader)))
            }
        }
    }

    /// The next thing that is said.
    pub(crate) async fn next(&mut self) -> Said {
        match self {
            Self::Sse(reader) => reader.next().await.unwrap_or(Said::End(None)),
            Self::Ws(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let mut message: Value = serde_json::from_str(&text).unwrap();
                        let kind = message["type"].as_str().unwrap().to_owned();
                        let cursor = message["cursor"].as_str().map(str::to_owned);
                        return Said::Frame(Frame { kind, cursor, data: message["data"].take() });
                    }
                    Some(Ok(Message::Close(close))) => {
                        let close = close.map(|close| (close.code.into(), close.reason.to_string()));
                        return Said::End(close);
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Said::End(None),
                }
            },
        }
    }

    /// Sends a message over WebSocket.
    pub(crate) async fn send(&mut self, text: String) {
        let Self::Ws(socket) = self else { panic!("SSE has no way back") };
        socket.send(Message::text(text)).await.unwrap();
    }
}

/// "Try again later."
pub(crate) fn again() -> u16 {
    CloseCode::Again.into()
}

/// Reads server-sent events out of a chunked answer.
pub(crate) struct SseReader {
    stream: BufReader<TcpStream>,
    /// What was read of the body and is no whole line yet.
    text: Vec<u8>,
}

impl SseReader {
    async fn open(stream: TcpStream, addr: SocketAddr, path: &str, header: &str) -> Result<Self, Refused> {
        let mut stream = BufReader::new(stream);
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nAccept: text/event-stream\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.map_err(Refused::Away)?;
        let head = read_head(&mut stream).await.map_err(Refused::Away)?;
        let status: u16 = head[0].split(' ').nth(1).unwrap().parse().unwrap();
        let has = |wanted: &str| head.iter().any(|line| line.to_ascii_lowercase().starts_with(wanted));
        if status == 200 {
            assert!(has("content-type: text/event-stream"), "{head:?}");
            assert!(has("transfer-encoding: chunked"), "{head:?}");
            return Ok(Self { stream, text: Vec::new() });
        }
        let length = head.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await.map_err(Refused::Away)?;
        Err(Refused::Answer(status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// The next event; none: the stream is over.
    async fn next(&mut self) -> Option<Said> {
        let (mut kind, mut cursor, mut data) = (None, None, String::new());
        loop {
            let line = self.line().await?;
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" if line.is_empty() && !data.is_empty() => {
                    let data = serde_json::from_str(&data).unwrap();
                    return Some(Said::Frame(Frame { kind: kind.unwrap(), cursor, data }));
                }
                "event" => kind = Some(value.to_owned()),
                "id" => cursor = Some(value.to_owned()),
                "data" => data.push_str(value),
                "retry" => return Some(Said::Retry(value.parse().unwrap())),
                _ => {}
            }
        }
    }

    /// The next line of the body, across chunks.
    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.text.drain(..=end).collect();
                return Some(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            let size = read_line(&mut self.stream).await.ok()?;
            let size = usize::from_str_radix(&size, 16).ok()?;
            let before = self.text.len();
            self.text.resize(before + size, 0);
            self.stream.read_exact(&mut self.text[before..]).await.ok()?;
            read_line(&mut self.stream).await.ok()?;
            if size == 0 {
                return None;
            }
        }
    }
}

async fn read_head(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Vec<String>> {
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
async fn read_line(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}
