//! Opens a secret URL in the user's browser, without putting it into an argument list.

use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use arl::internal::{RedirectServer, Secret};
use tokio::process::Command;
use tokio::time::error::Elapsed;

use crate::cli::env::vars;
use crate::cli::ui::error::CliError;

/// Starting a browser takes a while.
const BROWSER_TIMEOUT: Duration = Duration::from_secs(60);

/// The programs that open URLs, in order: those of desktops, of Windows from WSL, and of macOS. `BROWSER`
/// comes first.
const DEFAULT_OPENERS: &[&str] =
    if cfg!(target_os = "macos") { &["open"] } else { &["xdg-open", "wslview", "open"] };

/// Returns when the browser has loaded the redirect to the URL.
pub(crate) async fn open(url: &Secret) -> Result<(), CliError> {
    let failed = || CliError::new("could not open the browser").hint("without --open the address is printed");
    let server = RedirectServer::bind().await.map_err(|error| failed().caused_by(error))?;
    let address = server.url();
    let mut redirect = pin!(tokio::time::timeout(BROWSER_TIMEOUT, server.redirect_once(url)));
    let mut causes = Vec::new();
    for mut argv in open_commands(&address) {
        let program = argv.remove(0);
        let mut browser = Command::new(&program);
        browser.args(argv).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut browser = match browser.spawn() {
            Ok(browser) => browser,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                causes.push(format!("`{program}` could not be started: {error}"));
                continue;
            }
        };
        let exit = tokio::select! {
            redirect = &mut redirect => return redirect_result(redirect).map_err(|cause| failed().caused_by(cause)),
            exit = browser.wait() => exit,
        };
        match exit {
            Ok(status) if !status.success() => causes.push(format!("`{program}` ended with {status}")),
            // The program may run as long as the browser does.
            _ => return redirect_result(redirect.await).map_err(|cause| failed().caused_by(cause)),
        }
    }
    if causes.is_empty() {
        causes.push("neither BROWSER, xdg-open, wslview nor open is a program here".into());
    }
    Err(causes.into_iter().fold(failed(), CliError::caused_by))
}

fn redirect_result(redirect: Result<io::Result<()>, Elapsed>) -> Result<(), String> {
    match redirect {
        Ok(redirect) => redirect.map_err(|error| error.to_string()),
        Err(_) => Err("it did not ask for the address within a minute".into()),
    }
}

/// Returns the command lines that may open the URL.
fn open_commands(url: &str) -> Vec<Vec<String>> {
    let browser_setting = vars::get(vars::BROWSER).unwrap_or_default();
    // Read as xdg-open does: several commands, of which the first that works is used. The URL replaces %s, or
    // comes last.
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
