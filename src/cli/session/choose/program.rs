//! Lets the user choose in another program, such as fzf. It gets a line for each entry and prints one of
//! them.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::cli::process::signals;
use crate::cli::ui::picker::{Entry, PickError};
use crate::cli::ui::text::format_table;

/// The time between two checks whether the program has ended or a signal asks arl to stop.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// The most bytes that arl reads of the answer. A line is far shorter.
const MAX_ANSWER: u64 = 64 * 1024;

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
    let mut program = shell.spawn()?;
    let (stdin, stdout) = (program.stdin.take(), program.stdout.take());
    let text = lines.clone();
    // The program may choose before it has read everything.
    let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(text.as_bytes())));
    let reader = std::thread::spawn(move || {
        let mut answer = Vec::new();
        let _ = stdout.map(|stdout| stdout.take(MAX_ANSWER).read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    });
    let status = loop {
        if let Some(status) = program.try_wait()? {
            break status;
        }
        if let Some(signal) = stop_signal() {
            // Ctrl-C has reached the program already, but other signals have not.
            if let Some(pid) = i32::try_from(program.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::TERM);
            }
            let _ = program.wait();
            return Err(PickError::Stopped(signal));
        }
        std::thread::sleep(LOOK_INTERVAL);
    };
    if let Some(signal) = stop_signal() {
        return Err(PickError::Stopped(signal));
    }
    let _ = writer.join();
    let answer = reader.join().unwrap_or_default();
    match status.code() {
        // fzf exits with 1 if nothing matches, and with 130 after Esc.
        Some(0) => {}
        Some(1 | 130) => return Err(PickError::Left),
        Some(127) => return Err(PickError::Program(format!("there is no such program: `{command}`"))),
        _ => return Err(PickError::Program(format!("`{command}` ended with {status}"))),
    }
    let answer = answer.trim_end_matches(['\n', '\r']);
    if answer.is_empty() {
        return Err(PickError::Left);
    }
    let by_line = lines.lines().position(|line| line == answer.trim_end());
    let by_name = || entries.iter().position(|entry| entry.cells()[0] == answer.trim());
    by_line.or_else(by_name).ok_or_else(|| {
        PickError::Program(format!("`{command}` did not print one of the lines that it got, but: {answer}"))
    })
}
