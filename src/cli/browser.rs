//! Opens a secret address in the person's browser, without putting it into an argument list.

use std::process::{Command, Stdio};
use std::time::Duration;

use arl::{RedirectServer, Secret};

use super::context::Context;
use super::report::Report;

/// A browser that has to be started first takes its time.
const LIMIT: Duration = Duration::from_secs(60);

/// What opens addresses, in order: the person's choice, the desktop's, Windows' from within WSL, macOS's.
const OPENERS: [&str; 3] =
    if cfg!(target_os = "macos") { ["open", "", ""] } else { ["xdg-open", "wslview", "open"] };

/// Comes back when the browser has been led to the address.
pub(super) async fn open(url: &Secret) -> Result<(), Report> {
    let failed = || Report::new("could not open the browser");
    let server = RedirectServer::bind().await.map_err(|error| failed().caused_by(error))?;
    start(&server.url()).ok_or_else(|| {
        failed()
            .caused_by("neither BROWSER, xdg-open, wslview nor open is a program here")
            .hint("without --open the address is printed")
    })?;
    tokio::time::timeout(LIMIT, server.lead_to(url))
        .await
        .map_err(|_| failed().caused_by("it did not ask for the address within a minute"))?
        .map_err(|error| failed().caused_by(error))
}

fn start(url: &str) -> Option<()> {
    let chosen = Context::var("BROWSER").unwrap_or_default();
    // As xdg-open reads it: several, the first that works; %s or the end is where the address goes.
    let chosen = chosen.split(':').map(str::to_owned);
    chosen.chain(OPENERS.map(str::to_owned)).find_map(|command| {
        let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        match words.iter_mut().skip(1).find(|word| word.contains("%s")) {
            Some(place) => *place = place.replace("%s", url),
            None => words.push(url.to_owned()),
        }
        let (program, arguments) = words.split_first()?;
        let mut browser = Command::new(program);
        browser.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // A browser may go on for as long as it likes; nobody waits for it.
        (program != url && browser.spawn().is_ok()).then_some(())
    })
}
