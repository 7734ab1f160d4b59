//! The order of the repository, held by tests: who may import whom, where each library lives, how long a file may be,
//! what may stand at the top, which words may not stand anywhere.
//!
//! A rule is a function from the tree to its violations, each told as `file:line` with the cure. The tables at the top
//! are the rules' only knowledge: a new folder of the gateway is named in [`LAYERS`], a library with one home in
//! [`HOMES`]. `each_rule_can_fail` feeds every rule a small bad tree, so that none of them is empty talk.

#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

/// Folders and files of `gateway/src`, from below: each may import its own layer, where that is `together`, and those
/// above it in this table. Lanes are not together: they meet in data.
const LAYERS: [Layer; 4] = [
    Layer {
        units: &[
            "aside", "audit", "backoff", "config", "db", "drill", "epoch", "health", "kafka", "metrics",
            "params", "picture", "problem", "redis", "relay",
        ],
        together: true,
    },
    Layer { units: &["ingest", "live", "photos", "ratings", "replicas"], together: false },
    Layer { units: &["http"], together: true },
    Layer { units: &["app", "dead_letters", "healthcheck", "lib", "main"], together: true },
];

struct Layer {
    units: &'static [&'static str],
    together: bool,
}

/// Where a library may be used: paths that start with one of these. Of `redis` only the pool is listed: the client
/// comes with it, and its name is that of our own module.
const HOMES: [(&str, &[&str]); 12] = [
    ("rdkafka", &["gateway/src/kafka", "generator/src/produce", "generator/src/resume"]),
    ("diesel", &["gateway/src/db"]),
    ("diesel_async", &["gateway/src/db"]),
    ("diesel_migrations", &["gateway/src/db"]),
    ("actix", &["gateway/src/live/ws.rs"]),
    ("actix_web_actors", &["gateway/src/live/ws.rs"]),
    ("actix_web_lab", &["gateway/src/live/sse.rs"]),
    ("deadpool_redis", &["gateway/src/redis"]),
    ("csv", &["generator/src/replay"]),
    ("image", &["gateway/src/photos/renew.rs", "generator/src/photos/draw.rs"]),
    ("moka", &["gateway/src/photos/flight.rs"]),
    ("ureq", &["generator/src/photos/gateway.rs"]),
];

/// What the contract crate may stand on: values and their text, nothing that waits or touches the world.
const SCHEMA_CRATES: [&str; 7] =
    ["chrono", "iso_currency", "schemars", "serde", "serde_json", "thiserror", "uuid"];
const STD_IO: [&str; 6] = ["env", "fs", "io", "net", "process", "thread"];

const MAX_LINES: usize = 300;
const MAX_STORY_LINES: usize = 25;

/// Top level, dotfiles aside; `target` is cargo's.
const TOP: [&str; 13] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "deploy",
    "gateway",
    "generator",
    "schema",
    "target",
    "web-clients",
];

/// Words that may stand nowhere, and what to do; put together here, so that this file does not hold them.
const FORBIDDEN: [(&str, &str); 13] = [
    (concat!("TO", "DO"), "do it, or leave it out"),
    (concat!("FIX", "ME"), "do it, or leave it out"),
    (concat!("to", "do!("), "do it, or leave it out"),
    (concat!("unimpl", "emented!("), "do it, or leave it out"),
    (concat!("static.crates", ".io"), "go through cargo"),
    (concat!("index.crates", ".io"), "go through cargo"),
    (concat!("registry.npmjs", ".org"), "go through npm; lock files leave the host out"),
    (concat!("pypi", ".org"), "go through pip"),
    (concat!("proxy.golang", ".org"), "go through go"),
    (concat!("repo1.maven", ".org"), "go through mvn"),
    (concat!("repo.maven", ".apache.org"), "go through mvn"),
    (concat!("/wo", "rk/"), "a path of one machine: make it relative, or a variable"),
    (concat!("/ro", "ot/"), "a path of one machine: make it relative, or a variable"),
];

