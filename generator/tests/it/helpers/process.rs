//! A generator as a user starts it: the binary, its arguments, its words on stderr, its exit code.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::{DEADLINE, Topic};

/// A generator that runs; killed when dropped.
pub(crate) struct Generator {
    child: Child,
    files: PathBuf,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Generator {
    /// Starts it on `topic`.
    pub(crate) fn start(topic: &Topic, args: &[&str]) -> Self {
        Self::start_at(&topic.kafka, &topic.name, args, None)
    }

    /// Starts it on `topic` and hands it `input`.
    pub(crate) fn start_with(topic: &Topic, args: &[&str], input: &str) -> Self {
        Self::start_at(&topic.kafka, &topic.name, args, Some(input))
    }

    pub(crate) fn start_at(kafka: &str, topic: &str, args: &[&str], input: Option<&str>) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let files = std::env::temp_dir().join(format!("shelfwire-generator-{}-{number}", std::process::id()));
        fs::create_dir_all(&files).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_generator"));
        // an empty environment of ours: what the machine's user has set must not change a test
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("SHELFWIRE_") || name == "RUST_LOG")
        {
            command.env_remove(name);
        }
        command.env("SHELFWIRE_KAFKA", kafka).env("SHELFWIRE_CHANGES_TOPIC", topic).args(args);
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        command
            .stdout(File::create(files.join("out")).unwrap())
            .stderr(File::create(files.join("err")).unwrap());
        let mut child = stack::child::tie_to_us(&mut command).spawn().unwrap();
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            stdin.write_all(input.as_bytes()).unwrap();
        }
        Self { child, files }
    }

    /// Runs it to its end, which must be a good one; what it said.
    pub(crate) fn run(topic: &Topic, args: &[&str]) -> Ended {
        let ended = Self::start(topic, args).end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }

    /// What it said on stderr so far.
    pub(crate) fn words(&self) -> String {
        fs::read_to_string(self.files.join("err")).unwrap()
    }

    pub(crate) fn wait_for_word(&self, word: &str) {
        let start = Instant::now();
        while !self.words().contains(word) {
            assert!(start.elapsed() < DEADLINE, "it never said {word:?}: {}", self.words());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its memory, bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let pages = fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap();
        pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Asks it to stop; it must end well, and all that it sent must be on `topic`. What it said.
    pub(crate) fn stop_whole(self, topic: &Topic) -> Ended {
        self.signal("-TERM");
        let ended = self.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(topic.changes_of(&ended), ended.number_before(" changes sent"));
        ended
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let start = Instant::now();
        let code = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status.code(),
                None => assert!(start.elapsed() < DEADLINE, "it goes on: {}", self.words()),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let read = |name| fs::read_to_string(self.files.join(name)).unwrap();
        Ended { code, stdout: read("out"), stderr: read("err") }
    }
}

impl Ended {
    /// The number before `word` where that stands last in what it said: `12 changes sent`.
    pub(crate) fn number_before(&self, word: &str) -> usize {
        let said = format!("{}{}", self.stdout, self.stderr);
        let before = said.rsplit_once(word).unwrap_or_else(|| panic!("no {word:?} in {self:?}")).0;
        before.split_whitespace().next_back().unwrap().parse().unwrap()
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        // already ended, in most tests
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.files);
    }
}
