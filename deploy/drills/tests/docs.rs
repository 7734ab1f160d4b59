//! The runner of documents, on small samples: what passes, and that each way to fail is noticed. The documents
//! themselves are run by `make test` with the program `readme-commands`, because they need the whole stack.

#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use drills::document;
use drills::reader::Reader;

/// Runs `markdown`; one at a time, because a process has one reader's folder.
fn read(markdown: &str) -> anyhow::Result<()> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut reader = Reader::new(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let document = document::read("sample.md", markdown, reader.moved()).unwrap();
    reader.run("sample.md", &document)
}

#[test]
fn blocks_share_one_shell_and_begin_at_the_top() {
    read("```sh\ncd src\nX=1\n```\n```sh\ntest -f lib.rs\ntest $X = 1\n```\n").unwrap();
}

#[test]
fn a_clone_is_this_repository() {
    read("```sh\ngit clone https://example.org/shelfwire/shelfwire.git && cd shelfwire\ntest -f src/lib.rs\n```\n")
        .unwrap();
}

#[test]
fn ports_and_the_run_folder_are_private() {
    read(
        "```sh\ntest $PORT != 8080\ntest localhost:8080 = localhost:$PORT\ntest -n $RUN -a ! -e $RUN\n```\n",
    )
    .unwrap();
}

#[test]
fn a_command_that_fails_fails_the_document() {
    for bad in ["false", "false | cat", "test -z $NO_SUCH_VARIABLE", "no-such-command"] {
        assert!(read(&format!("```sh\n{bad}\ntrue\n```\n")).is_err(), "{bad}");
    }
}

#[test]
fn a_command_for_ever_gets_its_time_and_ctrl_c() {
    read("```sh timeout=1\necho one; sleep 60\n```\n```sh\ntrue\n```\n").unwrap();
    read("```sh timeout=1\ntrap 'echo the proof holds; exit 0' INT; echo one; sleep 60\n```\n").unwrap();
    read("```sh\nX='done at once'\n```\n```sh timeout=20\ntest \"$X\" = 'done at once'; echo $X\n```\n").unwrap();
}

#[test]
fn a_command_for_ever_must_print_and_end_well() {
    let told = |block: &str| read(&format!("```sh timeout=1\n{block}\n```\n")).is_err();
    assert!(told("sleep 60"), "silent");
    assert!(told("echo one; exit 3"), "ends badly");
    assert!(told("trap 'exit 1' INT; echo one; sleep 60"), "ends badly on Ctrl-C");
}
