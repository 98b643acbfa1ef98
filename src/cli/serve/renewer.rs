//! Keeps the credentials of a running command fresh: renews them ahead of their end, behind its back.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use arl::{CredentialSource, Credentials, Identity, Reader, RoleArn, Unavailable};
use tokio::sync::{Notify, watch};

use crate::cli::env::context::Context;
use crate::cli::ui::error::{Report, Status};
use crate::cli::ui::text::printable;

/// Between two attempts to renew, at first and at last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Credentials that must be renewed sooner than that are none: renewing them would be all that arl does.
const SHORTEST: Duration = Duration::from_millis(200);
/// The SDKs wait for an answer for one second (JavaScript) to five (Rust).
const PATIENCE: Duration = Duration::from_millis(900);

/// What is handed out now.
#[derive(Debug, Clone)]
struct Kept {
    credentials: Credentials,
    issued_at: SystemTime,
    /// Why they could not be renewed, if the last attempt has failed.
    failure: Option<Unavailable>,
}

impl Kept {
    /// What a renewal has brought, if it is worth keeping.
    fn new(credentials: Credentials, issued_at: SystemTime) -> Result<Self, Report> {
        let kept = Self { credentials, issued_at, failure: None };
        let has_end = kept.credentials.session_token().is_some() && kept.credentials.expiration().is_some();
        if !has_end || kept.until_renewal(issued_at) < SHORTEST {
            let cause = if has_end { "they are over, or nearly so" } else { "they do not end" };
            return Err(Report::new("the new credentials cannot be served").caused_by(cause));
        }
        Ok(kept)
    }

    fn end(&self) -> SystemTime {
        self.credentials.expiration().unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// How long until they should be renewed, by the clock on the wall: this machine may have slept.
    fn until_renewal(&self, now: SystemTime) -> Duration {
        let lifetime = self.end().duration_since(self.issued_at).unwrap_or_default();
        let left = self.end().duration_since(now).unwrap_or_default();
        left.saturating_sub(Reader::Server.margin(lifetime))
    }

    fn is_over(&self, now: SystemTime) -> bool {
        self.end() <= now
    }
}

/// The credentials of a role, and whoever asks for them.
#[derive(Debug)]
pub(crate) struct Keeper {
    role_arn: Option<RoleArn>,
    kept: watch::Sender<Kept>,
    /// Somebody has asked and found them old.
    asked: Notify,
}

impl Keeper {
    /// `got_at` is when they were got; a kept session may be older, and is renewed a little later then.
    pub(crate) fn new(identity: &Identity, got_at: SystemTime) -> Self {
        let kept = Kept { credentials: identity.credentials.clone(), issued_at: got_at, failure: None };
        Self { role_arn: identity.role_arn.clone(), kept: watch::Sender::new(kept), asked: Notify::new() }
    }

    /// Somebody asks, at most once a second, and cannot go on with what there is: it is over, or a person has to help.
    async fn asked_in_need(&self, needs_person: bool) {
        loop {
            tokio::time::sleep(PAUSES.0).await;
            self.asked.notified().await;
            if needs_person || self.kept.borrow().is_over(Context::now()) {
                return;
            }
        }
    }

    /// Renews for as long as it is polled. `complain` is told of the first failure in a row.
    pub(crate) async fn keep(
        &self,
        renew: impl AsyncFn() -> Result<Identity, Report>,
        complain: impl Fn(&Report, SystemTime),
    ) -> Infallible {
        let mut pause = None;
        let mut needs_person = false;
        loop {
            let until_renewal = self.kept.borrow().until_renewal(Context::now());
            tokio::select! {
                () = tokio::time::sleep(pause.unwrap_or(until_renewal)) => {}
                () = self.asked.notified(), if pause.is_none() => {}
                // Nobody is asked for a code behind a running command, but the person may have given one elsewhere. And who
                // has nothing to go on with does not wait for the end of a long pause.
                () = self.asked_in_need(needs_person), if pause.is_some() => {}
            }
            if pause.is_none() && !self.kept.borrow().until_renewal(Context::now()).is_zero() {
                continue;
            }
            let now = Context::now();
            match renew().await.and_then(|identity| Kept::new(identity.credentials, now)) {
                Ok(kept) => {
                    (pause, needs_person) = (None, false);
                    self.kept.send_replace(kept);
                }
                Err(report) => {
                    needs_person = report.status == Status::MfaNeeded;
                    if pause.is_none() {
                        complain(&report, self.kept.borrow().end());
                    }
                    self.kept.send_modify(|kept| kept.failure = Some(unavailable(&report, !needs_person)));
                    let last = pause.unwrap_or(PAUSES.0 / 2);
                    pause = Some((last * 2).min(PAUSES.1));
                }
            }
        }
    }
}

fn unavailable(report: &Report, is_passing: bool) -> Unavailable {
    let mut message = report.error.clone();
    for cause in &report.causes {
        message.push_str(": ");
        message.push_str(cause);
    }
    let code = if is_passing { "RenewalFailed" } else { "MfaNeeded" };
    Unavailable { is_passing, code: code.into(), message: printable(&message) }
}

impl CredentialSource for Keeper {
    async fn credentials(&self) -> Result<Credentials, Unavailable> {
        let mut changes = self.kept.subscribe();
        let find = async {
            loop {
                let kept = changes.borrow_and_update().clone();
                let now = Context::now();
                if kept.until_renewal(now).is_zero() {
                    self.asked.notify_one();
                }
                if !kept.is_over(now) {
                    return Ok(kept.credentials);
                }
                if let Some(failure) = kept.failure {
                    return Err(failure);
                }
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(PATIENCE, find).await.unwrap_or_else(|_| {
            let message = "the credentials are being renewed; ask again".into();
            Err(Unavailable { is_passing: true, code: "RenewalPending".into(), message })
        })
    }

    fn role_arn(&self) -> Option<&RoleArn> {
        self.role_arn.as_ref()
    }
}
