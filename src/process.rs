//! Programs that hand out credentials or codes: run by a shell, for a bounded time, with a bounded output.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use zeroize::Zeroizing;

/// Credentials have a few thousand bytes, codes six.
const MAX_OUTPUT: u64 = 64 * 1024;
/// What a program says of its failure.
const MAX_ERRORS: u64 = 4 * 1024;

/// Why a program has handed out nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessError {
    /// It could not be started.
    NotStarted(String),
    /// It has failed: its status in words, and what it said.
    Failed(String, String),
    /// It wrote more than anybody needs.
    TooMuch,
    /// It was not done in time.
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

/// Who sees what a program writes to its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The person, at once: it may ask for a touch of a key.
    Shown,
    /// Nobody, unless it fails.
    Kept,
}

/// Runs a command line in `sh` and returns what it wrote to its standard output. Its standard input is empty; a
/// terminal is still there as `/dev/tty`.
///
/// # Errors
/// It cannot be started, fails, writes more than 64 KiB, or takes longer than `limit`; it is killed then.
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
        // Whoever reads no further must not wait for a program that wants to go on writing.
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

/// The whole output; `None` if it is too long.
async fn read(stream: Option<impl AsyncRead + Unpin>, most: u64) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if let Some(stream) = stream {
        // What breaks off is judged by what came, and by the status.
        let _ = stream.take(most + 1).read_to_end(&mut bytes).await;
    }
    (bytes.len() as u64 <= most).then_some(bytes)
}

/// The beginning of what was said; the rest is read as well, so that the program can go on.
async fn drained(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut said = Vec::new();
    let _ = (&mut stream).take(MAX_ERRORS).read_to_end(&mut said).await;
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    String::from_utf8_lossy(&said).trim().to_owned()
}
