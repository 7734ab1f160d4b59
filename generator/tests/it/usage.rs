//! Wrong settings are told in one line.

use crate::helpers::Generator;

fn refused(args: &[&str]) -> String {
    let ended = Generator::start_at("127.0.0.1:1", "changes", args, None).end();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    ended.stderr
}

#[test]
fn a_wrong_value_ends_with_one_line_and_exit_code_2() {
    assert!(refused(&["--rate", "fast"]).contains("--rate"), "it names the setting");
    assert!(refused(&["--rate", "fast"]).contains("must be max, or from 1/min"), "and the rule");
    assert!(refused(&["--shard", "2/2"]).contains("0 <= i < n"));
    assert!(refused(&["change", "--product", "x", "--price", "1"]).contains("must be a UUID"));
    for wrong in ["-1", "--price=-1", "99999999999999999999999"] {
        let args = ["change", "--product", "0190a0b0-0000-7000-8000-00000000000a"];
        let price = if wrong.starts_with("--") { vec![wrong] } else { vec!["--price", wrong] };
        let said = refused(&[&args[..], &price].concat());
        assert!(said.contains("must be a whole number from 0 to 1000000000000"), "{said}");
    }
    let nothing = ["change", "--product", "0190a0b0-0000-7000-8000-00000000000a"];
    assert!(refused(&nothing).contains("--price <MINOR>|--stock <PIECES>"));
    assert!(refused(&["--no-such-flag"]).contains("--no-such-flag"));
}

#[test]
fn a_recording_that_is_not_there_is_told_at_once() {
    let ended = Generator::start_at("127.0.0.1:1", "changes", &["--replay", "no/such/file.csv"], None).end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("no/such/file.csv cannot be read"), "{ended:?}");
}

#[test]
fn help_states_every_setting_with_its_variable() {
    let ended = Generator::start_at("127.0.0.1:1", "changes", &["--help"], None).end();
    assert_eq!(ended.code, Some(0));
    for said in
        ["--rate", "SHELFWIRE_RATE", "--products", "SHELFWIRE_PRODUCTS", "--zipf", "--shard", "--replay"]
    {
        assert!(ended.stdout.contains(said), "{said}: {}", ended.stdout);
    }
}
