//! How the supervisor treats its processes, on small commands in place of servers.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking, as the test does")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use stack::layout::Layout;
use stack::ports;
use stack::probe::Probe;
use stack::service::{Restart, Service, Tier};
use stack::supervisor::{self, Command, Handle, Phase, Report};

/// Far beyond what any step here takes.
const LIMIT: Duration = Duration::from_secs(20);

struct Keeper {
    folder: PathBuf,
    handle: Handle,
    thread: Option<thread::JoinHandle<()>>,
}

impl Keeper {
    fn of(name: &str, services: Vec<Service>) -> Self {
        let folder = std::env::temp_dir().join(format!("shelfwire-supervisor-{}-{name}", std::process::id()));
        let layout = Layout::create(&folder).unwrap();
        let (handle, requests) = Handle::new();
        let thread = thread::spawn(move || {
            // As the real one does: its children must not inherit the blocked signals.
            SigSet::from_iter([Signal::SIGTERM]).thread_block().unwrap();
            supervisor::run(layout, &requests);
        });
        handle.ask(Command::Apply(services)).unwrap();
        Self { folder, handle, thread: Some(thread) }
    }

    fn report(&self) -> Report {
        self.handle.ask(Command::Status).unwrap().into_iter().next().unwrap()
    }

    fn until(&self, what: &str, holds: impl Fn(&Report) -> bool) {
        let started = Instant::now();
        while !holds(&self.report()) {
            assert!(started.elapsed() < LIMIT, "{what}: {:?}", self.report());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _already_gone = self.handle.ask(Command::Shutdown { at_once: true });
        self.thread.take().unwrap().join().unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

fn shell(script: &str) -> Service {
    Service {
        name: "it".to_owned(),
        program: "sh".into(),
        args: vec!["-c".into(), script.into()],
        env: Vec::new(),
        dir: "/".into(),
        user: None,
        port: None,
        probe: Probe::Alive,
        stop: Signal::SIGTERM,
        grace: LIMIT,
        tier: Tier::Server,
        restart: Restart::Always,
        made_of: None,
    }
}

#[test]
fn a_foreign_server_that_answers_on_the_port_is_not_taken_for_ours() {
    let port = ports::free(1).unwrap().remove(0);
    let service =
        Service { port: Some((port, "PORT".to_owned())), probe: Probe::Http("/"), ..shell("sleep 60") };
    let keeper = Keeper::of("foreign", vec![service]);
    keeper.until("it runs", |report| report.phase == Phase::Starting);
    let foreign = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || {
        for mut stream in foreign.incoming().flatten() {
            let _request = stream.read(&mut [0; 1024]);
            let _gone = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
        }
    });
    let deadline = Instant::now() + LIMIT;
    while !Probe::Http("/").passes(port) {
        assert!(Instant::now() < deadline);
    }
    thread::sleep(Duration::from_millis(500));
    assert_eq!(keeper.report().phase, Phase::Starting);
}

#[test]
fn a_server_that_ends_because_its_port_was_taken_meanwhile_is_told_by_who_has_the_port() {
    let port = ports::free(1).unwrap().remove(0);
    let it_may_end =
        std::env::temp_dir().join(format!("shelfwire-supervisor-{}-may-end", std::process::id()));
    let script = format!("until [ -e {} ]; do sleep 0.05; done; exit 1", it_may_end.display());
    let service = Service {
        port: Some((port, "PORT".to_owned())),
        probe: Probe::Http("/"),
        restart: Restart::Never,
        ..shell(&script)
    };
    let keeper = Keeper::of("taken", vec![service]);
    keeper.until("it runs", |report| report.phase == Phase::Starting);
    let _holder = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::fs::write(&it_may_end, "").unwrap();
    keeper.until("down", |report| report.phase == Phase::Down);
    std::fs::remove_file(it_may_end).unwrap();
    let note = keeper.report().note;
    assert!(note.starts_with(&format!("port {port} (PORT) is held by ")), "{note}");
    assert!(note.ends_with(&format!("(pid {})", std::process::id())), "{note}");
}

#[test]
fn a_process_that_keeps_failing_is_started_again_after_longer_and_longer_pauses() {
    let started = Instant::now();
    let keeper = Keeper::of("failing", vec![shell("exit 3")]);
    keeper.until("four starts", |report| report.restarts >= 4);
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(1_400), "200 + 400 + 800 ms, not {took:?}");
    assert!(keeper.report().note.contains("exit status: 3"));
}

#[test]
fn a_stop_reaches_the_child_of_a_supervisor_that_blocks_signals() {
    let keeper = Keeper::of("stop", vec![shell("exec sleep 60")]);
    keeper.until("ready", |report| report.phase == Phase::Ready);
    let asked = Instant::now();
    keeper.handle.ask(Command::Stop("it".to_owned())).unwrap();
    keeper.until("down", |report| report.phase == Phase::Down);
    assert!(asked.elapsed() < LIMIT / 2, "before its grace is over");
}

#[test]
fn a_process_that_ignores_the_stop_is_killed_after_its_grace() {
    let deaf = std::env::temp_dir().join(format!("shelfwire-supervisor-{}-deaf", std::process::id()));
    let script = format!("trap '' TERM; : >{}; while :; do sleep 1; done", deaf.display());
    let service = Service { grace: Duration::from_millis(300), ..shell(&script) };
    let keeper = Keeper::of("stubborn", vec![service]);
    keeper.until("it ignores", |report| report.phase == Phase::Ready && deaf.exists());
    let asked = Instant::now();
    keeper.handle.ask(Command::Stop("it".to_owned())).unwrap();
    keeper.until("down", |report| report.phase == Phase::Down);
    assert!(asked.elapsed() >= Duration::from_millis(300));
    std::fs::remove_file(deaf).unwrap();
}

#[test]
fn what_a_killed_process_leaves_behind_is_gone_when_it_is_told_down() {
    // a backend whose parent is gone already: no descendant of ours, but at work in our folder
    let orphan =
        "cp \"$(command -v sleep)\" redis-server; (./redis-server 600 & echo $! >orphan); exec sleep 600";
    let home =
        std::env::temp_dir().join(format!("shelfwire-supervisor-{}-orphan/proc/it", std::process::id()));
    let keeper = Keeper::of("orphan", Vec::new());
    std::fs::create_dir_all(&home).unwrap();
    keeper.handle.ask(Command::Apply(vec![Service { dir: home.clone(), ..shell(orphan) }])).unwrap();
    let pid = || std::fs::read_to_string(home.join("orphan")).ok()?.trim().parse::<u32>().ok();
    let works = || !stack::proc::strays(&keeper.folder).is_empty();
    keeper.until("it runs", |report| report.phase == Phase::Ready && pid().is_some() && works());
    keeper.handle.ask(Command::Kill("it".to_owned())).unwrap();
    keeper.until("down", |report| report.phase == Phase::Down);
    assert!(!works());
}

#[test]
fn a_service_that_works_elsewhere_has_no_remains() {
    let run = std::path::Path::new("/run/one");
    for elsewhere in ["/", "/run", "/run/one", "/run/other/pg"] {
        assert_eq!(stack::proc::remains(run, elsewhere.as_ref()), []);
    }
}

#[test]
fn a_finished_replica_stays_down_and_a_failed_one_does_not() {
    let finished = Service { restart: Restart::OnFailure, ..shell("exit 0") };
    let keeper = Keeper::of("finished", vec![finished]);
    keeper.until("down", |report| report.phase == Phase::Down);
    thread::sleep(Duration::from_millis(500));
    assert_eq!((keeper.report().phase, keeper.report().restarts), (Phase::Down, 0));
    let failed = Service { restart: Restart::OnFailure, ..shell("exit 1") };
    keeper.handle.ask(Command::Apply(vec![failed])).unwrap();
    keeper.until("started again", |report| report.restarts >= 1);
}

#[test]
fn the_same_description_changes_nothing_and_another_replaces_the_process() {
    let keeper = Keeper::of("replace", vec![shell("exec sleep 60")]);
    keeper.until("ready", |report| report.phase == Phase::Ready);
    let first = keeper.report().pid;
    keeper.handle.ask(Command::Apply(vec![shell("exec sleep 60")])).unwrap();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(keeper.report().pid, first);
    keeper.handle.ask(Command::Apply(vec![shell("exec sleep 61")])).unwrap();
    keeper.until("replaced", |report| report.phase == Phase::Ready && report.pid != first);
    keeper.handle.ask(Command::Apply(Vec::new())).unwrap();
    let deadline = Instant::now() + LIMIT;
    while !keeper.handle.ask(Command::Status).unwrap().is_empty() {
        assert!(Instant::now() < deadline, "retired");
    }
}
