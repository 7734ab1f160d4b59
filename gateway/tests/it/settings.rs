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