// --- the promises --------------------------------------------------------------------------------------------------

#[test]
fn lower_layers_import_no_higher_ones_and_lanes_not_each_other() {
    holds(layers);
}

#[test]
fn each_library_is_used_in_its_home_only() {
    holds(homes);
}

#[test]
fn the_contract_does_no_io() {
    holds(schema_io);
}

#[test]
fn no_file_is_longer_than_300_lines_before_its_tests() {
    holds(lengths);
}

#[test]
fn nothing_is_reexported_but_at_a_door() {
    holds(reexports);
}

#[test]
fn every_module_opens_with_its_story() {
    holds(stories);
}

#[test]
fn no_forbidden_word_stands_anywhere() {
    holds(words);
}

#[test]
fn only_a_build_for_drills_can_be_broken() {
    holds(drills_apart);
}

#[test]
fn the_top_level_holds_only_what_it_should() {
    let names = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(strangers(names), [""; 0], "move them into a folder, or name them in TOP");
}

#[test]
fn each_rule_can_fail() {
    let cases: [(Rule, &str, &str, &str); 22] = [
        (drills_apart, "gateway/Cargo.toml", "fail.workspace = true", "Cargo.toml:1"),
        (drills_apart, "gateway/Cargo.toml", "default = [\"drill\"]", "Cargo.toml:1"),
        (drills_apart, "deploy/x/Cargo.toml", "gateway = { features = [\"drill\"] }", "Cargo.toml:1"),
        (drills_apart, "gateway/src/db/x.rs", "use fail::cfg;", "x.rs:1"),
        (layers, "gateway/src/ingest/relay.rs", "use crate::live::View;", "relay.rs:1 ingest imports live"),
        (
            layers,
            "gateway/src/live/mod.rs",
            "use super::{db, ratings::Window};",
            "mod.rs:1 live imports ratings",
        ),
        (layers, "gateway/src/db/mod.rs", "fn f() {\n  crate::http::g()\n}", "mod.rs:2 db imports http"),
        (
            layers,
            "gateway/src/redis.rs",
            "use crate::{\n db,\n live::{a, b}};",
            "redis.rs:3 redis imports live",
        ),
        (
            layers,
            "gateway/src/live/tail.rs",
            "use super::super::{self, ingest};",
            "tail.rs:1 live imports ingest",
        ),
        (layers, "gateway/src/http/x.rs", "info!(a = crate::app::name());", "x.rs:1 http imports app"),
        (layers, "gateway/src/new.rs", "", "new.rs:1 new has no layer"),
        (homes, "gateway/src/ingest/mod.rs", "\nuse rdkafka::Message;", "mod.rs:2 uses rdkafka"),
        (homes, "gateway/src/live/hub.rs", "struct A(actix::Addr<B>);", "hub.rs:1 uses actix"),
        (schema_io, "schema/src/product.rs", "use std::{fmt, fs::File};", "product.rs:1 uses std::fs"),
        (schema_io, "schema/src/lib.rs", "fn f() { tokio::spawn(g()) }", "lib.rs:1 uses tokio"),
        (
            schema_io,
            "schema/Cargo.toml",
            "[dependencies]\ntokio = \"1\"\n[dev-dependencies]",
            "Cargo.toml:2 tokio",
        ),
        (lengths, "generator/src/worker.rs", &"\n".repeat(301), "worker.rs:301"),
        (reexports, "gateway/src/db/rows.rs", "pub(crate) use super::Db;", "rows.rs:1"),
        (stories, "gateway/src/pace.rs", "use std::fmt;", "pace.rs:1"),
        (stories, "gateway/src/pace.rs", &"//! on and on\n".repeat(26), "pace.rs:26"),
        (words, "README.md", concat!("one\nTO", "DO two"), "README.md:2"),
        (words, "Makefile", concat!("cd /wo", "rk/x"), "Makefile:1"),
    ];
    for (rule, path, text, told) in cases {
        let found = rule(&[Source { path: path.into(), text: text.into() }]);
        assert!(found.len() == 1 && found[0].contains(told), "{path}: {text:?}: {found:?}");
    }
    assert_eq!(strangers(["notes.txt".into(), ".ci".into(), "deploy".into()]), ["notes.txt"]);
}

