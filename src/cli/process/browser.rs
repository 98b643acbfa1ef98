//! Starts the user's browser.

use std::io;
use std::pin::Pin;
use std::process::Stdio;

use arl::internal::end_text;
use tokio::process::Command;

use crate::cli::env::vars;

/// The programs that open URLs, in order: those of desktops, of Windows from WSL, and of macOS. `BROWSER`
/// comes first.
const DEFAULT_OPENERS: &[&str] =
    if cfg!(target_os = "macos") { &["open"] } else { &["xdg-open", "wslview", "open"] };

/// Tries the configured browsers in order, with this address, until one of them seems to work. Then waits for
/// `done`, and returns its value. If `done` completes earlier, returns at once. Other users can see the
/// address in the argument list, so it must not contain a secret.
///
/// # Errors
/// No browser could be started. The caller can still wait for `done`.
pub(crate) async fn open_until<T>(
    address: &str,
    done: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Vec<String>> {
    let missing = "found no browser: there is no program xdg-open, wslview or open, and BROWSER names none";
    start_until(open_commands(address), missing, done).await
}

/// Does the same as [`open_until`] with these commands. `missing` is the cause if none of the programs
/// exists.
///
/// # Errors
/// No command could be started. The caller can still wait for `done`.
pub(crate) async fn start_until<T>(
    commands: Vec<Vec<String>>,
    missing: &str,
    mut done: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Vec<String>> {
    let mut causes = Vec::new();
    for mut argv in commands {
        let program = argv.remove(0);
        let mut browser = Command::new(&program);
        browser.args(argv).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut browser = match browser.spawn() {
            Ok(browser) => browser,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                causes.push(format!("could not start `{program}`: {error}"));
                continue;
            }
        };
        let exit = tokio::select! {
            done = &mut done => return Ok(done),
            exit = browser.wait() => exit,
        };
        match exit {
            Ok(status) if !status.success() => {
                causes.push(format!("`{program}` ended with {}", end_text(status)));
            }
            // The program may run as long as the browser does.
            _ => return Ok(done.await),
        }
    }
    if causes.is_empty() {
        causes.push(missing.to_owned());
    }
    Err(causes)
}

/// Returns the command lines that may open the URL.
fn open_commands(url: &str) -> Vec<Vec<String>> {
    let browser_setting = vars::get(vars::BROWSER).unwrap_or_default();
    // Read BROWSER as xdg-open does: several commands, separated by colons. The first that works is used. The
    // URL replaces %s, or is appended.
    let commands = browser_setting.split(':').chain(DEFAULT_OPENERS.iter().copied());
    let argv = commands.map(|command| command.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let with_url = argv.filter(|argv| !argv.is_empty()).map(|mut argv| {
        match argv.iter_mut().skip(1).find(|word| word.contains("%s")) {
            Some(url_argument) => *url_argument = url_argument.replace("%s", url),
            None => argv.push(url.to_owned()),
        }
        argv
    });
    with_url.collect()
}
