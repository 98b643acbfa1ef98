//! What arl does with signals. Commands that it starts get them as arl's caller had set them.

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
/// Whether a write beyond the limit of a file's size would have killed arl.
static CALLER_SIGXFSZ_DEFAULT: AtomicBool = AtomicBool::new(false);
/// Whether arl's caller does not want to hear of processes that end.
static CALLER_IGNORES_SIGCHLD: AtomicBool = AtomicBool::new(false);

/// Ignores SIGPIPE, so that a write to a closed pipe returns an error. Must run before any other code that
/// changes signals, to learn what the caller did with it.
pub(crate) fn ignore_sigpipe() {
    CALLER_IGNORES_SIGPIPE.store(sys::is_ignored(libc::SIGPIPE), Ordering::Relaxed);
    sys::set_disposition(libc::SIGPIPE, Disposition::Ignore);
}

/// Prepares for writing files and starting programs: a write beyond the limit of a file's size returns an
/// error, and programs can be waited for. Must run before there is another thread.
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

/// Makes SIGTERM end arl, or the command that has replaced it, when the subshell ends in which the hook's
/// function calls it. A shell's `$!` is that subshell, so `arl exec ROLE -- SERVER & kill $!` would leave the
/// server running. Only Linux can do this.
///
/// A subshell that is not arl's parent is another one, whose variable was inherited.
pub(crate) fn end_with_subshell() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        let subshell = vars::get(vars::ARL_SUBSHELL).and_then(|number| number.parse().ok());
        if subshell.is_some() && subshell == getppid().map(|parent| parent.as_raw_nonzero().get()) {
            // If it fails, the command lives on, as it does on other systems.
            let _ = set_parent_process_death_signal(Some(Signal::TERM));
        }
    }
}

/// Returns what arl's caller did with the signals that arl treats otherwise.
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

/// Gives the command that replaces arl the signals as arl's caller had set them.
pub(crate) fn restore_signal_policy() {
    for (signal, disposition) in caller_dispositions() {
        sys::set_disposition(signal, disposition);
    }
}

/// Gives a command that runs beside arl the signals as arl's caller had set them.
pub(crate) fn inherit_signal_policy(command: &mut Command) {
    sys::set_dispositions_of(command, caller_dispositions());
}

/// The signals that arl passes on to a command that runs beside it.
const FORWARDED: [i32; 11] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    // A timer or a descriptor that arl's process has from its caller: `perl -e 'alarm 9; exec @ARGV'`.
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGIO,
    // A process that stopped the command may know arl's process only.
    libc::SIGCONT,
];

/// What SIGTSTP does to arl.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// It stops arl.
    Default,
    /// It is passed on and stops the command, after which arl stops itself.
    Forwarded,
}

/// Writes the number of each signal that a process sends to arl into `pipe`. The terminal's are left out, as
/// they reach the whole process group. Signals that arl's caller ignores stay ignored.
pub(crate) fn forward_signals_to(pipe: UnixStream, stop_signal: StopSignal) {
    sys::set_signal_pipe(pipe);
    let stop = (stop_signal == StopSignal::Forwarded).then_some(libc::SIGTSTP);
    for signal in FORWARDED.into_iter().chain(stop).filter(|&signal| !sys::is_ignored(signal)) {
        sys::report_signal(signal);
    }
}

/// Restores the default of the signals that [`stop_signal`] caught. The ignored ones stay ignored.
pub(crate) fn restore_defaults() {
    for signal in sys::TERMINATION.into_iter().filter(|&signal| !sys::is_ignored(signal)) {
        sys::set_disposition(signal, Disposition::Default);
    }
}

/// Waits for a signal that asks arl to stop. A signal that arl's caller ignores, as nohup does, is not one.
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

/// Listens to the signals that ask arl to stop, for code that looks for them from time to time. Dropping it
/// restores their default.
pub(crate) struct StopWatch {
    signal_rx: UnixStream,
}

impl StopWatch {
    /// Starts to listen. A signal that arl's caller ignores is not one.
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

    /// Returns the signal, once there is one.
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
