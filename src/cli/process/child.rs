//! Runs a command beside arl, so that it behaves as if it ran without arl.
//!
//! It stays in arl's process group, so the terminal's signals reach it directly, once. arl forwards the
//! signals that other processes send to arl alone. When the command stops, arl stops too, so that the shell
//! sees its job stopped.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream as StdStream;
use std::process::Command;

use rustix::process::{Pid, Signal, WaitOptions, getppid, kill_process, waitpid};
use tokio::net::UnixStream;
use tokio::signal::unix::SignalKind;

use crate::cli::process::lookup;
use crate::cli::process::lookup::ENOEXEC;
use crate::cli::process::orphans::Orphans;
use crate::cli::process::signals;
use crate::cli::process::signals::StopSignal;
use crate::cli::sys;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChildExit {
    /// It exited with this status.
    Exit(u8),
    /// This signal killed it.
    Signal(i32),
}

/// A command that is running.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    sigchld: tokio::signal::unix::Signal,
    /// Receives the number of each signal that another process sends to arl.
    signal_rx: UnixStream,
}

impl Child {
    /// Starts the command with exactly this environment. Must be called inside a runtime.
    pub(crate) fn start(
        program: &OsStr,
        arguments: &[OsString],
        environment: &[(OsString, OsString)],
    ) -> io::Result<Self> {
        // Install the handlers before spawning, so that no signal is lost.
        let sigchld = tokio::signal::unix::signal(SignalKind::child())?;
        let (signal_rx, signal_tx) = StdStream::pair()?;
        for end in [&signal_rx, &signal_tx] {
            end.set_nonblocking(true)?;
        }
        let signal_rx = UnixStream::from_std(signal_rx)?;
        signals::forward_signals_to(signal_tx, StopSignal::Forwarded);
        let spawn = |program: &OsStr, script: Option<&OsStr>| {
            let mut command = Command::new(program);
            command.args(script).args(arguments).env_clear();
            command.envs(environment.iter().map(|(name, value)| (name, value)));
            signals::inherit_signal_policy(&mut command);
            command.spawn()
        };
        let spawned = match spawn(program, None) {
            Err(error) if error.raw_os_error() == Some(ENOEXEC) => {
                // Run a script without `#!` with sh, as shells and most C libraries do.
                match lookup::candidate_paths(program).into_iter().find(|path| path.is_file()) {
                    Some(script) => spawn(OsStr::from_bytes(b"/bin/sh"), Some(script.as_os_str())),
                    None => Err(error),
                }
            }
            spawned => spawned,
        }?;
        let pid = i32::try_from(spawned.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the command has no process ID"))?;
        sys::ignore_signals_from(pid);
        Ok(Self { pid, sigchld, signal_rx })
    }

    /// Waits until the command ends, and forwards signals meanwhile.
    pub(crate) async fn wait(&mut self) -> io::Result<ChildExit> {
        let mut orphans = Orphans::default();
        loop {
            // Several SIGCHLD may merge into one, so each wakeup checks every state.
            while let Some((_, status)) =
                waitpid(Some(self.pid), WaitOptions::NOHANG | WaitOptions::UNTRACED)?
            {
                if let Some(status) = status.exit_status() {
                    // An exit status is one byte.
                    return Ok(ChildExit::Exit((status & 0xff).to_le_bytes()[0]));
                }
                if let Some(signal) = status.terminating_signal() {
                    return Ok(ChildExit::Signal(signal));
                }
                if status.stopped() && has_job_control() {
                    self.suspend_with_child();
                }
            }
            tokio::select! {
                _ = self.sigchld.recv() => orphans.look_soon(),
                () = orphans.wait_for_next_look() => orphans.look(self.pid),
                ready = self.signal_rx.readable() => {
                    ready?;
                    self.forward_signals();
                }
            }
        }
    }

    /// Stops arl. Returns after a SIGCONT, which `fg` and `bg` send, and continues the command.
    fn suspend_with_child(&self) {
        let _ = kill_process(rustix::process::getpid(), Signal::STOP);
        let _ = kill_process(self.pid, Signal::CONT);
    }

    fn forward_signals(&self) {
        let mut numbers = [0; 64];
        let count = self.signal_rx.try_read(&mut numbers).unwrap_or(0);
        for number in &numbers[..count] {
            if let Some(signal) = Signal::from_named_raw(i32::from(*number)) {
                // The command may have ended just before.
                let _ = kill_process(self.pid, signal);
            }
        }
    }
}

/// Whether arl is a job of a shell that can continue it. Otherwise arl must not stop, because no shell would
/// continue it.
fn has_job_control() -> bool {
    let parent = getppid().and_then(|parent| sys::session_and_group(parent.as_raw_pid()));
    let (Some(parent), Some(self_ids)) = (parent, sys::session_and_group(0)) else { return false };
    parent.0 == self_ids.0 && parent.1 != self_ids.1
}
