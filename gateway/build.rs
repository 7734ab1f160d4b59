//! Puts the dashboard into the binary: every file of `web-clients/dashboard` and of the library that it imports, as it is
//! and compressed, with its address, content type and tag, as the table that `http/dashboard.rs` includes.

#![expect(clippy::unnecessary_debug_formatting, reason = "a path becomes a literal of the table")]

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// What browsers ask for, by extension; everything else in the folders (documents, pictures) stays outside.
const KINDS: [(&str, &str); 4] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
];

/// The page of addresses, and its module, which no other page needs.
const DOCS: &str = "dashboard/docs.html";
const DOCS_MODULE: &str = "dashboard/docs.js";

/// The place in the page for the names of all modules.
const MODULES: &str = "<!-- modules -->";

fn main() -> io::Result<()> {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web-clients").canonicalize()?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    let mut table = "[\n".to_owned();
    let mut files = Vec::new();
    for folder in ["dashboard", "lib"] {
        println!("cargo::rerun-if-changed={}", clients.join(folder).display());
        collect(&clients.join(folder), &mut files)?;
    }
    for (number, (file, kind)) in files.iter().enumerate() {
        let name = file.strip_prefix(&clients).unwrap_or(file).display().to_string();
        let address = match name.as_str() {
            "dashboard/index.html" => "/".to_owned(),
            DOCS => "/docs".to_owned(),
            _ => format!("/{name}"),
        };
        let mut plain = fs::read_to_string(file)?;
        if address == "/" {
            plain = plain.replace(MODULES, &preloads(&clients, &files));
        }
        let (page, packed) = (out.join(format!("{number}.txt")), out.join(format!("{number}.gz")));
        fs::write(&page, &plain)?;
        let mut encoder = GzEncoder::new(fs::File::create(&packed)?, Compression::best());
        encoder.write_all(plain.as_bytes())?;
        encoder.finish()?;
        let mut hasher = DefaultHasher::new();
        plain.hash(&mut hasher);
        let _infallible = writeln!(
            table,
            "File {{ address: {address:?}, kind: {kind:?}, tag: \"{:016x}\", plain: include_bytes!({page:?}), packed: include_bytes!({packed:?}) }},",
            hasher.finish(),
        );
    }
    fs::write(out.join("dashboard.rs"), table + "]")
}

/// Names every module in the page's head, so that the browser waits for none of them to name the next.
fn preloads(clients: &Path, files: &[(PathBuf, &str)]) -> String {
    let modules = files.iter().filter(|(file, _)| file.extension().is_some_and(|own| own == "js"));
    let names = modules.filter_map(|(file, _)| file.strip_prefix(clients).ok());
    let names = names.filter(|name| *name != Path::new(DOCS_MODULE));
    names.fold(String::new(), |text, name| {
        text + &format!("<link rel=\"modulepreload\" href=\"/{}\">\n", name.display())
    })
}

/// The files of `folder` that browsers ask for, in order.
fn collect(folder: &Path, files: &mut Vec<(PathBuf, &'static str)>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files)?;
        } else if let Some((_, kind)) =
            KINDS.iter().find(|(extension, _)| path.extension().is_some_and(|own| own == *extension))
        {
            files.push((path, kind));
        }
    }
    Ok(())
}
