//! Sets what arl does with signals. Commands that it starts get the signal actions of arl's caller.

use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(target_os = "linux")]
use crate::cli::env::vars;
use crate::cli::sys;
use crate::cli::sys::Disposition;
use crate::cli::ui::error::CliError;

/// Whether arl's caller ignores SIGPIPE.
static CALLER_IGNORES_SIGPIPE: AtomicBool = AtomicBool::new(false);
/// Whether arl's caller leaves SIGXFSZ at its default, which kills a process that exceeds the file size
/// limit.
static CALLER_SIGXFSZ_DEFAULT: AtomicBool = AtomicBool::new(false);
/// Whether arl's caller ignores SIGCHLD.
static CALLER_IGNORES_SIGCHLD: AtomicBool = AtomicBool::new(false);

/// Ignores SIGPIPE, so that a write to a closed pipe returns an error. Must run before any other code that
/// changes signal actions, because it saves the caller's.
pub(crate) fn ignore_sigpipe() {
    CALLER_IGNORES_SIGPIPE.store(sys::is_ignored(libc::SIGPIPE), Ordering::Relaxed);
    sys::set_disposition(libc::SIGPIPE, Disposition::Ignore);
}

/// Prepares for writing files and starting programs: a write beyond the file size limit returns an error, and
/// arl can wait for its children. Must run before there is another thread.
pub(crate) fn install_signal_policy() {
    if !sys::is_ignored(libc::SIGXFSZ) {
        CALLER_SIGXFSZ_DEFAULT.store(true, Ordering::Relaxed);
        sys::set_disposition(libc::SIGXFSZ, Disposition::Ignore);
    }
    if sys::is_ignored(libc::SIGCHLD) {
        CALLER_IGNORES_SIGCHLD.store(true, Ordering::Relaxed);
        sys::set_disposition(libc::SIGCHLD, Disposition::Default);
    }
}

/// The shell function runs arl in a subshell. This makes the kernel send SIGTERM to arl, or to the command
/// that has replaced it, when that subshell ends. `$!` is the subshell, so without this `arl exec ROLE --
/// SERVER & kill $!` would leave the server running. Only Linux can do this.
///
/// If the process of ARL_SUBSHELL is not arl's parent, the variable was inherited, and this function does
/// nothing.
pub(crate) fn end_with_subshell() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        let subshell = vars::get(vars::ARL_SUBSHELL).and_then(|number| number.parse().ok());
        if subshell.is_some() && subshell == getppid().map(|parent| parent.as_raw_nonzero().get()) {
            // If this fails, the command keeps running, as on other systems.
            let _ = set_parent_process_death_signal(Some(Signal::TERM));
        }
    }
}

/// Returns the caller's actions for the signals whose actions arl has changed.
fn caller_dispositions() -> Vec<(i32, Disposition)> {
    let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    let pipe = if is_set(&CALLER_IGNORES_SIGPIPE) { Disposition::Ignore } else { Disposition::Default };
    let mut dispositions = vec![(libc::SIGPIPE, pipe)];
    if is_set(&CALLER_SIGXFSZ_DEFAULT) {
        dispositions.push((libc::SIGXFSZ, Disposition::Default));
    }
    if is_set(&CALLER_IGNORES_SIGCHLD) {
        dispositions.push((libc::SIGCHLD, Disposition::Ignore));
    }
    dispositions
}

/// Restores the caller's signal actions for a command that replaces arl.
pub(crate) fn restore_signal_policy() {
    for (signal, disposition) in caller_dispositions() {
        sys::set_disposition(signal, disposition);
    }
}

/// Sets the caller's signal actions for a command that runs beside arl.
pub(crate) fn inherit_signal_policy(command: &mut Command) {
    sys::set_dispositions_of(command, caller_dispositions());
}

/// The signals that arl forwards to a command that runs beside it.
const FORWARDED: [i32; 11] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    // These may come from a timer or a descriptor that arl inherited: `perl -e 'alarm 9; exec @ARGV'`.
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGIO,
    // A program that stopped the command may know only arl's process ID.
    libc::SIGCONT,
];

/// What SIGTSTP does to arl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// It stops arl.
    Default,
    /// arl forwards it, which stops the command, and then stops itself.
    Forwarded,
}

/// Writes the number of each signal that a process sends to arl into `pipe`. It leaves out signals of the
/// terminal, which reach the whole process group. Signals that arl's caller ignores stay ignored.
pub(crate) fn forward_signals_to(pipe: UnixStream, stop_signal: StopSignal) {
    sys::set_signal_pipe(pipe);
    let stop = (stop_signal == StopSignal::Forwarded).then_some(libc::SIGTSTP);
    for signal in FORWARDED.into_iter().chain(stop).filter(|&signal| !sys::is_ignored(signal)) {
        sys::report_signal(signal);
    }
}

/// Restores the default actions of the signals that [`stop_signal`] catches. Ignored ones stay ignored.
pub(crate) fn restore_defaults() {
    for signal in sys::TERMINATION.into_iter().filter(|&signal| !sys::is_ignored(signal)) {
        sys::set_disposition(signal, Disposition::Default);
    }
}

/// Waits for a signal that asks arl to stop. A signal that arl's caller ignores, as nohup does, does not
/// count.
pub(crate) async fn stop_signal() -> Result<i32, CliError> {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    let failed = |error| CliError::new("could not install signal handlers").caused_by(error);
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

/// Listens to the signals that ask arl to stop, for code that polls. Dropping it restores their default
/// actions.
pub(crate) struct StopWatch {
    signal_rx: UnixStream,
}

impl StopWatch {
    /// Starts to listen. A signal that arl's caller ignores does not count.
    pub(crate) fn start() -> Result<Self, CliError> {
        let failed = |error| CliError::new("could not install signal handlers").caused_by(error);
        let (signal_rx, signal_tx) = UnixStream::pair().map_err(failed)?;
        for end in [&signal_rx, &signal_tx] {
            end.set_nonblocking(true).map_err(failed)?;
        }
        sys::set_signal_pipe(signal_tx);
        for signal in sys::TERMINATION.into_iter().filter(|&signal| !sys::is_ignored(signal)) {
            sys::report_signal(signal);
        }
        Ok(Self { signal_rx })
    }

    /// Returns the signal, if one has come.
    pub(crate) fn signal(&self) -> Option<i32> {
        let mut number = [0];
        let is_sent = (&self.signal_rx).read(&mut number).is_ok_and(|count| count > 0);
        sys::terminal_stop_signal().or(is_sent.then(|| i32::from(number[0])))
    }
}

impl Drop for StopWatch {
    fn drop(&mut self) {
        restore_defaults();
    }
}
