//! Signals that ask arl to stop, while it waits for the network.

use crate::cli::sys;
use crate::cli::ui::error::CliError;

/// The next signal that asks arl to stop; never one that whoever started arl wants to be ignored, as nohup does.
pub(crate) async fn stop_signal() -> Result<i32, CliError> {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    let failed = |error| CliError::new("could not listen to signals").caused_by(error);
    let listen = |number: i32| -> Result<Option<Signal>, CliError> {
        match sys::is_ignored(number) {
            true => Ok(None),
            false => signal(SignalKind::from_raw(number)).map(Some).map_err(failed),
        }
    };
    let next = async |listener: Option<Signal>| match listener {
        Some(mut listener) => listener.recv().await,
        None => std::future::pending().await,
    };
    let [interrupt, terminate, hangup, quit] = sys::TERMINATION;
    let (on_interrupt, on_terminate, on_hangup, on_quit) =
        (listen(interrupt)?, listen(terminate)?, listen(hangup)?, listen(quit)?);
    Ok(tokio::select! {
        _ = next(on_interrupt) => interrupt,
        _ = next(on_terminate) => terminate,
        _ = next(on_hangup) => hangup,
        _ = next(on_quit) => quit,
    })
}
