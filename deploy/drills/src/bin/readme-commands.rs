//! `readme-commands FILE…`: runs every command of these documents, in order, beside a private stack.
//!
//! Run it from the top of the repository. Exit code 0 says that a reader who types what the documents say gets what
//! they promise; 1 that a command failed, whose line is told.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use drills::{document, reader::Reader};

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: readme-commands FILE…");
        return ExitCode::from(2);
    }
    match run(&files) {
        Ok(blocks) => {
            println!("\n{blocks} blocks of {} documents ran as told", files.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("readme-commands: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(files: &[String]) -> anyhow::Result<usize> {
    let mut reader = Reader::new(Path::new("."))?;
    let mut blocks = 0;
    for file in files {
        let markdown = std::fs::read_to_string(file).with_context(|| file.clone())?;
        let document = document::read(file, &markdown, reader.moved())?;
        if document.blocks > 0 && !document.starts_stack {
            reader.start_stack()?;
        }
        reader.run(file, &document)?;
        blocks += document.blocks;
    }
    Ok(blocks)
}
