//! The picker as a numbered list, for screen readers and for terminals that cannot move the cursor.

use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use crate::cli::ui::picker::PickError;
use crate::cli::ui::picker::list::List;
use crate::cli::ui::terminal::Terminal;

/// How many entries are listed at once.
const MAX_LISTED: usize = 20;
/// The most digits that a number in the list has.
const MAX_DIGITS: usize = 2;
/// The time between two checks for a signal.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Asks for the number of an entry, or for words that filter the list, until the user types a number.
pub(super) fn pick(
    list: &mut List,
    title: &str,
    terminal: &Terminal,
    stop_signal: &dyn Fn() -> Option<i32>,
) -> Result<usize, PickError> {
    loop {
        terminal.write_sequence(&listing(list))?;
        terminal
            .write_sequence(&format!("{title} type a number, or words to filter; an empty line cancels: "))?;
        let line = read_line(terminal, stop_signal)?;
        let answer = line.trim();
        if answer.is_empty() {
            return Err(PickError::Left);
        }
        // A longer number is a part of an account ID, and filters the list.
        match answer.parse::<usize>().ok().filter(|_| answer.len() <= MAX_DIGITS) {
            Some(number) => match number.checked_sub(1).and_then(|place| list.shown().get(place)) {
                Some(&index) if number <= MAX_LISTED => return Ok(index),
                _ => terminal.write_sequence(&format!("There is no number {number} in the list.\n"))?,
            },
            None => {
                let words: String = answer.chars().filter(|c| !c.is_control()).collect();
                list.edit(|query| *query = words);
                if list.counts().0 == 0 {
                    terminal.write_sequence("Nothing matches.\n")?;
                    list.edit(String::clear);
                }
            }
        }
    }
}

fn listing(list: &List) -> String {
    let mut text = String::from("\n");
    let listed = list.shown().iter().take(MAX_LISTED);
    for (number, &index) in (1..).zip(listed) {
        let entry = list.entry(index);
        let cells: Vec<&str> =
            entry.cells().iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
        let mark = match entry.mark {
            '*' => ", the current role",
            '!' => ", does not work",
            _ => "",
        };
        text.push_str(&format!("{number}. {}{mark}\n", cells.join(", ")));
    }
    if let Some(more @ 1..) = list.shown().len().checked_sub(MAX_LISTED) {
        text.push_str(&format!("{more} more; type words to filter.\n"));
    }
    text
}

/// Waits for a line, and checks for a signal meanwhile.
fn read_line(terminal: &Terminal, stop_signal: &dyn Fn() -> Option<i32>) -> Result<String, PickError> {
    let read = terminal.line_reader()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(read()));
    loop {
        match receiver.recv_timeout(LOOK_INTERVAL) {
            Ok(line) => return line?.map(|line| line.expose().to_owned()).ok_or(PickError::Left),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(PickError::Left),
        }
        if let Some(signal) = stop_signal() {
            return Err(PickError::Stopped(signal));
        }
    }
}
