//! `arl login`: signs in to IAM Identity Center.

use std::time::Duration;

use arl::internal::{
    IdentityCenter, LoginError, RoleCall, ShellRole, SignIn, SourceResolver, SsoSession, SsoToken,
    TokenStore, current_token,
};
use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::complete;
use crate::cli::args::help::TEMPLATE;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::identity_center::{SignInFlow, configured_flow, named_session, settings_of_session};
use crate::cli::plan::sign_in_hints;
use crate::cli::process::signals;
use crate::cli::process::signals::stop_signal;
use crate::cli::session::runtime::runtime;
use crate::cli::session::sign_in;
use crate::cli::session::sign_in::{SIGN_IN_TIMEOUT, SignInOptions, Turn};
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;
use crate::cli::ui::text::human_duration;

const EXAMPLES: &str = "Examples:
  arl login                         the [sso-session] of AWS_PROFILE, else the only one
  arl login corp                    the [sso-session corp], or the one of the profile corp
  arl login corp --check            exit status 0 if you are signed in, else 1
  arl login corp --device-code      sign in with a browser on any device

The AWS CLI and the SDKs use the same sign-in. If you are signed in already, arl only says so.";

const ENVIRONMENT: &str = "Environment:
  ARL_LOGIN_FLOW   browser, paste or device; an [sso-session] can set `arl_login_flow` instead
  BROWSER          the command that opens a browser; %s is the address
  AWS_PROFILE, AWS_ENDPOINT_URL_SSO, AWS_ENDPOINT_URL_SSO_OIDC, AWS_CA_BUNDLE and
  HTTPS_PROXY have the same meaning as in the AWS CLI.

Without a flag or setting, arl opens a browser on this machine. Over SSH and in containers, where arl \
cannot open a browser, it prints an address to open on another machine. The last page cannot load there, and \
arl asks for its address. Without a terminal, it prints a device code.";

/// A token that expires within this time is renewed.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// The longest time that a sign-in may take.
const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_long_help = EXAMPLES, after_long_help = ENVIRONMENT)]
#[command(help_template = TEMPLATE)]
pub(crate) struct LoginArgs {
    /// An [sso-session], or a profile that uses one
    #[arg(value_name = "SESSION", add = ArgValueCompleter::new(complete::sign_ins))]
    session: Option<String>,
    /// Sign in again, even if you are signed in
    #[arg(long, conflicts_with = "check")]
    force: bool,
    /// Only check: exit status 0 if you are signed in, else 1
    #[arg(long)]
    check: bool,
    /// Print a code to approve in a browser on any device
    #[arg(long, help_heading = "How", conflicts_with_all = ["check", "paste", "no_browser", "port"])]
    device_code: bool,
    /// Sign in with a browser on another machine, then paste the address of the last page, which cannot load
    /// there
    #[arg(long, help_heading = "How", conflicts_with_all = ["check", "no_browser"])]
    paste: bool,
    /// Print the address, but do not open a browser
    #[arg(long, help_heading = "How", conflicts_with = "check")]
    no_browser: bool,
    /// The port on 127.0.0.1 that the browser is redirected to [default: a free one]
    #[arg(long, value_name = "PORT", help_heading = "How", conflicts_with = "check")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// How long to wait for the browser [default: 10m]
    #[arg(long, value_name = "TIME", help_heading = "How", conflicts_with = "check")]
    timeout: Option<String>,
}

pub(crate) fn run(args: &LoginArgs, output: &Output) -> Result<ExitStatus, CliError> {
    let context = Context::read()?;
    let config = context.shared_config()?;
    let var = |name: &str| vars::get(name);
    let resolver = SourceResolver::new(&config, &var, ShellRole::Ignore);
    let session = named_session(args.session.as_deref(), &resolver, &config, &context)?;
    let options = args.options(configured_flow(&session, &config)?)?;
    let settings = settings_of_session(args.session.as_deref(), &session, &resolver, &config, &context)?;
    let home =
        context.home().ok_or_else(|| CliError::new("there is no home directory to store the token in"))?;
    if session.name.is_none() && !args.check {
        output.note(
            "this profile has no `sso_session`; with one, the AWS CLI and the SDKs could renew the token too",
        );
    }
    let (center, store) = (IdentityCenter::new(settings), TokenStore::new(home));
    let sign_in = SignIn {
        center: &center,
        store: &store,
        session: &session,
        clock: &Context::now,
        on_signed_in: &|| {},
    };
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        tokio::select! {
            // In this order: the handlers must be installed before a prompt hides the input.
            biased;
            signal = stop_signal() => Err(CliError::interrupted(signal?)),
            result = args.sign_in(sign_in, options, &context, output) => result,
        }
    });
    signals::restore_defaults();
    runtime.shutdown_background();
    result
}

