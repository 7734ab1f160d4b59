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
    read("```sh timeout=4\necho one; sleep 60\n```\n```sh\ntrue\n```\n").unwrap();
    read("```sh timeout=4\ntrap 'echo the proof holds; exit 0' INT; echo one; sleep 60\n```\n").unwrap();
    read("```sh\nX='done at once'\n```\n```sh timeout=20\ntest \"$X\" = 'done at once'; echo $X\n```\n")
        .unwrap();
}

#[test]
fn a_command_for_ever_must_print_and_end_well() {
    let told = |block: &str| read(&format!("```sh timeout=1\n{block}\n```\n")).is_err();
    assert!(told("sleep 60"), "silent");
    assert!(told("echo one; exit 3"), "ends badly");
    assert!(told("trap 'exit 1' INT; echo one; sleep 60"), "ends badly on Ctrl-C");
}

#[test]
fn what_documents_point_at_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files = files(&root);
    let mut lost = Vec::new();
    for file in files.iter().filter(|file| Path::new(file).extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        lost.extend(broken_pointers(file, &text, &files));
    }
    assert!(lost.is_empty(), "\n{}\n", lost.join("\n"));
}

#[test]
fn a_pointer_to_nothing_is_noticed() {
    let files = ["schema/README.md".to_owned(), "gateway/src/ingest/apply.rs".to_owned()];
    let told = |text: &str| broken_pointers("schema/README.md", text, &files);
    let good = "[a](../gateway/src/ingest/apply.rs) [b](../gateway/) [c](https://x/y.md) [d](#part) `ingest/apply.rs` `x.rs`";
    assert_eq!(told(good), [""; 0]);
    assert_eq!(
        told("\n[a](events/none.json)"),
        ["schema/README.md:2 points at events/none.json, which is not there"]
    );
    assert_eq!(told("`ingest/gone.rs`"), ["schema/README.md:1 points at ingest/gone.rs, which is not there"]);
}

/// Links are seen from the document's folder; a path in backticks is the end of a file's path, or its beginning.
fn broken_pointers(document: &str, text: &str, files: &[String]) -> Vec<String> {
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut lost = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let links = line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let links = links.filter(|link| !link.is_empty() && !link.contains("://"));
        let links = links.map(|link| (link, normal(&format!("{folder}/{link}"))));
        let named = line.split('`').skip(1).step_by(2);
        let named = named.filter(|path| {
            path.contains('/') && [".rs", ".js", ".sh", ".md"].iter().any(|e| path.ends_with(e))
        });
        let named = named.filter(|path| path.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c)));
        for (link, path) in links.chain(named.map(|path| (path, normal(path)))) {
            let is = |file: &String| *file == path || file.starts_with(&format!("{path}/"));
            let ends = |file: &String| file.ends_with(&format!("/{path}"));
            if !files.iter().any(|file| is(file) || ends(file)) {
                lost.push(format!("{document}:{} points at {link}, which is not there", at + 1));
            }
        }
    }
    lost
}

/// Without `.` and `..`.
fn normal(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// All files of the repository but what tools make.
fn files(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                if ![".git", ".run", "node_modules", "target"].contains(&name.as_str()) {
                    folders.push(format!("{folder}{name}/"));
                }
            } else {
                files.push(format!("{folder}{name}"));
            }
        }
    }
    files
}