#[test]
fn good_code_breaks_no_rule() {
    let good = "//! A story of some words: use crate::live.\n\nuse crate::{db::Db, redis};\nuse schema::Product;\n\n\
                /// See [`crate::live`].\nfn f<'a>(x: &'a str) { info!(\"crate::live {x}\"); super::g() }\n";
    let tree = [Source { path: "gateway/src/ingest/apply.rs".into(), text: good.into() }];
    for rule in [layers, homes, schema_io, drills_apart, lengths, reexports, stories, words] {
        assert_eq!(rule(&tree), [""; 0]);
    }
}

// --- the rules -----------------------------------------------------------------------------------------------------

struct Source {
    /// From the top of the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|own| own == extension)
    }
}

type Rule = fn(&[Source]) -> Vec<String>;

fn holds(rule: Rule) {
    let found = rule(&tree());
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn layers(tree: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in tree {
        let Some(inside) = source.path.strip_prefix("gateway/src/").and_then(|path| path.strip_suffix(".rs"))
        else {
            continue;
        };
        let unit = inside.split('/').next().unwrap();
        let Some((own, own_layer)) = layer_of(unit) else {
            found.push(format!("{}:1 {unit} has no layer: name it in LAYERS of tidy.rs", source.path));
            continue;
        };
        let tokens = tokens(source);
        let at_top = inside == unit || inside.strip_suffix("/mod") == Some(unit);
        let mut imports = paths_after(&tokens, "crate");
        // a file of the top level reaches its neighbours by `super` too, a deeper one has to climb further
        imports.extend(paths_after(&tokens, if at_top { "super" } else { "super::super" }));
        for (line, to) in imports {
            // a name that is no unit is an item of lib.rs, or of the file that a test module climbs to
            let allowed = layer_of(to)
                .is_none_or(|(layer, _)| to == unit || layer < own || (layer == own && own_layer.together));
            if !allowed {
                let cure = "pass the value in from a higher layer, or meet in data (LAYERS of tidy.rs)";
                found.push(format!("{}:{line} {unit} imports {to}: {cure}", source.path));
            }
        }
    }
    found
}

fn layer_of(unit: &str) -> Option<(usize, &'static Layer)> {
    LAYERS.iter().enumerate().find(|(_, layer)| layer.units.contains(&unit))
}

fn homes(tree: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in rust(tree, &["gateway/src/", "generator/src/", "schema/src/"]) {
        for (line, name) in crates_used(&tokens(source)) {
            let home = HOMES.iter().find(|(library, _)| *library == name);
            if let Some((_, homes)) =
                home.filter(|(_, homes)| !homes.iter().any(|at| source.path.starts_with(at)))
            {
                let cure = format!("its home is {}; offer what is needed there", homes.join(", "));
                found.push(format!("{}:{line} uses {name}: {cure}", source.path));
            }
        }
    }
    found
}

fn schema_io(tree: &[Source]) -> Vec<String> {
    let cure = "the contract is plain values; do this in a service";
    let mut found = Vec::new();
    for source in rust(tree, &["schema/src/"]) {
        let tokens = tokens(source);
        let io = paths_after(&tokens, "std").into_iter().filter(|(_, part)| STD_IO.contains(part));
        found.extend(io.map(|(line, part)| format!("{}:{line} uses std::{part}: {cure}", source.path)));
        let loud = crates_used(&tokens).into_iter().filter(|(_, name)| ["tokio", "actix_web"].contains(name));
        found.extend(loud.map(|(line, name)| format!("{}:{line} uses {name}: {cure}", source.path)));
    }
    for source in tree.iter().filter(|source| source.path == "schema/Cargo.toml") {
        let lines = source.text.lines().enumerate().skip_while(|(_, line)| *line != "[dependencies]").skip(1);
        for (at, line) in lines.take_while(|(_, line)| !line.starts_with('[')) {
            let name = line.split(['.', ' ', '=']).next().unwrap();
            if !name.is_empty() && !line.starts_with('#') && !SCHEMA_CRATES.contains(&name) {
                found.push(format!("{}:{} {name}: {cure}", source.path, at + 1));
            }
        }
    }
    found
}

/// What a drill needs stands behind the feature `drill`, which nobody asks for but who builds for one.
fn drills_apart(tree: &[Source]) -> Vec<String> {
    let cure = "only who builds for a drill asks for it: cargo build -p gateway --features drill";
    let mut found = Vec::new();
    for source in tree.iter().filter(|source| source.path.ends_with("/Cargo.toml")) {
        for (at, line) in source.text.lines().enumerate() {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            let needed = name == "fail" && !line.contains("optional = true");
            let asked = line.contains("\"drill\"") && (line.contains("features") || name == "default");
            if needed || asked {
                found.push(format!("{}:{} {name}: {cure}", source.path, at + 1));
            }
        }
    }
    let apart = rust(tree, &["gateway/src/"]).filter(|source| !source.path.starts_with("gateway/src/drill"));
    for source in apart {
        let tokens = tokens(source);
        let used = crates_used(&tokens).into_iter().filter(|(_, name)| ["fail", "nix"].contains(name));
        let cure = "a place in the code names its step or bug, gateway/src/drill does the rest";
        used.for_each(|(line, name)| found.push(format!("{}:{line} uses {name}: {cure}", source.path)));
    }
    found
}

fn lengths(tree: &[Source]) -> Vec<String> {
    let tests = ["/tests/", "/tests.rs", "/test/", "/benches/", "/vendor/"];
    let code = tree.iter().filter(|source| source.is("rs") || source.is("js"));
    code.filter(|source| !tests.iter().any(|folder| source.path.contains(folder)))
        .filter_map(|source| {
            let lines = source.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
            (lines > MAX_LINES)
                .then(|| format!("{}:{lines} is too long: split it by what it does", source.path))
        })
        .collect()
}

fn reexports(tree: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in rust(tree, &["gateway/src/", "generator/src/", "schema/src/"]) {
        let door = source.path.ends_with("/mod.rs") || source.path.ends_with("/lib.rs");
        for (at, line) in source.text.lines().enumerate().filter(|_| !door) {
            let rest = line.trim_start().strip_prefix("pub").unwrap_or_default();
            let rest = rest.split_once(')').filter(|_| rest.starts_with('(')).map_or(rest, |(_, rest)| rest);
            if rest.trim_start().starts_with("use ") && rest.starts_with(' ') {
                let cure = "import it from where it is; only a folder's mod.rs is a door";
                found.push(format!("{}:{} re-exports: {cure}", source.path, at + 1));
            }
        }
    }
    found
}

fn stories(tree: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in tree.iter().filter(|source| source.is("rs") && source.path.contains("/src/")) {
        let story: Vec<&str> = source.text.lines().take_while(|line| line.starts_with("//!")).collect();
        if story.iter().flat_map(|line| line.split_whitespace()).count() < 4 {
            found.push(format!("{}:1 has no story: open with `//!`, what it does and why", source.path));
        } else if story.len() > MAX_STORY_LINES {
            found.push(format!(
                "{}:{} has too long a story: what holds, no history",
                source.path,
                story.len()
            ));
        }
    }
    found
}

fn words(tree: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in tree.iter().filter(|source| source.path != "Cargo.lock") {
        for (at, line) in source.text.lines().enumerate() {
            let words = FORBIDDEN.iter().filter(|(word, _)| line.contains(word));
            found
                .extend(words.map(|(word, cure)| format!("{}:{} holds {word}: {cure}", source.path, at + 1)));
        }
    }
    found
}

fn strangers(names: impl IntoIterator<Item = String>) -> Vec<String> {
    names.into_iter().filter(|name| !name.starts_with('.') && !TOP.contains(&name.as_str())).collect()
}

// --- reading -------------------------------------------------------------------------------------------------------

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Every text file, in order, but what tools make and git.
fn tree() -> Vec<Source> {
    fn walk(folder: &Path, path: &str, tree: &mut Vec<Source>) {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{path}{name}");
            // in a second work tree `.git` is a file
            if [".git", ".run", "node_modules", "target"].contains(&name.as_str()) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &format!("{path}/"), tree);
            // what is no text is left out; so is what another program deletes under our eyes
            } else if let Ok(text) = fs::read_to_string(entry.path()) {
                tree.push(Source { path, text });
            }
        }
    }
    let mut tree = Vec::new();
    walk(root(), "", &mut tree);
    tree
}

