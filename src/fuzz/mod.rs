//! The fuzz targets: one function for each format that arl reads from outside.
//!
//! This module is compiled for `make fuzz`, whose programs in `fuzz/` call one function each, and for the
//! unit tests, which run each function with its corpus and a few thousand mutations. A function panics if the
//! code that it calls breaks a rule. Its return means only that it found no bug.

mod answers;
mod cache;
mod quoting;
mod requests;
mod shared_files;
#[cfg(test)]
mod smoke;
mod values;

use std::time::{Duration, SystemTime};

/// A function and its name.
pub type Target = (&'static str, fn(&[u8]));

/// The functions, by the names of their programs and of their corpora in `fuzz/corpus/`.
pub const TARGETS: [Target; 15] = [
    ("shared_files", shared_files::read),
    ("editor", shared_files::edit),
    ("cache_entry", cache::entry),
    ("lock_note", cache::lock_note),
    ("sts_answer", answers::sts),
    ("process_output", answers::credential_process),
    ("token_file", answers::token_file),
    ("endpoint_request", requests::endpoint),
    ("login_callback", requests::login_callback),
    ("quoting", quoting::quoting),
    ("arn", values::arn),
    ("parameters", values::parameters),
    ("session_name", values::session_name),
    ("duration", values::duration),
    ("time", values::time),
];

/// Runs the function with this name.
///
/// # Panics
/// No function has this name, or the function finds a bug.
pub fn run(target: &str, data: &[u8]) {
    let (_, function) = TARGETS.iter().find(|(name, _)| *name == target).expect("a target of this name");
    function(data);
}

/// Splits an input into parts at bytes 0xFF, which UTF-8 never contains.
fn parts<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut parts = data.split(|&byte| byte == 0xff);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// Does the same as [`parts`]. Returns `None` unless all of them are UTF-8.
fn text_parts<const N: usize>(data: &[u8]) -> Option<[&str; N]> {
    let mut texts = [""; N];
    for (text, part) in texts.iter_mut().zip(parts::<N>(data)) {
        *text = std::str::from_utf8(part).ok()?;
    }
    Some(texts)
}

/// The current time for all targets. It is fixed, so that the same input always has the same result.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000)
}

/// Fails if a text could move the cursor, hide itself or end a line.
#[track_caller]
fn assert_printable(text: &str) {
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
}
