//! Signs the user in when a command needs a sign-in that is missing.

use std::time::{Duration, SystemTime};

use arl::internal::{Consumer, LeaderLock, SignIn, SsoToken};

use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::identity_center::configured_flow;
use crate::cli::plan::sign_in_hints::sign_in_hint;
use crate::cli::session::mfa::UserPrompt;
use crate::cli::session::sign_in;
use crate::cli::session::sign_in::{SignInOptions, Turn};
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::terminal;

/// What arl does if a sign-in is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnMissingSignIn {
    /// It asks the user whether to sign in now.
    Ask,
    /// It starts the sign-in without that question.
    SignIn,
    /// It fails.
    Fail,
}

impl OnMissingSignIn {
    /// Returns the setting `ARL_LOGIN`, or [`Self::Fail`] if there is no user to ask.
    pub(crate) fn find(consumer: Consumer, user_prompt: UserPrompt) -> Result<Self, CliError> {
        let configured = match vars::get(vars::ARL_LOGIN).as_deref() {
            None | Some("ask") => Self::Ask,
            Some("always") => Self::SignIn,
            Some("never") => Self::Fail,
            Some(other) => {
                return Err(CliError::not_one_of(vars::ARL_LOGIN, &["ask", "always", "never"], other));
            }
        };
        // A `credential_process`, a prompt hook and a renewal start without the user. A browser that opens by
        // itself would train users to approve every request.
        let has_user = user_prompt == UserPrompt::Allowed
            && consumer != Consumer::CredentialProcess
            && vars::get(vars::CI).is_none()
            && terminal::has_terminal();
        Ok(if has_user { configured } else { Self::Fail })
    }
}

/// The lock of a sign-in. Dropping it without a sign-in records the time of the failure, so that waiting
/// processes do not ask again. This happens on drop, because an interrupt drops the lock too, and a waiting
/// process may get the lock before it gets the same interrupt.
struct SignInLock {
    lock: LeaderLock,
    has_signed_in: bool,
}

impl Drop for SignInLock {
    fn drop(&mut self) {
        if !self.has_signed_in {
            self.lock.leave_time(Context::now());
        }
    }
}

/// A sign-in that a command needs.
pub(crate) struct OnDemand<'a> {
    pub(crate) sign_in: SignIn<'a>,
    /// Not [`OnMissingSignIn::Fail`].
    pub(crate) on_missing: OnMissingSignIn,
    /// When the command began.
    pub(crate) started: SystemTime,
    pub(crate) context: &'a Context,
    pub(crate) output: &'a Output,
    /// Returns the error of the call that needs the sign-in.
    pub(crate) failed: &'a dyn Fn() -> CliError,
}

impl OnDemand<'_> {
    /// Signs the user in, or waits for another process that does.
    pub(crate) async fn run(&self) -> Result<SsoToken, CliError> {
        let SignIn { store, session, .. } = self.sign_in;
        // IAM Identity Center may refuse a token that has not expired. Such a token must not count as a new
        // sign-in.
        let refused = store.read(session).ok().flatten().map(|token| token.access_token);
        let is_new = |token: &SsoToken| {
            Some(&token.access_token) != refused.as_ref()
                && !token.expires_within(Duration::ZERO, Context::now())
        };
        let lock = match sign_in::take_turn(self.sign_in, Some(self.started), self.output, is_new).await? {
            Turn::Done(token) => return Ok(token),
            Turn::Failed => {
                return Err(
                    (self.failed)().caused_by("another arl process asked you to sign in, and you did not")
                );
            }
            Turn::Own(lock) => lock,
        };
        let mut lock = SignInLock { lock, has_signed_in: false };
        let result = self.sign_in_now().await;
        lock.has_signed_in = result.is_ok();
        result
    }

    async fn sign_in_now(&self) -> Result<SsoToken, CliError> {
        let session = self.sign_in.session;
        let config = self.context.shared_config()?;
        let flow = configured_flow(session, &config)?.unwrap_or_else(sign_in::choose_flow);
        if self.on_missing == OnMissingSignIn::Ask {
            let confirmed = sign_in::confirm(flow, session.label()).await;
            if !confirmed.map_err(|error| error.hint(sign_in_hint(session, None)))? {
                return Err((self.failed)().caused_by("you did not sign in"));
            }
        }
        sign_in::run(self.sign_in, SignInOptions::new(flow), self.context, self.output).await
    }
}
