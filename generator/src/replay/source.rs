//! The lines of a recording, from a file or from standard input.
//!
//! A thread of its own reads them, because reading standard input may block for ever, while the worker has
//! acknowledgements to serve and a stop to hear. It is at most [`AHEAD`] lines ahead, and is left behind when the
//! program ends.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::line::LONGEST;

/// Most lines that are read ahead.
const AHEAD: usize = 1024;

/// One line, without its end.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: u64,
    /// Its bytes; the beginning of them when it is longer than [`LONGEST`].
    pub(super) text: Vec<u8>,
    /// It is longer than [`LONGEST`].
    pub(super) too_long: bool,
}

/// What there is to read.
pub(super) enum Next {
    Line(Line),
    /// Nothing yet.
    Waiting,
    End,
}

/// The lines.
pub(super) struct Source(Receiver<io::Result<Line>>);

impl Source {
    /// Opens `path`; `-` is standard input.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let input: Box<dyn Read + Send> =
            if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
        let (lines, source) = sync_channel(AHEAD);
        thread::Builder::new()
            .name("replay-source".into())
            .spawn(move || read(BufReader::new(input), &lines))?;
        Ok(Self(source))
    }

    /// The next line, waiting at most `wait` for it.
    pub(super) fn next(&self, wait: Duration) -> io::Result<Next> {
        match self.0.recv_timeout(wait) {
            Ok(line) => line.map(Next::Line),
            Err(RecvTimeoutError::Timeout) => Ok(Next::Waiting),
            Err(RecvTimeoutError::Disconnected) => Ok(Next::End),
        }
    }
}

/// Reads lines until the end, or until nobody wants them.
fn read(mut input: impl BufRead, lines: &SyncSender<io::Result<Line>>) {
    for number in 1.. {
        let line = read_line(&mut input, number).transpose();
        let Some(line) = line else { return };
        let failed = line.is_err();
        if lines.send(line).is_err() || failed {
            return;
        }
    }
}

/// One line; what is beyond [`LONGEST`] is read over, not kept.
fn read_line(input: &mut impl BufRead, number: u64) -> io::Result<Option<Line>> {
    let mut text = Vec::new();
    let limit = LONGEST as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', &mut text)? == 0 {
        return Ok(None);
    }
    let ended = text.pop_if(|last| *last == b'\n').is_some();
    let too_long = text.len() > LONGEST;
    if too_long && !ended {
        input.skip_until(b'\n')?;
    }
    text.pop_if(|last| *last == b'\r');
    if number == 1 && text.starts_with(b"\xef\xbb\xbf") {
        // spreadsheets write a byte order mark
        text.drain(..3);
    }
    Ok(Some(Line { number, text, too_long }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<(u64, usize, bool)> {
        let (mut input, mut lines) = (BufReader::new(input), Vec::new());
        while let Some(line) = read_line(&mut input, lines.len() as u64 + 1).unwrap() {
            lines.push((line.number, line.text.len(), line.too_long));
        }
        lines
    }

    #[test]
    fn line_ends_and_a_byte_order_mark_are_no_part_of_a_line() {
        assert_eq!(
            lines(b"\xef\xbb\xbfab\r\ncd\n\nef"),
            [(1, 2, false), (2, 2, false), (3, 0, false), (4, 2, false)]
        );
    }

    #[test]
    fn a_line_without_end_takes_no_memory_without_end() {
        let mut input = vec![b'x'; 10 * LONGEST];
        input.extend_from_slice(b"\nnext\n");
        assert_eq!(lines(&input), [(1, LONGEST + 1, true), (2, 4, false)]);
    }

    #[test]
    fn the_longest_line_is_not_too_long() {
        let mut input = vec![b'x'; LONGEST];
        input.push(b'\n');
        assert_eq!(lines(&input), [(1, LONGEST, false)]);
    }
}
