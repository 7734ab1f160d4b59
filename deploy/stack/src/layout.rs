//! Where things lie in the run folder.
//!
//! ```text
//! .run/stack.lock    held by the supervisor as long as it lives, its pid inside
//! .run/stack.sock    its control socket
//! .run/log/NAME.log  what a process printed
//! .run/proc/NAME/    its working folder, by which a stray is recognised
//! .run/conf/         generated configuration
//! .run/pg/  .run/kafka1/ …  .run/redis/    data
//! ```

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A log longer than this, in bytes, is set aside as `NAME.log.1` when its process starts, so that two of them bound the
/// disk that one process can take between starts.
const LOG_LIMIT: u64 = 8 * 1024 * 1024;

/// The line between two lives in a log.
const START: &str = "---- started by `stack` ----";

/// Length and time of a file: another stamp, another content.
pub type Stamp = (u64, SystemTime);

/// The stamp of a file that is there.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.len(), found.modified().ok()?))
}

/// The run folder of one stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Makes the folders where they are missing; `root` becomes absolute.
    pub fn create(root: &Path) -> io::Result<Self> {
        for part in ["log", "proc", "conf"] {
            fs::create_dir_all(root.join(part))?;
        }
        Ok(Self { root: root.canonicalize()? })
    }

    /// The run folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A generated configuration file.
    pub fn conf(&self, name: &str) -> PathBuf {
        self.root.join("conf").join(name)
    }

    /// Writes a configuration file, unless it holds this text already: its time tells when it changed.
    pub fn write_conf(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.conf(name);
        if fs::read_to_string(&path).is_ok_and(|found| found == text) {
            return Ok(());
        }
        fs::write(path, text)
    }

    /// Deletes a file or folder that may not be there.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
    }

    /// The log of a process.
    pub fn log(&self, name: &str) -> PathBuf {
        self.root.join("log").join(format!("{name}.log"))
    }

    /// The working folder of a process, made where it is missing.
    pub fn proc_dir(&self, name: &str) -> io::Result<PathBuf> {
        let dir = self.root.join("proc").join(name);
        fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    /// Opens a log for appending; one that has grown too long is set aside first.
    pub fn open_log(&self, name: &str) -> io::Result<fs::File> {
        let path = self.log(name);
        if fs::metadata(&path).is_ok_and(|found| found.len() > LOG_LIMIT) {
            fs::rename(&path, path.with_extension("log.1"))?;
        }
        let mut log = fs::File::options().create(true).append(true).open(path)?;
        writeln!(log, "{START}")?;
        Ok(log)
    }

    /// The last lines since the last start, for a message that says why something did not start.
    pub fn log_tail(&self, name: &str, lines: usize) -> String {
        let text = fs::read(self.log(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last = text.rsplit_once(START).map_or(&*text, |(_, last)| last);
        let all: Vec<&str> = last.lines().collect();
        let skipped = all.len().saturating_sub(lines);
        all.iter().skip(skipped).fold(String::new(), |tail, line| tail + "    " + line + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_log_ends_at_the_last_start() {
        let folder = std::env::temp_dir().join(format!("shelfwire-layout-{}", std::process::id()));
        let layout = Layout::create(&folder).unwrap();
        writeln!(layout.open_log("x").unwrap(), "an earlier life").unwrap();
        writeln!(layout.open_log("x").unwrap(), "one\ntwo\nthree").unwrap();
        assert_eq!(layout.log_tail("x", 2), "    two\n    three\n");
        assert_eq!(layout.log_tail("x", 9).trim(), "one\n    two\n    three");
        fs::remove_dir_all(folder).unwrap();
    }
}
