//! What happens to a wrong setting: one clear line, exit code 2, and no secret in it.

use std::process::{Command, Output};

fn gateway(args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.args(args).envs(env.iter().copied()).output().unwrap()
}

#[test]
fn a_wrong_setting_is_one_line_and_exit_code_2() {
    let wrong = [
        ("SHELFWIRE_LISTEN", "somewhere", "--listen"),
        ("SHELFWIRE_WRITERS", "0", "--writers"),
        ("SHELFWIRE_BATCH_ROWS", "many", "--batch-rows"),
        ("SHELFWIRE_REPLICA", "a b", "--replica"),
        ("SHELFWIRE_KAFKA", "nowhere", "--kafka"),
        ("SHELFWIRE_CHANGES_TOPIC", "a/b", "--changes-topic"),
        ("SHELFWIRE_LOG_FORMAT", "xml", "--log-format"),
        ("SHELFWIRE_DRAIN_S", "61", "--drain-s"),
        ("SHELFWIRE_DATABASE_URL", "mysql://me:hunter2@db/shop", "SHELFWIRE_DATABASE_URL"),
        ("SHELFWIRE_DATABASE_URL_FILE", "/nowhere/at/all", "SHELFWIRE_DATABASE_URL_FILE"),
        ("SHELFWIRE_REDIS_URL", "http://me:hunter2@cache", "SHELFWIRE_REDIS_URL"),
        ("SHELFWIRE_ADMIN_TOKEN", "hunter2", "SHELFWIRE_ADMIN_TOKEN"),
        ("SHELFWIRE_AUDIT_LOG", "/nowhere/at/all", "SHELFWIRE_AUDIT_LOG"),
    ];
    for (name, value, named) in wrong {
        let output = gateway(
            &["--listen", "127.0.0.1:0"][..if name == "SHELFWIRE_LISTEN" { 0 } else { 2 }],
            &[(name, value)],
        );
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert_eq!(said.lines().count(), 1, "{name}: {said}");
        assert!(said.contains(named), "{name} is named: {said}");
        assert!(!said.contains("hunter2"), "{name}: {said}");
    }
}

#[test]
fn help_states_every_default_and_exits_with_0() {
    let output = gateway(&["--help"], &[("SHELFWIRE_DATABASE_URL", "postgres://me:hunter2@db/shop")]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(!help.contains("hunter2"));
    for setting in ["--listen", "--kafka", "--database-url", "--redis-url", "--writers", "--heartbeat-ms"] {
        assert!(help.contains(setting), "{setting}");
    }
}

#[test]
fn what_counts_is_printed_with_its_source_and_no_secret() {
    let url = ("SHELFWIRE_DATABASE_URL", "postgres://me:hunter2@db/shop");
    let output = gateway(&["--print-config", "--group", "mine"], &[url]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !shown.contains("hunter2"), "{shown}");
    let source = |name: &str| {
        let line = shown.lines().find(|line| line.starts_with(&format!("{name}="))).unwrap();
        line.split_once('#')
            .map(|(value, source)| (value.trim().to_owned(), source.trim().to_owned()))
            .unwrap()
    };
    let told = |value: &str, from: &str| (value.to_owned(), from.to_owned());
    assert_eq!(source("SHELFWIRE_DATABASE_URL"), told("SHELFWIRE_DATABASE_URL=(hidden)", "environment"));
    assert_eq!(source("SHELFWIRE_GROUP"), told("SHELFWIRE_GROUP=mine", "flag"));
    assert_eq!(source("SHELFWIRE_LISTEN"), told("SHELFWIRE_LISTEN=127.0.0.1:8081", "default"));
    assert_eq!(source("SHELFWIRE_ADMIN_TOKEN"), told("SHELFWIRE_ADMIN_TOKEN=", "not set"));
    assert_eq!(gateway(&["--print-config", "--writers", "99"], &[]).status.code(), Some(2));
}

#[test]
fn a_misspelt_variable_is_told_with_the_nearest_name() {
    // a start that ends soon: the port is taken
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let output = gateway(&["--listen", &listen], &[("SHELFWIRE_GROPU", "mine")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let told = "SHELFWIRE_GROPU is no setting: is SHELFWIRE_GROUP meant?";
    assert!(said.contains(told), "{said}");
    let shown = gateway(&["--print-config"], &[("SHELFWIRE_GROPU", "mine")]);
    let said = String::from_utf8(shown.stderr).unwrap();
    assert!(shown.status.success() && said.contains(told), "{said}");
}
