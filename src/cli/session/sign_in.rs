//! Signs the user in to IAM Identity Center: shows the address, starts the browser, and waits.

use std::convert::Infallible;
use std::path::Path;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use arl::internal::{
    BrowserSignIn, DeviceSignIn, LoginError, SessionSummary, SignIn, SingleFlight, SsoSession, SsoToken,
};

use crate::cli::env::cache_location::CacheLocation;
use crate::cli::env::context::Context;
use crate::cli::env::dirs::private_runtime_dir;
use crate::cli::env::vars;
use crate::cli::plan::hints;
use crate::cli::plan::identity_center::{SignInFlow, Surroundings};
use crate::cli::process::browser;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;
use crate::cli::ui::prompt::{self, PromptError};
use crate::cli::ui::terminal::{self, Echo};
use crate::cli::ui::text::human_duration;

/// How long a sign-in may take, unless a flag says otherwise.
pub(crate) const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(600);

/// How to sign in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignInOptions {
    pub(crate) flow: SignInFlow,
    /// Whether to start a browser.
    pub(crate) open_browser: bool,
    /// The port to which the sign-in page redirects the browser; 0 takes a free one.
    pub(crate) port: u16,
    pub(crate) timeout: Duration,
}

impl SignInOptions {
    /// Returns the default options for a flow.
    pub(crate) fn new(flow: SignInFlow) -> Self {
        Self { flow, open_browser: true, port: 0, timeout: SIGN_IN_TIMEOUT }
    }
}

/// The result of waiting for another process that signs in.
pub(crate) enum Turn {
    /// This process signs in. The others wait while it holds this lock. If the sign-in fails, it leaves the
    /// time in the lock file.
    Own(arl::internal::LeaderLock),
    /// Another process signed in.
    Done(SsoToken),
    /// Another process asked the user since this one started, and the user did not sign in.
    Failed,
}

/// Waits while another process signs in, so that only one of them asks the user. If a sign-in has failed
/// since `started`, when this process began, it does not ask the user again.
pub(crate) async fn take_turn(
    sign_in: SignIn<'_>,
    started: Option<SystemTime>,
    output: &Output,
    is_good: impl Fn(&SsoToken) -> bool,
) -> Result<Turn, CliError> {
    let SignIn { store, session, clock, .. } = sign_in;
    let locks = SingleFlight::new(store.directory());
    let name = format!(".{}.arl.sign-in", session.token_file_name());
    let read = || store.read(session).ok().flatten().filter(|token| is_good(token));
    let mut has_waited = false;
    // Wait for the lock even if there is a token already, because the other process may still be removing old
    // sessions.
    let on_wait = || -> Option<Infallible> {
        if !has_waited {
            has_waited = true;
            output
                .status(&format!("another arl process is signing in to {}; waiting for it", session.label()));
        }
        None
    };
    match locks.lock_named(&name, SIGN_IN_TIMEOUT, on_wait).await {
        Err(never) => match never {},
        Ok(lock) => {
            // A time in the future comes from a wrong clock.
            let failed_at = lock.left_time().filter(|failed_at| *failed_at <= clock());
            let failed = started.zip(failed_at).is_some_and(|(started, failed_at)| failed_at >= started);
            Ok(match read() {
                Some(token) if has_waited => Turn::Done(token),
                _ if failed => Turn::Failed,
                _ => Turn::Own(lock),
            })
        }
    }
}

/// Returns how the user can sign in here. The caller uses it if no setting names a flow.
pub(crate) fn choose_flow() -> SignInFlow {
    let surroundings = Surroundings {
        var: &|name| vars::get(name),
        exists: &|path: &Path| path.exists(),
        has_terminal: terminal::has_terminal(),
        always_has_desktop: cfg!(target_os = "macos"),
    };
    surroundings.choose_flow()
}

/// Signs in. Removes the cached sessions of the earlier sign-in, which may be another user's.
pub(crate) async fn run(
    sign_in: SignIn<'_>,
    options: SignInOptions,
    context: &Context,
    output: &Output,
) -> Result<SsoToken, CliError> {
    let SignInOptions { flow, timeout, .. } = options;
    let session = sign_in.session;
    let label = session.label();
    let forget = || {
        forget_sessions(session, context, output);
    };
    let sign_in = SignIn { on_signed_in: &forget, ..sign_in };
    let signing_in = async {
        match flow {
            SignInFlow::Browser => {
                let browser =
                    sign_in.with_browser(options.port).await.map_err(|error| failed(&error, session))?;
                with_browser(&browser, session, options.open_browser, output).await
            }
            SignInFlow::Paste => {
                let browser =
                    sign_in.with_browser(options.port).await.map_err(|error| failed(&error, session))?;
                with_paste(&browser, session, timeout, output).await
            }
            SignInFlow::DeviceCode => {
                let device = sign_in.with_device_code().await.map_err(|error| failed(&error, session))?;
                with_device_code(&device, session, output).await
            }
        }
    };
    let token = tokio::time::timeout(timeout, signing_in).await.unwrap_or_else(|_| {
        let limit = human_duration(timeout);
        Err(CliError::new(format!("could not sign in to `{label}`"))
            .caused_by(format!("no sign-in within {limit}"))
            .hint("if the browser cannot reach this machine: arl login --paste, or arl login --device-code"))
    })?;
    // Another process may have cached a session with the old token meanwhile.
    forget();
    Ok(token)
}

