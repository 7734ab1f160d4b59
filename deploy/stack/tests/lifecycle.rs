//! What the command line promises, on real servers and stand-ins for our two programs. One test, because each step starts
//! from what the one before left, as a person's session does.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking, as the test does")]

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use stack::{child, ports, proc};

struct Session {
    folder: PathBuf,
    variables: HashMap<&'static str, String>,
}

impl Session {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("shelfwire-lifecycle-{}", std::process::id()));
        let programs = folder.join("target/debug");
        fs::create_dir_all(&programs).unwrap();
        let stand_in = stand_in();
        for name in ["gateway", "generator"] {
            fs::copy(&stand_in, programs.join(name)).unwrap();
        }
        let mut free = ports::free(3).unwrap().into_iter().map(|port| port.to_string());
        let mut free = || free.next().unwrap();
        let block =
            (20_000..32_000).step_by(40).find(|first| (*first..first + 30).all(ports::is_free)).unwrap();
        let variables = HashMap::from([
            ("PORT", free()),
            ("STATS_PORT", free()),
            ("REDIS_PORT", free()),
            ("PG_PORT", block.to_string()),
            ("GATEWAY_PORT", (block + 1).to_string()),
            ("KAFKA_PORT", (block + 10).to_string()),
            ("RUN", folder.join("run").display().to_string()),
            ("CARGO_TARGET_DIR", folder.join("target").display().to_string()),
            ("PROFILE", "dev".to_owned()),
            ("CARGO", "true".to_owned()),
        ]);
        Self { folder, variables }
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
        for name in ["REPLICAS", "RATE", "PRODUCTS", "BROKERS"] {
            command.env_remove(name);
        }
        command.args(words.split(' ')).envs(&self.variables).stdin(Stdio::null());
        command
    }

    fn run(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    fn ok(&self, words: &str) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a verb that ends with 1 says.
    fn refused(&self, words: &str) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(1), "{words}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Name to state and pid, as `status` shows them.
    fn processes(&self) -> HashMap<String, (String, String)> {
        let text = self.ok("status");
        let rows = text.lines().skip(1).take_while(|line| !line.is_empty());
        let fields = rows.map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let mut word = || words.next().unwrap();
            (word(), (word(), word()))
        });
        fields.collect()
    }

    fn left(&self) -> Vec<proc::Process> {
        proc::strays(&self.folder.join("run"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.run("down");
        let _already_gone = fs::remove_dir_all(&self.folder);
    }
}

/// Builds the program that stands in for ours; a run of this test alone has not.
fn stand_in() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_stack")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "-p", "stack", "--example", "stand_in", "--target-dir"]);
    assert!(cargo.arg(built.parent().unwrap()).status().unwrap().success());
    built.join("examples/stand_in")
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_verbs_work_in_any_order_and_leave_nothing_behind() {
    let mut session = Session::new();
    assert!(session.ok("down").contains("nothing runs"));
    assert!(session.ok("status").contains("nothing runs"));

    // What can't be is told in one line, and at once: nobody waits for another's `up` to hear that 0 is no number.
    for words in ["scale gateway 2", "kill gw1", "psql", "change --product=x"] {
        let refused = session.refused(words);
        assert_eq!(refused, "stack: the stack is not up (`make up` starts it)\n", "{words}");
    }
    let lock = fs::File::create(session.folder.join("run/up.lock")).unwrap();
    lock.lock().unwrap();
    session.variables.insert("REPLICAS", "0".to_owned());
    for words in ["up -d", "settings"] {
        assert_eq!(session.refused(words), "stack: REPLICAS is a number from 1 to 6; not \"0\"\n");
    }
    session.variables.remove("REPLICAS");
    drop(lock);

    // A port that is not ours is named with its holder, and nothing is started.
    let foreign = TcpListener::bind(format!("127.0.0.1:{}", session.variables["REDIS_PORT"])).unwrap();
    let refused = session.run("up -d");
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && text.contains(&format!("(pid {})", std::process::id())), "{text}");
    assert!(text.contains("make up REDIS_PORT="), "{text}");
    drop(foreign);

    // Interrupted in the middle: everything is taken down again.
    let slow = session.folder.join("slow-cargo");
    fs::write(&slow, "#!/bin/sh\nexec sleep 600\n").unwrap();
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).unwrap();
    let mut interrupted = session.command("up -d").env("CARGO", slow).stdout(Stdio::null()).spawn().unwrap();
    eventually("servers start during the build", || session.left().len() > 2);
    child::signal(interrupted.id(), Signal::SIGTERM);
    interrupted.wait().unwrap();
    eventually("an interrupted start leaves nothing", || session.left().is_empty());
    eventually("its supervisor ends", || session.ok("status").contains("nothing runs"));

    // Two at once: one does the work, both succeed, and another changes nothing.
    let other = session.command("up -d").stdout(Stdio::null()).spawn().unwrap();
    let first = session.ok("up -d");
    assert!(other.wait_with_output().unwrap().status.success());
    assert!(first.contains("Shelfwire is up: 2 replicas, 1000 products, rate 10"), "{first}");
    let before = session.processes();
    assert_eq!(before.len(), 7);
    session.ok("up -d");
    assert_eq!(session.processes(), before);

    // Killed by request it stays down; killed otherwise it is started again.
    session.ok("kill gw2");
    assert!(session.ok("kill gw2").contains("gw2 is down already"));
    let gw1 = before["gw1"].1.parse().unwrap();
    child::signal(gw1, Signal::SIGKILL);
    eventually("gw1 is started again", || {
        let gw1 = &session.processes()["gw1"];
        gw1.0 == "ready" && gw1.1 != before["gw1"].1
    });
    assert_eq!(session.processes()["gw2"].0, "down");

    // Other variables replace only what they touch.
    session.variables.insert("RATE", "50".to_owned());
    session.ok("scale gateway 3");
    session.ok("up -d");
    let after = session.processes();
    assert_eq!(after.values().filter(|(state, _)| state == "ready").count(), 8);
    assert_eq!(after["kafka1"], before["kafka1"]);
    assert_ne!(after["generator"], before["generator"]);

    // The supervisor killed outright: nothing lives on, and the next `up` recovers.
    let supervisor = fs::read_to_string(session.folder.join("run/stack.lock")).unwrap();
    child::signal(supervisor.trim().parse().unwrap(), Signal::SIGKILL);
    eventually("no child outlives its supervisor", || session.left().is_empty());
    session.ok("up -d");
    session.ok("down");
    assert_eq!(session.left(), []);
    session.ok("clean");
    assert!(!session.folder.join("run").exists());
}
