//! The results of the commands: lines for the user, JSON for programs, and arl's own exit status.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus as StdExitStatus;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cli::commands::each::jobs::Job;
use crate::cli::ui::error::ExitStatus;
use crate::cli::ui::json::json_line;
use crate::cli::ui::output::Output;

/// How the command of one role ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// `arl exec` ended: with the status of the command, or with its own if it could not start the command.
    Ended {
        status: StdExitStatus,
        time: Duration,
    },
    /// `arl exec` could not be started, or its status is not known.
    Lost(String),
    NotStarted,
}

impl Outcome {
    pub(crate) fn is_failure(&self) -> bool {
        match self {
            Self::Ended { status, .. } => !status.success(),
            Self::Lost(_) => true,
            Self::NotStarted => false,
        }
    }

    /// Returns why the command failed, in words.
    fn failure(&self) -> Option<String> {
        match self {
            Self::Ended { status, .. } if status.success() => None,
            Self::Ended { status, .. } => Some(match (status.code(), status.signal()) {
                (Some(code), _) => format!("status {code}"),
                (None, signal) => format!("killed by signal {}", signal.unwrap_or_default()),
            }),
            Self::Lost(error) => Some(error.clone()),
            Self::NotStarted => None,
        }
    }

    /// Returns the status as one byte. A command that did not start has none.
    fn exit_status(&self) -> Option<u8> {
        match self {
            Self::Ended { status, .. } => Some(match (status.code(), status.signal()) {
                (Some(code), _) => (code & 0xff).to_le_bytes()[0],
                (None, signal) => ExitStatus::Killed(signal.unwrap_or_default()).code(),
            }),
            Self::Lost(_) => Some(ExitStatus::ExecFailed.code()),
            Self::NotStarted => None,
        }
    }

    fn json(&self, job: &Job) -> Value {
        let outcome = match self {
            Self::NotStarted => "not_started",
            outcome if outcome.is_failure() => "failed",
            _ => "succeeded",
        };
        let (signal, seconds) = match self {
            Self::Ended { status, time } => (status.signal(), Some(time.as_millis() as f64 / 1000.0)),
            Self::Lost(_) | Self::NotStarted => (None, None),
        };
        json!({
            "name": job.name,
            "role_arn": job.arn.as_ref().map(ToString::to_string),
            "account_id": job.arn.as_ref().map(|arn| arn.account_id().to_string()),
            "role_name": job.arn.as_ref().map(|arn| arn.role_name()),
            "outcome": outcome,
            "exit_status": self.exit_status(),
            "signal": signal,
            "error": if let Self::Lost(error) = self { Some(error) } else { None },
            "seconds": seconds,
        })
    }
}

/// The results of all commands, in the order in which the roles were named.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) outcomes: Vec<(Job, Outcome)>,
    /// The signal by which arl itself was asked to stop.
    pub(crate) stop_signal: Option<i32>,
    /// Why the commands' output could not be written.
    pub(crate) write_error: Option<io::Error>,
}

impl Report {
    /// Returns one JSON object per line for each role.
    pub(crate) fn json_lines(&self) -> String {
        self.outcomes.iter().map(|(job, outcome)| json_line(&outcome.json(job))).collect()
    }

    /// Prints which commands failed.
    pub(crate) fn print(&self, output: &Output) {
        let failed: Vec<String> = self
            .outcomes
            .iter()
            .filter_map(|(job, outcome)| Some(format!("{}: {}", job.name, outcome.failure()?)))
            .collect();
        let total = self.outcomes.len();
        let is_waiting = |(_, outcome): &&(Job, Outcome)| matches!(outcome, Outcome::NotStarted);
        let not_started = self.outcomes.iter().filter(is_waiting).count();
        let text = format!("{} of {total} done", total - failed.len() - not_started);
        if failed.is_empty() && not_started == 0 {
            output.status(&text);
        } else if self.stop_signal != Some(Signal::PIPE.as_raw()) {
            let rest = if not_started > 0 { format!(", {not_started} not started") } else { String::new() };
            output.note(&format!("{text}, {} failed{rest}", failed.len()));
            for line in failed {
                output.note(&format!("  {line}"));
            }
        }
    }

    /// Returns the highest status, or the signal that stopped arl.
    pub(crate) fn exit_status(&self) -> ExitStatus {
        if let Some(signal) = self.stop_signal {
            return ExitStatus::Killed(signal);
        }
        let statuses = self.outcomes.iter().filter_map(|(_, outcome)| outcome.exit_status());
        ExitStatus::Command(statuses.max().unwrap_or_default())
    }
}
