//! From a document to the script of its commands.
//!
//! Every block fenced as `sh` counts, in order, as one script: what one block sets, the next one has. The script has the
//! document's own line numbers (all other lines are empty), so that the shell's complaints point into the document.
//!
//! A command that runs for ever is fenced as `sh timeout=10`: it gets Ctrl-C after so many seconds, must end well on it,
//! and must have printed a line. What is only to be read has another language, `text` or `console`; a shell language by
//! another name is refused, because a block that nobody runs looks just like one that is run.
//!
//! Addresses in blocks (`localhost:8080`) are moved to the ports of the private stack.

use std::fmt::Write as _;

use anyhow::{Context, bail, ensure};

/// The commands of one document.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// The script, line by line beside the document; needs the functions of [`crate::reader`].
    pub script: String,
    /// How many blocks it has.
    pub blocks: usize,
    /// Whether it clones the repository, and so begins outside of it.
    pub clones: bool,
    /// Whether it starts the stack itself.
    pub starts_stack: bool,
}

/// What the present line belongs to.
enum Inside {
    Text,
    /// A block that is not run, closed by this fence.
    Other(String),
    Shell {
        fence: String,
        indent: usize,
        limited: bool,
    },
}

/// Reads the document `name`. `moved`: ports that stand in it and those to use instead.
///
/// # Errors
/// A block that can't be run, with its line.
pub fn read(name: &str, markdown: &str, moved: &[(u16, u16)]) -> anyhow::Result<Document> {
    let mut found = Document { script: String::new(), blocks: 0, clones: false, starts_stack: false };
    let mut inside = Inside::Text;
    for (at, line) in markdown.lines().enumerate() {
        let text = line.trim_start();
        let out = match &inside {
            Inside::Text => {
                let fence: String = text.chars().take_while(|c| *c == '`').collect();
                if fence.len() >= 3 {
                    let language = text.trim_start_matches('`');
                    let limit = limit(language).with_context(|| format!("{name}:{}", at + 1))?;
                    inside = match limit {
                        Language::Other => Inside::Other(fence),
                        Language::Shell(limit) => {
                            found.blocks += 1;
                            let indent = line.len() - text.len();
                            Inside::Shell { fence, indent, limited: limit.is_some() }
                        }
                    };
                    opening(name, at + 1, limit)
                } else {
                    String::new()
                }
            }
            Inside::Other(fence) => {
                if text.trim_end() == fence {
                    inside = Inside::Text;
                }
                String::new()
            }
            Inside::Shell { fence, limited, .. } if text.trim_end() == fence => {
                let end = if *limited { END } else { "" };
                inside = Inside::Text;
                end.to_owned()
            }
            Inside::Shell { indent, .. } => {
                found.clones |= text.starts_with("git clone ");
                found.starts_stack |= text.contains("make up");
                let command =
                    line.get(*indent..).filter(|_| line.len() - text.len() >= *indent).unwrap_or(text);
                on_ports(command, moved)
            }
        };
        writeln!(found.script, "{out}")?;
    }
    ensure!(matches!(inside, Inside::Text), "{name}: the last block is not closed");
    Ok(found)
}

/// Ends the text of a limited block; no command line reads like this.
const END: &str = "END OF BLOCK";

#[derive(Clone, Copy)]
enum Language {
    Other,
    /// To be run, at most so many seconds.
    Shell(Option<u32>),
}

fn limit(language: &str) -> anyhow::Result<Language> {
    let mut words = language.split_whitespace();
    match words.next() {
        Some("sh") => {}
        Some(other @ ("bash" | "shell" | "zsh")) => {
            bail!(
                "a block in `{other}` is not run: fence it as `sh`, or as `text` when it is only to be read"
            )
        }
        _ => return Ok(Language::Other),
    }
    let Some(tag) = words.next() else { return Ok(Language::Shell(None)) };
    let seconds = tag.strip_prefix("timeout=").and_then(|seconds| seconds.parse().ok());
    ensure!(
        seconds.is_some() && words.next().is_none(),
        "`sh` may be followed by `timeout=SECONDS`, not by `{tag}`"
    );
    Ok(Language::Shell(seconds))
}

fn opening(name: &str, line: usize, language: Language) -> String {
    match language {
        Language::Other => String::new(),
        Language::Shell(None) => format!("say '{name}:{line}'"),
        Language::Shell(Some(seconds)) => format!("limited '{name}:{line}' {seconds} <<'{END}'"),
    }
}

fn on_ports(command: &str, moved: &[(u16, u16)]) -> String {
    let hosts = ["localhost", "127.0.0.1"];
    let pairs = hosts.into_iter().flat_map(|host| moved.iter().map(move |pair| (host, pair)));
    pairs.fold(command.to_owned(), |command, (host, (from, to))| {
        command.replace(&format!("{host}:{from}"), &format!("{host}:{to}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "# Title\n\n```sh\ngit clone https://host/x && cd x\nmake up\n```\n\nSee:\n```json\n{\"make up\": 1}\n```\n\
                          1. Watch:\n   ```sh timeout=10\n   curl -N http://localhost:8080/sse\n   ```\n";

    #[test]
    fn a_script_has_its_documents_line_numbers() {
        let document = read("README.md", SAMPLE, &[(8080, 21_000)]).unwrap();
        let lines: Vec<&str> = document.script.lines().collect();
        let expected = [
            "",
            "",
            "say 'README.md:3'",
            "git clone https://host/x && cd x",
            "make up",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            "limited 'README.md:13' 10 <<'END OF BLOCK'",
            "curl -N http://localhost:21000/sse",
            "END OF BLOCK",
        ];
        assert_eq!(lines, expected);
        assert_eq!((document.blocks, document.clones, document.starts_stack), (2, true, true));
    }

    #[test]
    fn a_block_that_would_not_be_run_is_refused() {
        let told = |text: &str| format!("{:#}", read("x.md", text, &[]).unwrap_err());
        assert!(told("```bash\nls\n```\n").starts_with("x.md:1: a block in `bash` is not run"));
        assert!(told("\n```sh timout=3\nls\n```\n").starts_with("x.md:2: `sh` may be followed by"));
        assert!(told("```sh\nls\n").contains("not closed"));
    }

    #[test]
    fn a_document_without_commands_has_an_empty_script() {
        let document = read("x.md", "words\n```text\nmake up\n```\n", &[]).unwrap();
        assert_eq!((document.script.trim(), document.blocks, document.starts_stack), ("", 0, false));
    }
}
