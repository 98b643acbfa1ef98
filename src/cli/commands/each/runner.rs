//! Runs one `arl exec` per role, some at a time.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::cli::args::role::RoleArgs;
use crate::cli::commands::each::jobs::Job;
use crate::cli::commands::each::outcome::{Outcome, Report};
use crate::cli::commands::each::output::PrefixedOutput;
use crate::cli::commands::each::progress::Counts;
use crate::cli::env::program;
use crate::cli::process::signals;
use crate::cli::sys;

/// Whether further commands start after one has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    GoOn,
    StartNoMore,
}

/// Runs one command per role. Any number of threads may call [`JobRunner::run_next`].
#[derive(Debug)]
pub(crate) struct JobRunner<'a> {
    command_line: &'a [OsString],
    on_failure: OnFailure,
    /// The global flags for each `arl exec`.
    flags: Vec<&'static str>,
    output: PrefixedOutput,
    total: usize,
    state: Mutex<JobState>,
}

#[derive(Debug, Default)]
struct JobState {
    /// The jobs that have not started, each with its place on the command line.
    pending: VecDeque<(usize, Job)>,
    running: Vec<(Pid, String)>,
    finished: Vec<(usize, Job, Outcome)>,
    failed: usize,
    /// The signal that stops further commands from starting.
    stop_signal: Option<i32>,
    /// Why the commands' output could not be written, which stops further commands as well.
    write_error: Option<io::Error>,
}

impl<'a> JobRunner<'a> {
    pub(crate) fn new(
        jobs: Vec<Job>,
        command_line: &'a [OsString],
        on_failure: OnFailure,
        flags: Vec<&'static str>,
        output: PrefixedOutput,
    ) -> Self {
        let total = jobs.len();
        let pending = jobs.into_iter().enumerate().collect();
        let state = Mutex::new(JobState { pending, ..JobState::default() });
        Self { command_line, on_failure, flags, output, total, state }
    }

    /// Runs the next command until it ends. Returns `false` if there is none.
    pub(crate) fn run_next(&self) -> bool {
        let mut state = self.state();
        state.stop_signal = state.stop_signal.or_else(sys::terminal_stop_signal);
        let is_stopped = self.on_failure == OnFailure::StartNoMore && state.failed > 0;
        if is_stopped || state.stop_signal.is_some() || state.write_error.is_some() {
            return false;
        }
        let Some((place, job)) = state.pending.pop_front() else { return false };
        let started = Instant::now();
        // Spawn under the lock, so that a signal reaches every command that has started.
        let child = self.command(&job.role).and_then(|mut command| command.spawn());
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                state.finish(place, job, Outcome::Lost(format!("could not start: {error}")));
                return true;
            }
        };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        state.running.extend(pid.map(|pid| (pid, job.prefix.clone())));
        self.show_progress(&state);
        drop(state);
        let written = self.forward_output(&mut child, &job.prefix);
        let outcome = match child.wait() {
            Ok(status) => Outcome::Ended { status, time: started.elapsed() },
            Err(error) => Outcome::Lost(format!("lost: {error}")),
        };
        let mut state = self.state();
        state.running.retain(|(other, _)| Some(*other) != pid);
        match written {
            Ok(()) => {}
            // No program reads the output anymore, so no other command needs to start.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                state.stop_signal = state.stop_signal.or(Some(Signal::PIPE.as_raw()));
            }
            Err(error) => state.write_error = Some(error),
        }
        state.finish(place, job, outcome);
        self.show_progress(&state);
        true
    }

    /// Forwards a command's output until it ends.
    fn forward_output(&self, child: &mut Child, name: &str) -> io::Result<()> {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let to = self.output.streams;
        std::thread::scope(|scope| {
            let errors = scope.spawn(|| stderr.map(|pipe| self.output.forward_lines(pipe, name, to.stderr)));
            let written = stdout.map(|pipe| self.output.forward_lines(pipe, name, to.stdout));
            let _ = errors.join();
            written.unwrap_or(Ok(()))
        })
    }

    /// Returns the `arl exec` for a role, with the flags that the user gave to `arl each`.
    fn command(&self, role: &RoleArgs) -> io::Result<Command> {
        let mut command = Command::new(program::executable()?);
        command.arg0("arl").arg("exec").args(&self.flags);
        for (flag, value) in role.target_flags().into_iter().chain(role.given_flags()) {
            command.arg(value.map_or_else(|| flag.to_owned(), |value| format!("{flag}={value}")));
        }
        command.args(&role.role).arg("--").args(self.command_line);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        signals::inherit_signal_policy(&mut command);
        Ok(command)
    }

    /// Forwards the signals that are sent to arl alone. The terminal's signals reach the commands directly.
    pub(crate) fn forward_signals(&self, mut signal_rx: &UnixStream) {
        let mut number = [0];
        while signal_rx.read(&mut number).is_ok_and(|count| count > 0) {
            let Some(signal) = Signal::from_named_raw(number[0].into()) else { continue };
            let mut state = self.state();
            if sys::TERMINATION.contains(&signal.as_raw()) {
                state.stop_signal = Some(signal.as_raw());
            }
            for (pid, _) in &state.running {
                // The command may have ended just before.
                let _ = kill_process(*pid, signal);
            }
        }
    }

    fn show_progress(&self, state: &JobState) {
        let running: Vec<&str> = state.running.iter().map(|(_, name)| name.as_str()).collect();
        self.output.show_progress(Counts {
            finished: state.finished.len(),
            failed: state.failed,
            total: self.total,
            running: &running,
        });
    }

    /// Erases the progress bar and returns the results of the commands.
    pub(crate) fn finish(self) -> Report {
        self.output.finish();
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let not_started = state.pending.into_iter().map(|(place, job)| (place, job, Outcome::NotStarted));
        let mut outcomes: Vec<_> = state.finished.into_iter().chain(not_started).collect();
        outcomes.sort_by_key(|(place, ..)| *place);
        Report {
            outcomes: outcomes.into_iter().map(|(_, job, outcome)| (job, outcome)).collect(),
            stop_signal: state.stop_signal.or_else(sys::terminal_stop_signal),
            write_error: state.write_error,
        }
    }

    fn state(&self) -> MutexGuard<'_, JobState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobState {
    fn finish(&mut self, place: usize, job: Job, outcome: Outcome) {
        self.failed += usize::from(outcome.is_failure());
        self.finished.push((place, job, outcome));
    }
}
