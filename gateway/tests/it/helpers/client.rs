//! An HTTP client that keeps its connection, and looks at answers as they came.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Longest wait for an answer: far above what is promised, so that a late one is told as late.
const ANSWER: Duration = Duration::from_secs(20);

/// How long a connection is kept while nothing is asked; the server closes it a little later.
const KEPT: Duration = Duration::from_secs(2);

/// A client of one replica.
pub(crate) struct Client {
    addr: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
    /// When the last answer had come.
    answered: Option<Instant>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// By name in lower case.
    pub(crate) headers: HashMap<String, String>,
    /// Null when it is no JSON.
    pub(crate) body: Value,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Answer {
    /// Status, end of the problem's type, field.
    pub(crate) fn problem(&self) -> (u16, &str, &str) {
        let kind = self.body["type"].as_str().unwrap_or_default().rsplit('/').next().unwrap();
        (self.status, kind, self.body["field"].as_str().unwrap_or_default())
    }
}

impl Client {
    /// One that connects when it is first asked.
    pub(crate) const fn to(addr: SocketAddr) -> Self {
        Self { addr, stream: None, answered: None }
    }

    /// Asks once. An error leaves open what became of the request.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> std::io::Result<Answer> {
        let fields: String = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
        let (addr, length) = (self.addr, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {addr}\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        );
        if self.answered.is_some_and(|at| at.elapsed() > KEPT) {
            self.stream = None;
        }
        let started = Instant::now();
        let work = self.exchange(&request);
        let answer =
            tokio::time::timeout(ANSWER, work).await.unwrap_or(Err(std::io::ErrorKind::TimedOut.into()));
        match answer {
            Ok((status, headers, body)) => {
                self.answered = Some(Instant::now());
                let body = serde_json::from_slice(&body).unwrap_or_default();
                Ok(Answer { status, headers, body, took: started.elapsed() })
            }
            Err(error) => {
                self.stream = None;
                Err(error)
            }
        }
    }

    async fn exchange(&mut self, request: &str) -> std::io::Result<(u16, HashMap<String, String>, Vec<u8>)> {
        if self.stream.is_none() {
            self.stream = Some(BufReader::new(TcpStream::connect(self.addr).await?));
        }
        let stream = self.stream.as_mut().unwrap();
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line.trim_end().is_empty() {
                break;
            }
            head.push(line);
        }
        let status = head[0].split(' ').nth(1).unwrap().parse().unwrap();
        let field = |line: &String| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers: HashMap<String, String> = head.iter().skip(1).filter_map(field).collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        Ok((status, headers, body))
    }
}
