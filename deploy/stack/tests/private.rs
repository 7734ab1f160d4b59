//! The library's promises, on real servers: one stack for all of them, because starting one costs seconds.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking, as the test does")]

use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use stack::probe::Probe;
use stack::{Options, Private, wire};

const SERVERS: [&str; 3] = ["redis", "postgres", "kafka1"];

fn port(url: &str) -> u16 {
    url.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap()
}

fn answers(stack: &Private) -> [bool; 3] {
    [
        Probe::Redis.passes(port(&stack.redis_url())),
        Probe::Postgres.passes(port(&stack.database_base_url())),
        Probe::Kafka.passes(port(&stack.kafka())),
    ]
}

/// Waits until all that should answer do: a server that has just started may take its time for a question.
fn until_answers(stack: &Private, wanted: [bool; 3]) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while answers(stack) != wanted {
        assert!(Instant::now() < deadline, "{:?}, not {wanted:?}", answers(stack));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn servers_start_die_pause_and_come_back_with_their_data() {
    let stack = Private::start(Options { durable: true, ..Options::default() }).unwrap();
    until_answers(&stack, [true; 3]);
    let sql = port(&stack.database_base_url());
    stack.create_database("kept").unwrap();
    assert!(stack.create_database("kept").unwrap_err().root_cause().to_string().contains("already exists"));
    assert!(stack.create_database("x; drop").is_err());
    wire::execute(sql, "kept", "create table t as select 1 as n").unwrap();

    // a backend that is busy, and those that PostgreSQL always has
    let busy = std::thread::spawn(move || wire::execute(sql, "kept", "select pg_sleep(600)"));
    for name in SERVERS {
        stack.kill(name).unwrap();
        let left = stack::proc::strays(stack.folder());
        assert!(left.iter().all(|process| process.name != "postgres" || name != "postgres"), "{left:?}");
    }
    assert!(busy.join().unwrap().is_err());
    assert!(stack.kill("redis").unwrap_err().to_string().contains("redis is down already"));
    assert_eq!(answers(&stack), [false; 3]);
    for name in SERVERS {
        stack.start_again(name).unwrap();
    }
    until_answers(&stack, [true; 3]);
    wire::execute(sql, "kept", "select n from t").unwrap();

    stack.stop("postgres").unwrap();
    assert!(!Probe::Postgres.passes(sql));
    until_answers(&stack, [true, false, true]);
    stack.start_again("postgres").unwrap();

    for name in SERVERS {
        stack.pause(name).unwrap();
    }
    assert_eq!(answers(&stack), [false; 3]);
    for name in SERVERS {
        stack.resume(name).unwrap();
    }
    until_answers(&stack, [true; 3]);

    assert!(stack.kill("kafka9").unwrap_err().to_string().contains("no process named kafka9"));
    let (folder, redis) = (stack.folder().to_owned(), port(&stack.redis_url()));
    drop(stack);
    assert!(!folder.exists());
    assert!(TcpStream::connect(("127.0.0.1", redis)).is_err());
    assert_eq!(stack::proc::strays(&folder), []);
}

#[test]
fn a_command_finds_the_servers_and_its_exit_status_is_passed_on() {
    let script = r#"test -n "$SHELFWIRE_TEST_KAFKA" && echo "${SHELFWIRE_TEST_REDIS_URL##*:}" && exit 7"#;
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_stack"));
    let output = run.args(["test-env", "--", "sh", "-c", script]).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    let port: u16 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "torn down before it returned");
}

#[test]
fn a_killed_test_run_leaves_no_server_and_the_next_one_no_folder() {
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_stack"));
    run.args(["test-env", "--", "sleep", "600"]);
    let mut run = run.spawn().unwrap();
    let folder = || -> Option<PathBuf> {
        let begin = format!("shelfwire-stack-{}-", run.id());
        let mut entries = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        entries
            .find(|entry| entry.file_name().to_string_lossy().starts_with(&begin))
            .map(|entry| entry.path())
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let running = |folder: &PathBuf| stack::proc::strays(folder).len() >= 3;
    while !folder().as_ref().is_some_and(running) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let folder = folder().unwrap();
    run.kill().unwrap();
    run.wait().unwrap();
    while !stack::proc::strays(&folder).is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(stack::proc::strays(&folder), []);
    drop(Private::start(Options::default()).unwrap());
    assert!(!folder.exists());
}
