//! Runs helper programs (for credentials, MFA codes and stored keys), with a limit on time and output.

use std::fmt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use zeroize::Zeroizing;

/// The most bytes of output. Credentials take a few thousand, an MFA code six.
const MAX_OUTPUT: u64 = 64 * 1024;
/// The most bytes of standard error that an error message quotes.
const MAX_STDERR: u64 = 4 * 1024;

/// Why a program printed no usable output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessError {
    /// It could not be started.
    NotStarted(String),
    /// It failed. Holds its exit status as text, and what it wrote to its standard error.
    Exit(String, String),
    /// It wrote more than this number of bytes.
    OutputTooLarge(u64),
    /// It did not finish in time.
    TimedOut(Duration),
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(reason) => write!(f, "could not start it: {reason}"),
            Self::Exit(status, stderr) if stderr.is_empty() => {
                write!(f, "{status}")
            }
            Self::Exit(status, stderr) => write!(f, "{status}: {stderr}"),
            Self::OutputTooLarge(max) => write!(f, "it wrote more than {} KiB", max / 1024),
            Self::TimedOut(limit) => {
                write!(f, "it did not finish within {}", humantime::format_duration(*limit))
            }
        }
    }
}

impl std::error::Error for ProcessError {}

/// Where the standard error of a program goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stderr {
    /// To the terminal, at once: the program may ask the user to touch a security key.
    Inherit,
    /// Into the error message, if the program fails.
    Capture,
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
    stderr_mode: Stderr,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, ProcessError> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).envs(variables.iter().map(|(name, value)| (name, value)));
    shell.stdin(Stdio::null());
    shell.stderr(if stderr_mode == Stderr::Inherit { Stdio::inherit() } else { Stdio::piped() });
    let Finished { status, stdout, stderr } = finish(shell, None, MAX_OUTPUT, limit).await?;
    match status.success() {
        true => Ok(stdout),
        false => Err(ProcessError::Exit(end_text(status), stderr)),
    }
}

/// Returns how a program ended, such as `exit status 3` or `signal 9 (SIGKILL)`. The text of the standard
/// library has a colon in it, which reads badly in a chain of causes.
pub fn end_text(status: ExitStatus) -> String {
    status.to_string().replacen(": ", " ", 1)
}

/// The result of a program that has ended.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Zeroizing<Vec<u8>>,
    /// The beginning of its standard error.
    pub(crate) stderr: String,
}

/// Runs a program with one argument and this standard input, and returns how it ended. The program does not
/// get the environment variables in `hidden`.
///
/// # Errors
/// As [`run_process`], but a failed program is not an error.
pub(crate) async fn run_helper(
    program: &str,
    argument: &str,
    hidden: &[&str],
    input: &[u8],
    max_output: u64,
    limit: Duration,
) -> Result<Finished, ProcessError> {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::piped()).stderr(Stdio::piped());
    for name in hidden {
        command.env_remove(name);
    }
    finish(command, Some(input), max_output, limit).await
}

async fn finish(
    mut command: Command,
    input: Option<&[u8]>,
    max_output: u64,
    limit: Duration,
) -> Result<Finished, ProcessError> {
    command.stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| ProcessError::NotStarted(error.to_string()))?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let work = async {
        // A program that writes too much fails at once: waiting for it to exit would hang, because nothing
        // reads the rest.
        let output = async { read(stdout, max_output).await.ok_or(ProcessError::OutputTooLarge(max_output)) };
        let feed = async {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // A program may exit without reading its input. Its exit status still says whether it
                // succeeded.
                let _ = stdin.write_all(input).await;
            }
            Ok(())
        };
        let (stdout, stderr, ()) = tokio::try_join!(output, async { Ok(read_prefix(stderr).await) }, feed)?;
        let status = child.wait().await.map_err(|error| ProcessError::NotStarted(error.to_string()))?;
        Ok(Finished { status, stdout, stderr })
    };
    tokio::time::timeout(limit, work).await.unwrap_or(Err(ProcessError::TimedOut(limit)))
}

/// Reads the whole output. Returns `None` if it is longer than `limit`.
async fn read(stream: Option<impl AsyncRead + Unpin>, limit: u64) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if let Some(stream) = stream {
        // A read error needs no handling here: the exit status, or the incomplete output, shows the failure.
        let _ = stream.take(limit + 1).read_to_end(&mut bytes).await;
    }
    (bytes.len() as u64 <= limit).then_some(bytes)
}

/// Returns the beginning of the output and discards the rest, so that the program is not blocked by a full
/// pipe.
async fn read_prefix(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut prefix = Vec::new();
    let _ = (&mut stream).take(MAX_STDERR).read_to_end(&mut prefix).await;
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    String::from_utf8_lossy(&prefix).trim().to_owned()
}
