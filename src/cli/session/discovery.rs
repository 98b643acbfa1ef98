//! Discovers the accounts and roles that IAM Identity Center offers, and signs the user in first if needed.

use std::time::Duration;

use arl::internal::{
    Catalog, CatalogStore, Consumer, Discovery, Found, IdentityCenter, LoginError, RoleCall, ShellRole,
    SignIn, SourceResolver, SsoSession, StsError, TokenStore,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::env::cache_location::CacheLocation;
use crate::cli::env::context::Context;
use crate::cli::env::vars;
use crate::cli::plan::hints;
use crate::cli::plan::identity_center::settings_of_session;
use crate::cli::plan::sign_in_hints;
use crate::cli::plan::source_hints;
use crate::cli::process::signals;
use crate::cli::process::signals::stop_signal;
use crate::cli::session::mfa::UserPrompt;
use crate::cli::session::on_demand::{OnDemand, OnMissingSignIn};
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;
use crate::cli::ui::text::{printable, shorten};

/// A token that is valid for less than this is renewed first.
const TOKEN_MARGIN: Duration = Duration::from_secs(300);
/// The most columns of a session's name before the progress bar, which must fit into one line.
const MAX_LABEL: usize = 24;

/// Whether a cached catalog is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresh {
    /// It is used if it is less than a day old.
    No,
    /// arl asks for everything again.
    Yes,
}

/// The part of a catalog that a discovery asks for.
#[derive(Debug, Clone, Copy)]
enum Question<'a> {
    /// The accounts, and the roles in all of them.
    All,
    /// The accounts.
    Accounts,
    /// The roles in one account.
    Account(&'a str),
}

/// Returns all accounts and roles that a session offers. If IAM Identity Center stopped answering, the
/// catalog is incomplete and a note says so.
///
/// # Errors
/// There is no such session, the user is not signed in, or no account was received.
pub(crate) fn discover(
    context: &Context,
    session_name: &str,
    refresh: Refresh,
    output: &Output,
) -> Result<Catalog, CliError> {
    Inquiry::new(context, session_name, output)?.ask(Question::All, refresh)
}

/// Returns the accounts that a session offers, with their cached roles. This takes one request for every 100
/// accounts, while [`discover`] sends one more for each account.
///
/// # Errors
/// As [`discover`].
pub(crate) fn discover_accounts(
    context: &Context,
    session_name: &str,
    refresh: Refresh,
    output: &Output,
) -> Result<Catalog, CliError> {
    Inquiry::new(context, session_name, output)?.ask(Question::Accounts, refresh)
}

/// Returns the catalog with the roles of this account.
///
/// # Errors
/// As [`discover`], or a call fails.
pub(crate) fn discover_account(
    context: &Context,
    session_name: &str,
    account_id: &str,
    refresh: Refresh,
    output: &Output,
) -> Result<Catalog, CliError> {
    Inquiry::new(context, session_name, output)?.ask(Question::Account(account_id), refresh)
}

/// The clients and stores of a discovery.
struct Inquiry<'a> {
    context: &'a Context,
    output: &'a Output,
    session: SsoSession,
    center: IdentityCenter,
    store: TokenStore,
    catalogs: Option<CatalogStore>,
}

impl<'a> Inquiry<'a> {
    fn new(context: &'a Context, session_name: &str, output: &'a Output) -> Result<Self, CliError> {
        let config = context.shared_config()?;
        let var = |name: &str| vars::get(name);
        let resolver = SourceResolver::new(&config, &var, ShellRole::Ignore);
        let session = resolver.sso_session(session_name);
        let session = session.map_err(|error| source_hints::source_not_found(&error, context))?;
        let settings = settings_of_session(Some(session_name), &session, &resolver, &config, context)?;
        let home = context
            .home()
            .ok_or_else(|| CliError::new("there is no home directory to read the token of a sign-in from"))?;
        let (center, store) = (IdentityCenter::new(settings), TokenStore::new(home));
        Ok(Self { context, output, session, center, store, catalogs: CacheLocation::catalogs(context) })
    }