impl LoginArgs {
    fn options(&self, configured: Option<SignInFlow>) -> Result<SignInOptions, CliError> {
        let flow = match (self.device_code, self.paste, self.no_browser || self.port.is_some()) {
            (true, ..) => SignInFlow::DeviceCode,
            (_, true, _) => SignInFlow::Paste,
            (.., true) => SignInFlow::Browser,
            _ => configured.unwrap_or_else(sign_in::choose_flow),
        };
        let timeout = self.timeout.as_deref().map(parse_timeout).transpose()?.unwrap_or(SIGN_IN_TIMEOUT);
        let (open_browser, port) = (!self.no_browser, self.port.unwrap_or_default());
        Ok(SignInOptions { flow, open_browser, port, timeout })
    }

    async fn sign_in(
        &self,
        sign_in: SignIn<'_>,
        options: SignInOptions,
        context: &Context,
        output: &Output,
    ) -> Result<ExitStatus, CliError> {
        let SignIn { center, store, session, clock, .. } = sign_in;
        let call = RoleCall { center, store, margin: MARGIN, clock, warn: &|text| output.warn_once(text) };
        let before = if self.force { None } else { Some(current_token(call, session).await) };
        match before {
            Some(Ok(token)) => {
                // If the renewed token could not be stored, the next command would not be signed in.
                let is_stored = |stored: SsoToken| {
                    stored.access_token == token.access_token || !stored.expires_within(MARGIN, clock())
                };
                if !self.check && !store.read(session).ok().flatten().is_some_and(is_stored) {
                    return Err(CliError::new(format!(
                        "could not store the new token of `{}`",
                        session.label()
                    ))
                    .hint(format!(
                        "make sure that you can write to the directory: ls -la {}",
                        sign_in_hints::quoted(store.directory())
                    )));
                }
                report(&token, session, output);
                return Ok(ExitStatus::Success);
            }
            Some(Err(error)) if self.check && error.needs_sign_in() => {
                let label = session.label();
                output.note(&match error {
                    LoginError::NotSignedIn => format!("not signed in to {label}"),
                    error => format!("not signed in to {label}: {error}"),
                });
                return Ok(ExitStatus::Failure);
            }
            Some(Err(error)) if !error.needs_sign_in() => return Err(not_renewed(&error, session)),
            _ => {}
        }
        let old = store.read(session).ok().flatten();
        let is_new = |token: &SsoToken| {
            let is_other = old.as_ref().is_none_or(|old| old.access_token != token.access_token);
            is_other && !token.expires_within(MARGIN, clock())
        };
        let token = loop {
            let turn = sign_in::take_turn(sign_in, None, output, is_new);
            let turn = tokio::time::timeout(options.timeout, turn).await;
            match turn.unwrap_or_else(|_| Err(other_signs_in(session, options.timeout)))? {
                Turn::Own(_lock) => break sign_in::run(sign_in, options, context, output).await?,
                Turn::Done(token) => break token,
                // The user asked this process to sign in, so try even if another process has failed.
                Turn::Failed => {}
            }
        };
        report(&token, session, output);
        Ok(ExitStatus::Success)
    }
}

/// Returns the error for a timeout at whose end another process was still signing in.
fn other_signs_in(session: &SsoSession, timeout: Duration) -> CliError {
    let limit = human_duration(timeout);
    CliError::new(format!("could not sign in to `{}`", session.label()))
        .caused_by(format!("another arl process has been signing in to it for {limit}"))
        .hint("finish that sign-in, or end that process, for example with Ctrl-C")
}

/// Prints how long the sign-in is valid.
fn report(token: &SsoToken, session: &SsoSession, output: &Output) {
    let now = Context::now();
    let remaining = human_duration(token.expires_at.duration_since(now).unwrap_or_default());
    let renewal = if token.renewal(now).is_some() { ", renews itself" } else { "" };
    output.note(&format!("signed in to {}, {remaining} left{renewal}", session.label()));
}

fn not_renewed(error: &LoginError, session: &SsoSession) -> CliError {
    let cli_error =
        CliError::new(format!("could not renew the token of `{}`", session.label())).caused_by(error);
    match error {
        LoginError::Call(_) => cli_error.hint("check the network and HTTPS_PROXY"),
        LoginError::TokenFile(path, _) => cli_error.hint(format!(
            "look at the file, and remove it if you do not trust it: rm {}",
            sign_in_hints::quoted(path)
        )),
        _ => cli_error,
    }
}

fn parse_timeout(text: &str) -> Result<Duration, CliError> {
    let seconds = text.parse().map(Duration::from_secs);
    let time = seconds
        .or_else(|_| humantime::parse_duration(text))
        .map_err(|_| CliError::usage(format!("--timeout must be a time such as 10m, not `{text}`")))?;
    match time.is_zero() || time > MAX_TIMEOUT {
        true => Err(CliError::usage("--timeout must be more than 0s and at most 1h")),
        false => Ok(time),
    }
}
