//! Renews the credentials of a running command before they expire.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use arl::internal::{Consumer, Credentials, Identity, RoleArn, SupplyCredentials, Unavailable};
use tokio::sync::{Notify, watch};

use crate::cli::env::context::Context;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::text::printable;

/// The first pause after a failed renewal. Each further failure doubles the pause.
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(60);
/// Credentials that need renewal sooner are rejected, because arl would do nothing but renew them.
const MIN_RENEWAL_INTERVAL: Duration = Duration::from_millis(200);
/// How long a request waits for a renewal. SDKs wait one second (JavaScript) to five (Rust) for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(900);

/// The credentials that the endpoint serves now.
#[derive(Debug, Clone)]
struct CurrentCredentials {
    credentials: Credentials,
    issued_at: SystemTime,
    /// Why the last renewal failed, if it did.
    failure: Option<Unavailable>,
}

impl CurrentCredentials {
    /// Checks the credentials of a renewal.
    fn new(credentials: Credentials, issued_at: SystemTime) -> Result<Self, CliError> {
        let current = Self { credentials, issued_at, failure: None };
        let has_end =
            current.credentials.session_token().is_some() && current.credentials.expiration().is_some();
        if !has_end || current.until_renewal(issued_at) < MIN_RENEWAL_INTERVAL {
            let cause = if has_end { "they have expired or are about to" } else { "they do not expire" };
            return Err(CliError::new("arl cannot serve the new credentials").caused_by(cause));
        }
        Ok(current)
    }

    fn expiration(&self) -> SystemTime {
        self.credentials.expiration().unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Returns how long until they should be renewed. It uses the wall clock, because the host may have been
    /// suspended.
    fn until_renewal(&self, now: SystemTime) -> Duration {
        let lifetime = self.expiration().duration_since(self.issued_at).unwrap_or_default();
        let remaining = self.expiration().duration_since(now).unwrap_or_default();
        remaining.saturating_sub(Consumer::Endpoint.margin(lifetime))
    }

    fn is_expired(&self, now: SystemTime) -> bool {
        self.expiration() <= now
    }
}

/// Why arl could not renew the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// A later try may succeed.
    Temporary,
    /// Renewal needs a code or a sign-in, and arl never asks the user while a command owns the terminal.
    UserNeeded,
}

impl Obstacle {
    fn of(error: &CliError) -> Self {
        if error.status == ExitStatus::UserNeeded { Self::UserNeeded } else { Self::Temporary }
    }
}

/// Serves and renews the credentials of a role.
#[derive(Debug)]
pub(crate) struct CredentialRenewer {
    role_arn: Option<RoleArn>,
    current: watch::Sender<CurrentCredentials>,
    /// Notified when a request finds the credentials due for renewal.
    refresh_requested: Notify,
}

impl CredentialRenewer {
    /// Creates a renewer. `obtained_at` is when arl got the credentials. A cached session was issued before
    /// that, so it seems to have a shorter lifetime, and is renewed a little later than a new one.
    pub(crate) fn new(identity: &Identity, obtained_at: SystemTime) -> Self {
        let current = CurrentCredentials {
            credentials: identity.credentials.clone(),
            issued_at: obtained_at,
            failure: None,
        };
        Self {
            role_arn: identity.role_arn.clone(),
            current: watch::Sender::new(current),
            refresh_requested: Notify::new(),
        }
    }

    /// Waits, at least a second, for a request that should not wait for the next retry: because the
    /// credentials have expired, or because renewal needs a code or a sign-in, which the user may have given
    /// to another arl since.
    async fn urgent_request(&self, obstacle: Obstacle) {
        loop {
            tokio::time::sleep(FIRST_RETRY_DELAY).await;
            self.refresh_requested.notified().await;
            if obstacle == Obstacle::UserNeeded || self.current.borrow().is_expired(Context::now()) {
                return;
            }
        }
    }

    /// Renews the credentials until the future is dropped. Calls `on_failure` for the first of consecutive
    /// failures.
    pub(crate) async fn run(
        &self,
        renew: impl AsyncFn() -> Result<Identity, CliError>,
        on_failure: impl Fn(&CliError, SystemTime),
    ) -> Infallible {
        let mut pause = None;
        let mut obstacle = Obstacle::Temporary;
        loop {
            let until_renewal = self.current.borrow().until_renewal(Context::now());
            tokio::select! {
                () = tokio::time::sleep(pause.unwrap_or(until_renewal)) => {}
                () = self.refresh_requested.notified(), if pause.is_none() => {}
                // The user may have entered a code in another arl, and a request for expired credentials does
                // not wait for the end of a long pause.
                () = self.urgent_request(obstacle), if pause.is_some() => {}
            }
            if pause.is_none() && !self.current.borrow().until_renewal(Context::now()).is_zero() {
                continue;
            }
            let now = Context::now();
            match renew().await.and_then(|identity| CurrentCredentials::new(identity.credentials, now)) {
                Ok(current) => {
                    pause = None;
                    self.current.send_replace(current);
                }
                Err(error) => {
                    obstacle = Obstacle::of(&error);
                    if pause.is_none() {
                        on_failure(&error, self.current.borrow().expiration());
                    }
                    self.current.send_modify(|current| current.failure = Some(unavailable(&error, obstacle)));
                    let last = pause.unwrap_or(FIRST_RETRY_DELAY / 2);
                    pause = Some((last * 2).min(MAX_RETRY_DELAY));
                }
            }
        }
    }
}

/// Returns the answer of the endpoint while renewals fail.
fn unavailable(error: &CliError, obstacle: Obstacle) -> Unavailable {
    let mut message = error.error.clone();
    for cause in &error.causes {
        message.push_str(": ");
        message.push_str(cause);
    }
    let (code, retryable) = match obstacle {
        Obstacle::Temporary => ("RenewalFailed", true),
        Obstacle::UserNeeded => ("UserNeeded", false),
    };
    Unavailable { retryable, code: code.into(), message: printable(&message) }
}

impl SupplyCredentials for CredentialRenewer {
    async fn credentials(&self) -> Result<Credentials, Unavailable> {
        let mut current_rx = self.current.subscribe();
        let find = async {
            loop {
                let current = current_rx.borrow_and_update().clone();
                let now = Context::now();
                if current.until_renewal(now).is_zero() {
                    self.refresh_requested.notify_one();
                }
                if !current.is_expired(now) {
                    return Ok(current.credentials);
                }
                if let Some(failure) = current.failure {
                    return Err(failure);
                }
                let _ = current_rx.changed().await;
            }
        };
        tokio::time::timeout(RESPONSE_TIMEOUT, find).await.unwrap_or_else(|_| {
            let message = "arl is renewing the credentials; ask again".into();
            Err(Unavailable { retryable: true, code: "RenewalPending".into(), message })
        })
    }

    fn role_arn(&self) -> Option<&RoleArn> {
        self.role_arn.as_ref()
    }
}