    /// Runs the discovery in a runtime of its own. A signal ends it, and the answers received until then stay
    /// cached.
    fn ask(&self, question: Question<'_>, refresh: Refresh) -> Result<Catalog, CliError> {
        let bar = self.progress_bar();
        let runtime = runtime()?;
        let result = runtime.block_on(async {
            tokio::select! {
                // In this order: the handlers must be installed before a prompt hides the input.
                biased;
                signal = stop_signal() => Err(CliError::interrupted(signal?)),
                result = self.answer(question, refresh, &bar) => result,
            }
        });
        bar.finish_and_clear();
        signals::restore_defaults();
        runtime.shutdown_background();
        result
    }

    async fn answer(
        &self,
        question: Question<'_>,
        refresh: Refresh,
        bar: &ProgressBar,
    ) -> Result<Catalog, CliError> {
        let started = Context::now();
        let mut found = self.find(question, refresh, bar).await;
        if let Some(error) = found.error.as_ref().filter(|error| error.needs_sign_in()) {
            bar.finish_and_clear();
            self.sign_in(error, started).await?;
            bar.reset();
            found = self.find(question, refresh, bar).await;
        }
        let Found { catalog, error } = found;
        let Some(error) = error else { return Ok(catalog) };
        if catalog.accounts.is_empty() {
            return Err(self.failed(&error));
        }
        bar.finish_and_clear();
        let cli_error = self.failed(&error);
        self.output.note(&format!(
            "the list of {} is incomplete: it has the roles of {} of {} accounts ({})",
            self.session.label(),
            catalog.known_accounts(),
            catalog.accounts.len(),
            cli_error.causes.first().map_or("", String::as_str)
        ));
        Ok(catalog)
    }

    async fn find(&self, question: Question<'_>, refresh: Refresh, bar: &ProgressBar) -> Found {
        let discovery = Discovery {
            call: RoleCall {
                center: &self.center,
                store: &self.store,
                margin: TOKEN_MARGIN,
                clock: &Context::now,
                warn: &|text| self.output.warn_once(text),
            },
            session: &self.session,
            catalogs: self.catalogs.as_ref(),
            on_progress: &|known, all| {
                bar.set_length(all as u64);
                bar.set_position(known as u64);
            },
        };
        match question {
            Question::All => discovery.all(refresh == Refresh::Yes).await,
            Question::Accounts => discovery.accounts(refresh == Refresh::Yes).await,
            Question::Account(id) => discovery.account(id, refresh == Refresh::Yes).await,
        }
    }

    async fn sign_in(&self, error: &LoginError, started: std::time::SystemTime) -> Result<(), CliError> {
        let failed = || self.failed(error);
        let on_missing = OnMissingSignIn::find(Consumer::OneShot, UserPrompt::Allowed)?;
        if on_missing == OnMissingSignIn::Fail {
            return Err(failed().status(ExitStatus::UserNeeded));
        }
        let sign_in = SignIn {
            center: &self.center,
            store: &self.store,
            session: &self.session,
            clock: &Context::now,
            on_signed_in: &|| {},
        };
        let on_demand = OnDemand {
            sign_in,
            on_missing,
            started,
            context: self.context,
            output: self.output,
            failed: &failed,
        };
        on_demand.run().await.map(|_| ())
    }

    fn failed(&self, error: &LoginError) -> CliError {
        let label = self.session.label();
        let cli_error = CliError::new(format!("could not list the roles of `{label}`")).caused_by(error);
        match error {
            LoginError::Replaced => cli_error.hint(format!("try again: arl list --sso {label}")),
            error if error.needs_sign_in() => {
                cli_error.hint(sign_in_hints::sign_in_hint(&self.session, None))
            }
            LoginError::Call(error @ StsError::Refused { .. }) if error.is_transient() => {
                cli_error.hint("IAM Identity Center is busy; try again in a moment")
            }
            LoginError::TokenFile(path, _) => cli_error.hint(format!(
                "look at the file, and remove it if you do not trust it: rm {}",
                sign_in_hints::quoted(path)
            )),
            LoginError::Call(error) => {
                cli_error.hints(hints::network_hint(error, "IAM Identity Center", &self.session.region))
            }
            _ => cli_error,
        }
    }

    /// Returns a progress bar, which only a terminal shows.
    fn progress_bar(&self) -> ProgressBar {
        if !self.output.has_progress() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} accounts, {eta} left");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
            .with_message(shorten(&printable(self.session.label()), MAX_LABEL).into_owned())
    }
}
