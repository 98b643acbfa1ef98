//! Lets the user choose in another program, such as fzf. It gets a line for each entry and prints one of
//! them.

use std::io::{self, Write};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use arl::internal::end_text;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::cli::process::signals;
use crate::cli::ui::picker::{Entry, PickError};
use crate::cli::ui::terminal::SavedSettings;
use crate::cli::ui::text::format_table;

/// The time between two checks whether the program has ended or a signal asks arl to stop.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// How long the program may take to end after SIGTERM.
const END_TIMEOUT: Duration = Duration::from_millis(500);
/// The most bytes that arl reads of the answer. A line is far shorter.
const MAX_ANSWER: usize = 64 * 1024;

/// Runs the command with sh, and returns the index of the entry whose line, or whose name, it prints.
pub(super) fn pick(
    command: &str,
    entries: &[Entry],
    stop_signal: &dyn Fn() -> Option<i32>,
) -> Result<usize, PickError> {
    let rows: Vec<_> = entries.iter().map(|entry| entry.cells().clone()).collect();
    let lines = format_table(&rows);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped());
    signals::inherit_signal_policy(&mut shell);
    // A program that is killed leaves the terminal without echo.
    let _settings = SavedSettings::of_terminal();
    let mut program = shell.spawn()?;
    let (stdin, stdout) = (program.stdin.take(), program.stdout.take());
    let text = lines.clone();
    // Write in a thread, because the program may choose before it has read everything, and a process that it
    // started may keep the pipe open and never read.
    std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(text.as_bytes())));
    let mut answer = Answer::new(stdout)?;
    let status = loop {
        let ended = program.try_wait()?;
        // Once the program has ended, all of its output is in the pipe, even if a process that it started
        // keeps the pipe open.
        answer.read_available()?;
        if let Some(signal) = stop_signal() {
            // Ctrl-C has reached the program already, but other signals have not.
            end(&mut program);
            return Err(PickError::Stopped(signal));
        }
        if let Some(status) = ended {
            break status;
        }
        std::thread::sleep(LOOK_INTERVAL);
    };
    check_status(command, status)?;
    let answer = String::from_utf8_lossy(&answer.bytes);
    let names: Vec<&str> = entries.iter().map(|entry| entry.cells()[0].as_str()).collect();
    match place_of(&answer, &lines.lines().collect::<Vec<_>>(), &names) {
        Place::Nothing => Err(PickError::Left),
        Place::Of(index) => Ok(index),
        Place::Unknown(text) => Err(PickError::Program(format!(
            "`{command}` did not print one of the lines that it got, but: {text}"
        ))),
        Place::Ambiguous(text) => Err(PickError::Program(format!(
            "`{command}` printed a text that is the line or the name of several entries: {text}"
        ))),
    }
}

/// Asks the program to end, and kills it if it does not.
fn end(program: &mut Child) {
    if let Some(pid) = i32::try_from(program.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
    let begin = Instant::now();
    while begin.elapsed() < END_TIMEOUT && matches!(program.try_wait(), Ok(None)) {
        std::thread::sleep(LOOK_INTERVAL);
    }
    // It does nothing if the program has ended.
    let _ = program.kill();
    let _ = program.wait();
}

fn check_status(command: &str, status: ExitStatus) -> Result<(), PickError> {
    match status.code() {
        // fzf exits with 1 if nothing matches, and with 130 after Esc.
        Some(0) => Ok(()),
        Some(1 | 130) => Err(PickError::Left),
        Some(127) => Err(PickError::Program(format!("there is no such program: `{command}`"))),
        _ => Err(PickError::Program(format!("`{command}` ended with {}", end_text(status)))),
    }
}

/// The output of the program so far.
struct Answer {
    /// `None` after its end.
    pipe: Option<ChildStdout>,
    bytes: Vec<u8>,
}

impl Answer {
    fn new(pipe: Option<ChildStdout>) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self { pipe, bytes: Vec::new() })
    }

    /// Reads the available output, without waiting. Closes the pipe if the answer is too long.
    fn read_available(&mut self) -> io::Result<()> {
        let mut chunk = [0; 4096];
        while let Some(pipe) = &self.pipe {
            match rustix::io::read(pipe, &mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(count) => self.bytes.extend_from_slice(&chunk[..count]),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if self.bytes.len() >= MAX_ANSWER {
                self.pipe = None;
            }
        }
        Ok(())
    }
}

/// Which entry an answer means.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    Of(usize),
    /// The answer is empty.
    Nothing,
    Unknown(&'a str),
    Ambiguous(&'a str),
}

/// Finds the entry by its line, else by its name. Different names can be the same after their control
/// characters are escaped, or after they are cut.
fn place_of<'a>(answer: &'a str, lines: &[&str], names: &[&str]) -> Place<'a> {
    let answer = answer.trim_end_matches(['\n', '\r']);
    if answer.is_empty() {
        return Place::Nothing;
    }
    let find = |texts: &[&str], wanted: &str| {
        let mut places = texts.iter().enumerate().filter(|(_, text)| **text == wanted);
        (places.next().map(|(index, _)| index), places.next().is_some())
    };
    let by_line = find(lines, answer.trim_end());
    let found = if by_line.0.is_some() { by_line } else { find(names, answer.trim()) };
    match found {
        (Some(index), false) => Place::Of(index),
        (Some(_), true) => Place::Ambiguous(answer),
        (None, _) => Place::Unknown(answer),
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, place_of};

    #[test]
    fn an_answer_means_one_entry_or_none() {
        let lines =
            ["dev      1111", "a\\u{1b}  1111", "a\\u{1b}  1111", "more     2222", "x        1", "more"];
        let names = ["dev", "a\\u{1b}", "a\\u{1b}", "more", "x", "more"];
        for (answer, place) in [
            ("dev      1111\n", Place::Of(0)),
            ("dev      1111  \r\n", Place::Of(0)),
            ("dev\n", Place::Of(0)),
            (" dev ", Place::Of(0)),
            ("\n", Place::Nothing),
            ("", Place::Nothing),
            ("de", Place::Unknown("de")),
            ("dev 1111", Place::Unknown("dev 1111")),
            ("dev\nx", Place::Unknown("dev\nx")),
            ("a\\u{1b}", Place::Ambiguous("a\\u{1b}")),
            ("a\\u{1b}  1111", Place::Ambiguous("a\\u{1b}  1111")),
            // The whole line comes first.
            ("more", Place::Of(5)),
            ("more     2222", Place::Of(3)),
        ] {
            assert_eq!(place_of(answer, &lines, &names), place, "{answer:?}");
        }
    }
}
