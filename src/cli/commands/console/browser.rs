//! Opens a secret address in the person's browser, without putting it into an argument list.

use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use arl::{RedirectServer, Secret};
use tokio::process::Command;
use tokio::time::error::Elapsed;

use crate::cli::env::vars;
use crate::cli::ui::error::Report;

/// A browser that has to be started first takes its time.
const LIMIT: Duration = Duration::from_secs(60);

/// What opens addresses, in order: the person's choice, the desktop's, Windows' from within WSL, macOS's.
const OPENERS: &[&str] = if cfg!(target_os = "macos") { &["open"] } else { &["xdg-open", "wslview", "open"] };

/// Comes back when the browser has been led to the address.
pub(crate) async fn open(url: &Secret) -> Result<(), Report> {
    let failed = || Report::new("could not open the browser").hint("without --open the address is printed");
    let server = RedirectServer::bind().await.map_err(|error| failed().caused_by(error))?;
    let address = server.url();
    let mut led = pin!(tokio::time::timeout(LIMIT, server.lead_to(url)));
    let mut causes = Vec::new();
    for mut words in openers(&address) {
        let program = words.remove(0);
        let mut browser = Command::new(&program);
        browser.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut browser = match browser.spawn() {
            Ok(browser) => browser,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                causes.push(format!("`{program}` could not be started: {error}"));
                continue;
            }
        };
        let ended = tokio::select! {
            led = &mut led => return of_browser(led).map_err(|cause| failed().caused_by(cause)),
            ended = browser.wait() => ended,
        };
        match ended {
            Ok(status) if !status.success() => causes.push(format!("`{program}` ended with {status}")),
            // It has told a browser that goes on for as long as it likes.
            _ => return of_browser(led.await).map_err(|cause| failed().caused_by(cause)),
        }
    }
    if causes.is_empty() {
        causes.push("neither BROWSER, xdg-open, wslview nor open is a program here".into());
    }
    Err(causes.into_iter().fold(failed(), Report::caused_by))
}

fn of_browser(led: Result<io::Result<()>, Elapsed>) -> Result<(), String> {
    match led {
        Ok(led) => led.map_err(|error| error.to_string()),
        Err(_) => Err("it did not ask for the address within a minute".into()),
    }
}

/// The words of all commands that may open the address.
fn openers(url: &str) -> Vec<Vec<String>> {
    let chosen = vars::get(vars::BROWSER).unwrap_or_default();
    // As xdg-open reads it: several, the first that works; %s or the end is where the address goes.
    let commands = chosen.split(':').chain(OPENERS.iter().copied());
    let words = commands.map(|command| command.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    let with_url = words.filter(|words| !words.is_empty()).map(|mut words| {
        match words.iter_mut().skip(1).find(|word| word.contains("%s")) {
            Some(place) => *place = place.replace("%s", url),
            None => words.push(url.to_owned()),
        }
        words
    });
    with_url.collect()
}
