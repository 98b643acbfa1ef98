//! Runs helper programs that print credentials or MFA codes, with a limit on time and output.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use zeroize::Zeroizing;

/// Credentials take a few thousand bytes, a code six.
const MAX_OUTPUT: u64 = 64 * 1024;
/// How much of the standard error an error message quotes.
const MAX_ERRORS: u64 = 4 * 1024;

/// Why a program printed no usable output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessError {
    /// It could not be started.
    NotStarted(String),
    /// It failed. Holds its exit status as text, and what it wrote to its standard error.
    Failed(String, String),
    /// It wrote more than 64 KiB.
    TooMuch,
    /// It did not finish in time.
    TimedOut(Duration),
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(why) => write!(f, "it could not be started: {why}"),
            Self::Failed(status, said) if said.is_empty() => {
                write!(f, "it ended with {status}")
            }
            Self::Failed(status, said) => write!(f, "it ended with {status}: {said}"),
            Self::TooMuch => write!(f, "it wrote more than {} KiB", MAX_OUTPUT / 1024),
            Self::TimedOut(limit) => {
                write!(f, "it was not done within {}", humantime::format_duration(*limit))
            }
        }
    }
}

impl std::error::Error for ProcessError {}

/// Where the standard error of a program goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// To the terminal, at once: the program may ask the user to touch a security key.
    Shown,
    /// Into the error message, if the program fails.
    Kept,
}

/// Runs a command line with `sh` and returns its standard output. Its standard input is empty; the terminal
/// is still available as `/dev/tty`.
///
/// # Errors
/// The program cannot be started, fails, writes more than 64 KiB, or runs longer than `limit`. It is killed
/// in the last two cases.
pub async fn run_process(
    command: &str,
    variables: &[(&str, String)],
    said: Said,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, ProcessError> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).envs(variables.iter().map(|(name, value)| (name, value)));
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    shell.stderr(if said == Said::Shown { Stdio::inherit() } else { Stdio::piped() });
    let mut child = shell.spawn().map_err(|error| ProcessError::NotStarted(error.to_string()))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        // A program that writes too much fails at once: waiting for it to exit would hang, because nothing
        // reads the rest.
        let output = async { read(stdout, MAX_OUTPUT).await.ok_or(ProcessError::TooMuch) };
        let (output, errors) = tokio::try_join!(output, async { Ok(drained(stderr).await) })?;
        let status = child.wait().await.map_err(|error| ProcessError::NotStarted(error.to_string()))?;
        match status.success() {
            true => Ok(output),
            false => Err(ProcessError::Failed(status.to_string(), errors)),
        }
    };
    tokio::time::timeout(limit, work).await.unwrap_or(Err(ProcessError::TimedOut(limit)))
}

/// Reads the whole output. Returns `None` if it is longer than `most`.
async fn read(stream: Option<impl AsyncRead + Unpin>, most: u64) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if let Some(stream) = stream {
        // A read error needs no handling here: the exit status, or the incomplete output, shows the failure.
        let _ = stream.take(most + 1).read_to_end(&mut bytes).await;
    }
    (bytes.len() as u64 <= most).then_some(bytes)
}

/// Returns the beginning of the output and discards the rest, so that the program is not blocked by a full
/// pipe.
async fn drained(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut said = Vec::new();
    let _ = (&mut stream).take(MAX_ERRORS).read_to_end(&mut said).await;
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    String::from_utf8_lossy(&said).trim().to_owned()
}
