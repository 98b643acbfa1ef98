//! Opens a secret URL in the user's browser, without putting it into an argument list.

use std::io;
use std::pin::pin;
use std::time::Duration;

use arl::internal::{RedirectServer, Secret};
use tokio::time::error::Elapsed;

use crate::cli::process::browser;
use crate::cli::ui::error::CliError;

/// Starting a browser takes a while.
const BROWSER_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns when the browser has loaded the redirect to the URL.
pub(crate) async fn open(url: &Secret) -> Result<(), CliError> {
    let failed = || CliError::new("could not open the browser").hint("without --open the address is printed");
    let server = RedirectServer::bind().await.map_err(|error| failed().caused_by(error))?;
    let address = server.url();
    let redirect = pin!(tokio::time::timeout(BROWSER_TIMEOUT, server.redirect_once(url)));
    match browser::open_until(&address, redirect).await {
        Ok(redirect) => redirect_result(redirect).map_err(|cause| failed().caused_by(cause)),
        Err(causes) => Err(causes.into_iter().fold(failed(), CliError::caused_by)),
    }
}

fn redirect_result(redirect: Result<io::Result<()>, Elapsed>) -> Result<(), String> {
    match redirect {
        Ok(redirect) => redirect.map_err(|error| error.to_string()),
        Err(_) => Err("it did not ask for the address within a minute".into()),
    }
}