fn rust<'t>(tree: &'t [Source], folders: &'t [&str]) -> impl Iterator<Item = &'t Source> {
    tree.iter()
        .filter(|source| source.is("rs") && folders.iter().any(|folder| source.path.starts_with(folder)))
}

/// One token and its line; groups are opened up, so that macros' arguments count too.
type Token = (usize, String);

fn tokens(source: &Source) -> Vec<Token> {
    fn open(stream: TokenStream, tokens: &mut Vec<Token>) {
        for token in stream {
            let line = token.span().start().line;
            match token {
                TokenTree::Group(group) => {
                    tokens.push((line, "{".into()));
                    open(group.stream(), tokens);
                    tokens.push((group.span_close().start().line, "}".into()));
                }
                other => tokens.push((line, other.to_string())),
            }
        }
    }
    let mut tokens = Vec::new();
    let stream: TokenStream = source.text.parse().unwrap_or_else(|e| panic!("{}: {e}", source.path));
    open(stream, &mut tokens);
    tokens
}

/// The first names of all paths that begin with `start::`, those of `start::{…}` included.
fn paths_after<'t>(tokens: &'t [Token], start: &str) -> Vec<(usize, &'t str)> {
    let start: Vec<&str> = start.split("::").flat_map(|name| [name, ":", ":"]).collect();
    let mut found = Vec::new();
    for (at, window) in tokens.windows(start.len() + 1).enumerate() {
        let Some(((line, name), before)) = window.split_last() else { continue };
        if !before.iter().map(|(_, token)| token).eq(&start) {
            continue;
        }
        if name != "{" {
            found.push((*line, name.as_str()));
            continue;
        }
        let mut depth = 0;
        let mut fresh = false;
        for (line, token) in tokens.iter().skip(at + start.len()) {
            match token.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                name if fresh && depth == 1 => found.push((*line, name)),
                _ => {}
            }
            fresh = token == "," || (token == "{" && depth == 1);
            if depth == 0 {
                break;
            }
        }
    }
    found
}

/// Every name that begins a path: `name::…`, `use name`, but no part of a longer path.
fn crates_used(tokens: &[Token]) -> Vec<(usize, &str)> {
    let text = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |(_, token)| token.as_str());
    let begins = |at: usize| {
        text(at.checked_sub(1)) == "use" || (text(Some(at + 1)) == ":" && text(Some(at + 2)) == ":")
    };
    let inner = |at: usize| {
        text(at.checked_sub(1)) == ":" && text(at.checked_sub(2)) == ":" && at > 2 && {
            // `::name` at a path's start names a crate as well
            text(at.checked_sub(3)).chars().all(|c| c.is_alphanumeric() || c == '_')
        }
    };
    let used = tokens.iter().enumerate().filter(|(at, _)| begins(*at) && !inner(*at));
    used.map(|(_, (line, token))| (*line, token.as_str())).collect()
}
