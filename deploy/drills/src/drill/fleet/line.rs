//! A viewer's line to a replica: WebSocket, or SSE read from a plain HTTP/1.1 answer.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::http::{read_head, read_line, status};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// How a viewer is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ws,
    Sse,
}

/// One frame as it came.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    pub(crate) kind: String,
    pub(crate) cursor: Option<String>,
    pub(crate) data: String,
}

/// An open connection.
pub(crate) enum Line {
    Ws(Box<WebSocketStream<TcpStream>>),
    Sse(Box<Events>),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    cursor: Option<String>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Line {
    /// Connects soon or not at all, with a cursor if there is one.
    pub(crate) async fn open(
        kind: Kind,
        addr: SocketAddr,
        products: Option<&str>,
        cursor: Option<&str>,
    ) -> anyhow::Result<Self> {
        timeout(CONNECT, Self::connect(kind, addr, products, cursor)).await?
    }

    /// The same, however long it takes.
    pub(crate) async fn connect(
        kind: Kind,
        addr: SocketAddr,
        products: Option<&str>,
        cursor: Option<&str>,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        let products = products.map(|products| format!("products={products}")).unwrap_or_default();
        match kind {
            Kind::Ws => {
                let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
                let url = format!("ws://{addr}/ws?{products}{cursor}");
                Ok(Self::Ws(Box::new(client_async(url.replace("?&", "?"), stream).await?.0)))
            }
            Kind::Sse => {
                let cursor = cursor.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
                let mut stream = BufReader::new(stream);
                let head = format!("GET /sse?{products} HTTP/1.1\r\nHost: {addr}\r\n{cursor}\r\n");
                stream.write_all(head.as_bytes()).await?;
                let status = status(&read_head(&mut stream).await?)?;
                anyhow::ensure!(status == 200, "status {status}");
                Ok(Self::Sse(Box::new(Events { stream, text: Vec::new() })))
            }
        }
    }

    /// The next frame; none: the connection is over.
    ///
    /// # Errors
    /// What came is no frame.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Frame>> {
        match self {
            Self::Sse(events) => events.next().await,
            Self::Ws(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let Envelope { kind, cursor, data } = serde_json::from_str(&text)?;
                        return Ok(Some(Frame { kind, cursor, data: data.get().to_owned() }));
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(None),
                    Some(Ok(_)) => {}
                }
            },
        }
    }
}

/// Server-sent events out of a chunked answer.
pub(crate) struct Events {
    stream: BufReader<TcpStream>,
    /// What was read of the body and is no whole line yet.
    text: Vec<u8>,
}

impl Events {
    async fn next(&mut self) -> anyhow::Result<Option<Frame>> {
        let mut frame = Frame::default();
        while let Some(line) = self.line().await? {
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" if line.is_empty() && !frame.data.is_empty() => return Ok(Some(frame)),
                "event" => value.clone_into(&mut frame.kind),
                "id" => frame.cursor = Some(value.to_owned()),
                "data" => frame.data.push_str(value),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The next line of the body, across chunks; none at the end, which a killed replica does not announce.
    async fn line(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            if let Some(end) = self.text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.text.drain(..=end).collect();
                return Ok(Some(String::from_utf8(line)?.trim_end().to_owned()));
            }
            let Ok(size) = read_line(&mut self.stream).await else { return Ok(None) };
            let size = usize::from_str_radix(&size, 16)?;
            let mut chunk = vec![0; size];
            if self.stream.read_exact(&mut chunk).await.is_err() || read_line(&mut self.stream).await.is_err()
            {
                return Ok(None);
            }
            self.text.extend(chunk);
            if size == 0 {
                return Ok(None);
            }
        }
    }
}
