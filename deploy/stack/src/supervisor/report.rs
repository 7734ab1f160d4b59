//! How a process stands, as others see it: for `status`, for those who wait, and as a line on the control socket.

use std::fmt;
use std::time::Duration;

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// To be started, at once or after a pause.
    Waiting,
    /// Runs, does not answer yet.
    Starting,
    /// Answers.
    Ready,
    /// Was asked to stop.
    Stopping,
    /// Does not run, and stays so.
    Down,
}

const WORDS: [(Phase, &str); 5] = [
    (Phase::Waiting, "waiting"),
    (Phase::Starting, "starting"),
    (Phase::Ready, "ready"),
    (Phase::Stopping, "stopping"),
    (Phase::Down, "down"),
];

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WORDS.iter().find(|(phase, _)| phase == self).map_or("", |(_, word)| word);
        f.pad(word)
    }
}

/// One process's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// Where it is in its life.
    pub phase: Phase,
    /// Its process id, while it runs.
    pub pid: Option<u32>,
    /// Its port, where it has one.
    pub port: Option<u16>,
    /// How long it has been in this phase.
    pub since: Duration,
    /// Starts that nobody asked for.
    pub restarts: u32,
    /// Why it is where it is; empty when there is nothing to say.
    pub note: String,
}

impl Report {
    /// One line, fields separated by tabs.
    pub fn to_line(&self) -> String {
        let number = |value: Option<u32>| value.map_or_else(String::new, |value| value.to_string());
        let note = self.note.replace(['\t', '\n', '\r'], " ");
        let (pid, port) = (number(self.pid), number(self.port.map(u32::from)));
        let since = self.since.as_millis();
        format!("{}\t{}\t{pid}\t{port}\t{since}\t{}\t{note}", self.name, self.phase, self.restarts)
    }

    /// The other way; `None` if it is not such a line.
    pub fn from_line(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, phase, pid, port, since, restarts, note] = fields.as_slice() else { return None };
        let phase = WORDS.iter().find(|(_, word)| word == phase).map(|(phase, _)| *phase)?;
        Some(Self {
            name: (*name).to_owned(),
            phase,
            pid: pid.parse().ok(),
            port: port.parse().ok(),
            since: Duration::from_millis(since.parse().ok()?),
            restarts: restarts.parse().ok()?,
            note: (*note).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_as_it_was_written() {
        let report = Report {
            name: "gw1".to_owned(),
            phase: Phase::Waiting,
            pid: None,
            port: Some(8081),
            since: Duration::from_millis(1500),
            restarts: 2,
            note: "ended\twith\n1".to_owned(),
        };
        let read = Report::from_line(&report.to_line()).unwrap();
        assert_eq!(read, Report { note: "ended with 1".to_owned(), ..report });
        assert_eq!(Report::from_line("gw1\tasleep\t\t\t1\t0\t"), None);
    }
}
