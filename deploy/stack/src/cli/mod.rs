//! The verbs of the command line, one file each; everything that is more than talking to a person is in the library.

pub(crate) mod place;

pub(crate) mod build;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod status;
pub(crate) mod summary;
pub(crate) mod test_env;
pub(crate) mod tools;
pub(crate) mod up;

/// Prints a line; a reader that has gone (`stack status | head`) is no reason to stop.
pub(crate) fn say(text: &str) {
    use std::io::Write;
    let _reader_gone = writeln!(std::io::stdout(), "{text}");
}
