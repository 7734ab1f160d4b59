//! The control socket: one line asks, some lines answer, the connection closes.
//!
//! ```text
//! > kill⇥gw2
//! < ok                             or  error⇥the reason
//! < gw1⇥ready⇥4711⇥8081⇥93000⇥0⇥   one report a line, as in `Report::to_line`
//! ```

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::layout::Layout;
use crate::supervisor::Report;

const SOCKET: &str = "stack.sock";

/// A request takes one turn of the supervisor, whose probes may hold it up for about a second.
const ANSWER: Duration = Duration::from_secs(10);

/// Longest request that is read, in bytes; a full `apply` has about 300.
const REQUEST_LIMIT: u64 = 16 * 1024;

/// A socket's path may have 107 bytes, a checkout's is often longer: so it is reached through an open folder.
fn path(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()))
}

/// Opens the socket of a run folder; the caller holds that folder's lock.
pub fn listen(layout: &Layout) -> io::Result<UnixListener> {
    let folder = File::open(layout.root())?;
    if layout.path(SOCKET).exists() {
        std::fs::remove_file(layout.path(SOCKET))?;
    }
    UnixListener::bind(path(&folder))
}

/// Answers one connection with what `carry_out` makes of its words.
pub fn serve(
    stream: &UnixStream,
    carry_out: impl FnOnce(&[&str]) -> anyhow::Result<Vec<Report>>,
) -> io::Result<()> {
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    let mut line = String::new();
    BufReader::new(stream).take(REQUEST_LIMIT).read_line(&mut line)?;
    let words: Vec<&str> = line.trim_end_matches('\n').split('\t').collect();
    let answer = match carry_out(&words) {
        Ok(reports) => reports.iter().fold("ok\n".to_owned(), |text, report| text + &report.to_line() + "\n"),
        Err(error) => format!("error\t{}\n", format!("{error:#}").replace('\n', " ")),
    };
    (&mut &*stream).write_all(answer.as_bytes())
}

/// Asks the supervisor of a run folder.
pub fn ask(layout: &Layout, words: &[&str]) -> anyhow::Result<Vec<Report>> {
    let folder = File::open(layout.root())?;
    let mut stream = match UnixStream::connect(path(&folder)) {
        Ok(stream) => stream,
        // no socket, or one that an ended supervisor left
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            bail!("the stack is not up (`make up` starts it)")
        }
        Err(error) => return Err(error).context("asking the stack's supervisor"),
    };
    stream.set_read_timeout(Some(ANSWER))?;
    stream.write_all((words.join("\t") + "\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("the stack's supervisor does not answer")?;
    let (first, rest) = answer.split_once('\n').unwrap_or((&answer, ""));
    match first.split_once('\t') {
        None if first == "ok" => Ok(rest.lines().filter_map(Report::from_line).collect()),
        Some(("error", reason)) => bail!("{reason}"),
        _ => bail!("the stack's supervisor ended while it was asked; see {}", layout.log("stack").display()),
    }
}
