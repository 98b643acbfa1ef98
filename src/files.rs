//! Reads files that other programs write. Each read is limited in size and in time.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The largest shared config or credentials file, or CA bundle, in bytes. 10,000 profiles take about 1 MiB.
pub const MAX_CONFIG: u64 = 16 * 1024 * 1024;
/// The largest policy, token file or list of roles, in bytes. STS accepts far less.
pub const MAX_DOCUMENT: u64 = 1024 * 1024;
/// How long arl waits for a program to open a pipe for writing. The writer of a `<(…)` does so at once.
const OPEN_TIMEOUT: Duration = Duration::from_secs(2);
/// How long reading a pipe or a device may take. The writer of a `<(…)` runs at the same time as arl.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads a file of at most `max` bytes. A program must open a pipe for writing within 2 seconds, and a pipe
/// or a device must end within 10 more.
///
/// # Errors
/// The file cannot be read, is larger than `max`, or does not end in time.
pub fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if metadata.is_file() {
        // Files in /proc report a length of 0, so the read is limited as well.
        return match metadata.len() > max {
            true => Err(too_large(max)),
            false => read_to_limit(path, max, metadata.len()),
        };
    }
    // Opening a pipe without a writer would never return. The thread ends with the process.
    let (sender, receiver) = mpsc::channel();
    let (open_sender, open_receiver) = mpsc::channel();
    let owned = path.to_owned();
    thread::spawn(move || {
        let file = File::open(&owned);
        // The reader may have given up.
        let _ = open_sender.send(());
        sender.send(file.and_then(|file| read_open(file, max, 0)))
    });
    let timed_out = |what: &str, limit| {
        let limit = humantime::format_duration(limit);
        io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {limit}"))
    };
    let opened = open_receiver.recv_timeout(OPEN_TIMEOUT);
    opened.map_err(|_| timed_out("no program has opened it for writing", OPEN_TIMEOUT))?;
    receiver.recv_timeout(TIMEOUT).unwrap_or_else(|_| Err(timed_out("it did not end", TIMEOUT)))
}

/// Reads an open stream of at most `max` bytes as text, such as the standard input.
///
/// # Errors
/// The stream cannot be read, is longer than `max`, or is not UTF-8.
pub fn read_stream(stream: impl Read, max: u64) -> io::Result<String> {
    let bytes = read_open(stream, max, 0)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Reads a file of at most `max` bytes as text. A byte order mark at its start, which editors on Windows
/// write, is dropped.
///
/// # Errors
/// As [`read`], and if the file is not UTF-8.
pub fn read_text(path: &Path, max: u64) -> io::Result<String> {
    let not_utf8 = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
    let text = String::from_utf8(read(path, max)?).map_err(not_utf8)?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn read_to_limit(path: &Path, max: u64, expected: u64) -> io::Result<Vec<u8>> {
    read_open(File::open(path)?, max, expected)
}

fn read_open(stream: impl Read, max: u64, expected: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
    stream.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max { Err(too_large(max)) } else { Ok(bytes) }
}

fn too_large(max: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MiB", max / 1024 / 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_an_error() {
        for max in [MAX_DOCUMENT, MAX_CONFIG] {
            let error = read(Path::new("/dev/zero"), max).expect_err("it never ends");
            assert_eq!(error.to_string(), format!("it is larger than {} MiB", max / 1024 / 1024));
        }
        assert_eq!(read(Path::new("/dev/null"), MAX_DOCUMENT).expect("an empty device"), b"");
        assert_eq!(read(Path::new("/"), 1).expect_err("a directory").kind(), io::ErrorKind::IsADirectory);
        let missing = read(Path::new("/no/such/file"), 1).expect_err("a missing file");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
