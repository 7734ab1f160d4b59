//! One command to Redis, by hand: a fault must not share a client library with what it breaks.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(5);

/// Sends one command and returns the first line of the answer. An error of Redis is an error here.
pub(crate) fn command(addr: &str, words: &[&str]) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(ANSWER))?;
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        let _ = write!(text, "${}\r\n{word}\r\n", word.len());
    }
    stream.write_all(text.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    anyhow::ensure!(!line.starts_with('-') && !line.is_empty(), "Redis, {words:?}: {}", line.trim_end());
    Ok(line.trim_end().to_owned())
}