async fn with_browser(
    browser: &BrowserSignIn<'_>,
    session: &SsoSession,
    open_browser: bool,
    output: &Output,
) -> Result<SsoToken, CliError> {
    let label = session.label();
    let mut answer = pin!(browser.wait());
    if open_browser {
        output.instruct(&format!("sign in to {label} in your browser; if none opens, open this address:"));
        output.instruct(browser.page());
        // Under WSL the browser runs on Windows, so it is not a process of this user, and arl would not
        // answer it at its own address.
        let is_windows = vars::get("WSL_DISTRO_NAME").is_some();
        let address = if is_windows { browser.page().to_owned() } else { browser.start_url() };
        match browser::open_until(&address, answer.as_mut()).await {
            Ok(result) => return result.map_err(|error| failed(&error, session)),
            Err(causes) => output.trace(|| format!("no browser was started: {}", causes.join("; "))),
        }
    } else {
        output.instruct(&format!("to sign in to {label}, open this address in a browser on this machine:"));
        output.instruct(browser.page());
    }
    answer.await.map_err(|error| failed(&error, session))
}

async fn with_paste(
    browser: &BrowserSignIn<'_>,
    session: &SsoSession,
    timeout: Duration,
    output: &Output,
) -> Result<SsoToken, CliError> {
    let label = session.label();
    output.instruct(&format!("to sign in to {label}, open this address in a browser on any machine:"));
    output.instruct(browser.page());
    output.instruct("then the browser goes to a page that fails to load; copy its whole address");
    let question = "paste the address (it is not shown): ";
    let parse = |line: &str| {
        browser.read_pasted(line).ok_or("that is not the address of the page for this sign-in; ")
    };
    let answer =
        prompt::ask_until(question, "address", Echo::Off, timeout, &private_runtime_dir(), parse).await;
    let answer = answer.map_err(|error| not_answered(error, session.label()))?;
    browser.complete(answer).await.map_err(|error| failed(&error, session))
}

async fn with_device_code(
    device: &DeviceSignIn<'_>,
    session: &SsoSession,
    output: &Output,
) -> Result<SsoToken, CliError> {
    let (code, label) = (device.user_code(), session.label());
    output.instruct(&format!("to sign in to {label}, open this address in a browser on any machine:"));
    output.instruct(device.page());
    output.instruct(&format!(
        "approve only if you have started this sign-in and the page shows the code {code}"
    ));
    output.instruct(&format!("the code is valid for {}", human_duration(device.expires_in())));
    device.wait().await.map_err(|error| failed(&error, session))
}

/// Returns the error of a sign-in that failed.
fn failed(error: &LoginError, session: &SsoSession) -> CliError {
    let cli_error = CliError::new(format!("could not sign in to `{}`", session.label())).caused_by(error);
    match error {
        LoginError::CodeExpired => cli_error.hint("get another code: arl login --device-code"),
        LoginError::Port(0, _) => cli_error,
        LoginError::Port(..) => cli_error.hint("choose a free port with --port, or leave out --port"),
        LoginError::Call(error) if error.is_code("InvalidClientException") => cli_error.hint("try again"),
        LoginError::Call(error) if error.is_code("InvalidRequestException") => {
            cli_error.hint("check `sso_start_url` and `sso_region` of the [sso-session]")
        }
        LoginError::Call(error) => {
            cli_error.hints(hints::network_hint(error, "IAM Identity Center", &session.region))
        }
        _ => cli_error,
    }
}

fn not_answered(error: PromptError, label: &str) -> CliError {
    let cli_error = CliError::new(format!("could not sign in to `{label}`"));
    match error {
        PromptError::NoTerminal => cli_error
            .caused_by("there is no terminal to ask on")
            .status(ExitStatus::UserNeeded)
            .hint("sign in without one: arl login --device-code"),
        PromptError::NotTyped(cause) => cli_error.caused_by(cause),
        PromptError::Io(error) => cli_error.caused_by(error),
    }
}

/// Asks whether to sign in now.
pub(crate) async fn confirm(flow: SignInFlow, label: &str) -> Result<bool, CliError> {
    let how = match flow {
        SignInFlow::Browser => " in the browser",
        SignInFlow::Paste => " in a browser on another machine",
        SignInFlow::DeviceCode => " with a code on another device",
    };
    let question = format!("Sign in to {label}{how}? [Y/n] ");
    prompt::confirm(&question, &private_runtime_dir()).await.map_err(|error| not_answered(error, label))
}

/// Removes the cached sessions that depend on a sign-in, and its catalog. Returns the number of sessions.
pub(crate) fn forget_sessions(session: &SsoSession, context: &Context, output: &Output) -> usize {
    let catalogs = CacheLocation::catalogs(context);
    note_failure(catalogs.map(|catalogs| catalogs.remove(session)), output);
    remove_sessions(context, output, &|cached| {
        cached.sign_in().is_some_and(|(start_url, name)| match &session.name {
            Some(session) => name == Some(session),
            None => name.is_none() && start_url == session.start_url,
        })
    })
}

/// Removes the cached sessions that depend on any sign-in, and all catalogs. Returns the number of sessions.
pub(crate) fn forget_all_sessions(context: &Context, output: &Output) -> usize {
    let catalogs = CacheLocation::catalogs(context);
    note_failure(catalogs.map(|catalogs| catalogs.clear().map(|_| ())), output);
    remove_sessions(context, output, &|cached| cached.sign_in().is_some())
}

fn note_failure(removed: Option<std::io::Result<()>>, output: &Output) {
    if let Some(Err(error)) = removed {
        output.note(&format!("could not delete the cached roles of IAM Identity Center: {error}"));
    }
}

fn remove_sessions(context: &Context, output: &Output, is_wanted: &dyn Fn(&SessionSummary) -> bool) -> usize {
    let cache = CacheLocation::from_env(context).ok().and_then(|place| place.open(output).ok().flatten());
    let Some(cache) = cache else { return 0 };
    cache.remove(is_wanted).unwrap_or_else(|error| {
        output.note(&format!("could not delete the cached sessions: {error}"));
        0
    })
}
