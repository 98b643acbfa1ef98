//! `arl status`: shows which role this shell has.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arl::internal::shell::{Shell, ShellState};
use arl::internal::{RoleArn, ShellRole, SourceResolver, Sts, StsError};
use serde_json::json;

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::shell;
use crate::cli::env::shell_state::{session_label, shell_state, uses_arl_endpoint};
use crate::cli::env::vars;
use crate::cli::plan::hints::clock_skew;
use crate::cli::plan::sts_settings;
use crate::cli::roles::sign_ins::configured_sign_ins;
use crate::cli::session::runtime::runtime;
use crate::cli::session::shell_credentials::shell_credentials;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::json::json_line;
use crate::cli::ui::local_time::text_with_local_time;
use crate::cli::ui::output::Output;
use crate::cli::ui::sign_in_table::ListedSignIn;
use crate::cli::ui::text::{human_duration, printable, quote_words};

const AFTER_HELP: &str = "Fields of --json, null if unknown:
  state                 live, expired, none, or \"other keys\" if arl did not set the keys
  role, role_arn, account_id
  source                where the role's first credentials came from, such as profile:dev
  sign_in               the sign-in that the role came from, and how long it is valid
  expires_at            seconds since 1970
  seconds_left          negative if the role has expired
  caller_arn            with --verify: the identity that STS sees
  clock_offset_seconds  with --verify: how far this clock is ahead of STS's; negative if behind
  rival_profile         the value of AWS_PROFILE, which some SDKs prefer to the role
  hook                  \"prompt\" if the prompt hook clears an expired role, \"none\" if another program \
   has removed the hook, \"script\" in a script, or \"unsupported\" in a shell such as dash, where there is no \
   hook; null without the shell integration
  sign_ins              the sign-ins, as in `arl list --json`, where `good` is true if the sign-in works";

/// AWS refuses signatures that are older than this number of seconds.
const MAX_CLOCK_OFFSET: u64 = 5 * 60;

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, after_long_help = AFTER_HELP)]
pub(crate) struct StatusArgs {
    /// Ask STS whose credentials these are, and compare this machine's clock with that of STS
    #[arg(long)]
    verify: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The credentials that the shell has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A role that has not expired.
    Live,
    /// A role that has expired.
    Expired,
    /// No credentials.
    NoRole,
    /// Credentials that are not arl's.
    OtherKeys,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::NoRole => "none",
            Self::OtherKeys => "other keys",
        }
    }
}

/// Whether the shell clears an expired role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hook {
    /// The hook runs at each prompt.
    Prompt,
    /// The shell function is loaded, but the prompt has lost the hook.
    None,
    /// The shell function is loaded in a script, which has no prompt.
    Script,
    /// The shell function is loaded, and this kind of shell has no hook.
    Unsupported,
    /// The shell function is not loaded.
    NoFunction,
}

impl Hook {
    /// Reads the state that the shell function passes in `ARL_HOOK`.
    fn from_env() -> Self {
        match vars::get(vars::ARL_HOOK).as_deref() {
            Some("prompt") => Self::Prompt,
            Some("script") => Self::Script,
            Some("unsupported") => Self::Unsupported,
            Some(_) => Self::None,
            None => Self::NoFunction,
        }
    }

    fn to_text(self) -> String {
        match self {
            Self::Prompt => "installed".to_owned(),
            Self::None => "missing from the prompt; `arl assume` adds it again".to_owned(),
            Self::Script => "scripts have no prompt hook".to_owned(),
            Self::Unsupported => "this shell cannot have one; `arl clear` drops an expired role".to_owned(),
            Self::NoFunction => {
                let line = shell::detect(None).ok().and_then(shell::startup_line);
                match line {
                    Some((line, file)) => format!("missing; add to {file}: {line}"),
                    None => "missing; see `arl init --help`".to_owned(),
                }
            }
        }
    }

    fn to_json(self) -> Option<&'static str> {
        match self {
            Self::Prompt => Some("prompt"),
            Self::None => Some("none"),
            Self::Script => Some("script"),
            Self::Unsupported => Some("unsupported"),
            Self::NoFunction => None,
        }
    }
}

/// The result of the command.
struct StatusReport {
    state: State,
    role: Option<String>,
    role_arn: Option<String>,
    source: Option<String>,
    expires_at: Option<u64>,
    /// Negative after it has expired.
    seconds_left: Option<i64>,
    verified: Option<Verified>,
    hook: Hook,
    sign_ins: Vec<ListedSignIn>,
    /// The profile that some SDKs prefer to the role.
    shadowing_profile: Option<String>,
}

pub(crate) fn run(args: &StatusArgs, output: &Output) -> Result<ExitStatus, CliError> {
    let mut report = StatusReport::from_env(sign_ins(output));
    // Verify an expired session too, because the clock may be wrong.
    match report.state {
        _ if !args.verify => {}
        State::Live | State::Expired | State::OtherKeys => report.verified = Some(verify()?),
        State::NoRole => output.note("--verify: this shell has no credentials to ask about"),
    }
    let text = if args.json { report.to_json() } else { report.to_text() };
    output.write_data(text.as_bytes())?;
    Ok(if report.state == State::Live { ExitStatus::Success } else { ExitStatus::Failure })
}

impl StatusReport {
    fn from_env(sign_ins: Vec<ListedSignIn>) -> Self {
        let hook = Hook::from_env();
        let uses_endpoint = matches!(shell_state(), ShellState::NoKeys { .. }) && uses_arl_endpoint();
        if !matches!(shell_state(), ShellState::Role { .. }) && !uses_endpoint {
            let is_foreign = matches!(shell_state(), ShellState::OtherKeys { .. });
            return Self {
                state: if is_foreign { State::OtherKeys } else { State::NoRole },
                role: None,
                role_arn: None,
                source: None,
                hook,
                sign_ins,
                expires_at: None,
                seconds_left: None,
                verified: None,
                shadowing_profile: None,
            };
        }
        // The endpoint renews its credentials, so an expiration in the environment is not theirs.
        let expires_at = vars::get(vars::ARL_EXPIRES_AT).filter(|_| !uses_endpoint);
        let expires_at: Option<u64> = expires_at.and_then(|time| time.parse().ok());
        let now = Context::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let seconds_left =
            expires_at.map(|end| i64::try_from(end).unwrap_or(i64::MAX).saturating_sub_unsigned(now));
        Self {
            state: if seconds_left.is_some_and(|seconds_left| seconds_left <= 0) {
                State::Expired
            } else {
                State::Live
            },
            role: vars::get(vars::ARL_ROLE),
            role_arn: vars::get(vars::ARL_ROLE_ARN),
            source: vars::get(vars::ARL_SOURCE),
            hook,
            sign_ins,
            expires_at,
            seconds_left,
            verified: None,
            shadowing_profile: vars::get(vars::AWS_PROFILE),
        }
    }

    fn to_text(&self) -> String {
        let span = |seconds: i64| human_duration(Duration::from_secs(seconds.unsigned_abs()));
        let mut text = match (self.state, self.seconds_left) {
            (State::OtherKeys, _) => "no role; arl did not set the keys in this shell\n".to_owned(),
            (State::NoRole, _) => "no role\n".to_owned(),
            (State::Expired, seconds_left) => {
                format!("{} expired {} ago\n", session_label(), span(seconds_left.unwrap_or_default()))
            }
            (State::Live, Some(seconds_left)) => {
                format!("{}, {} left\n", session_label(), span(seconds_left))
            }
            (State::Live, None) => format!("{}\n", session_label()),
        };
        let mut line = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                text.push_str(&format!("  {name:<9} {}\n", printable(value)));
            }
        };
        line("arn", &self.role_arn);
        line("source", &self.source);
        let expiration = vars::get(vars::AWS_CREDENTIAL_EXPIRATION).filter(|_| self.expires_at.is_some());
        line("expires", &expiration.map(|time| text_with_local_time(&time)));
        line("hook", &Some(self.hook.to_text()));
        let now = Context::now();
        for sign_in in &self.sign_ins {
            line("sign-in", &Some(sign_in_text(sign_in, now)));
        }
        let verified = self.verified.as_ref();
        line("verified", &verified.map(|verified| verified.caller_arn.clone()));
        line("clock", &verified.and_then(|verified| verified.clock_offset).map(describe_clock));
        let shadowing_profile = self.shadowing_profile.as_ref();
        line(
            "beware",
            &shadowing_profile
                .map(|name| format!("AWS_PROFILE={name} is set, and the SDK for JavaScript prefers it")),
        );
        text
    }

    fn to_json(&self) -> String {
        let account = self.role_arn.as_ref().and_then(|arn| arn.parse::<RoleArn>().ok());
        let now = Context::now();
        let name = self.source.as_ref().and_then(|_| sign_in_of_role());
        let of_role = self.sign_ins.iter().find(|sign_in| name.is_some() && sign_in.session.name == name);
        let object = json!({
            "state": self.state.as_str(),
            "role": self.role,
            "role_arn": self.role_arn,
            "account_id": account.map(|arn| arn.account_id().to_string()),
            "source": self.source,
            "sign_in": of_role.map(|sign_in| format!("{}: {}", sign_in.session.label(), sign_in.state(now))),
            "expires_at": self.expires_at,
            "seconds_left": self.seconds_left,
            "caller_arn": self.verified.as_ref().map(|verified| &verified.caller_arn),
            "clock_offset_seconds": self.verified.as_ref().and_then(|verified| verified.clock_offset),
            "rival_profile": self.shadowing_profile,
            "hook": self.hook.to_json(),
            "sign_ins": self.sign_ins.iter().map(|sign_in| sign_in.to_json(now)).collect::<Vec<_>>(),
        });
        json_line(&object)
    }
}

/// Returns the state of a sign-in, with the command that fixes it.
fn sign_in_text(sign_in: &ListedSignIn, now: SystemTime) -> String {
    let text = format!("{}: {}", sign_in.session.label(), sign_in.state(now));
    match &sign_in.session.name {
        Some(name) if !sign_in.is_good(now) => {
            format!("{text}; arl login {}", quote_words(Shell::Posix, std::slice::from_ref(name)))
        }
        _ => text,
    }
}

/// Returns the name of the sign-in that the role came from.
fn sign_in_of_role() -> Option<String> {
    Some(vars::get(vars::ARL_SOURCE)?.strip_prefix("sso:")?.to_owned())
}

/// Returns the sign-ins of the shared files. If the files cannot be read, the list is empty and a note says
/// why.
fn sign_ins(output: &Output) -> Vec<ListedSignIn> {
    let read = || {
        let context = Context::read()?;
        let config = context.shared_config()?;
        let var = |name: &str| vars::get(name);
        let resolver = SourceResolver::new(&config, &var, ShellRole::Ignore);
        Ok(configured_sign_ins(&config, &resolver, &context, output))
    };
    read().unwrap_or_else(|error: CliError| {
        let causes = error.causes.iter().map(|cause| format!(": {cause}")).collect::<String>();
        output.note(&format!("could not list the sign-ins: {}{causes}", error.error));
        Vec::new()
    })
}

/// The answer of STS about the shell's credentials.
struct Verified {
    caller_arn: String,
    /// How many seconds the local clock is ahead of that of STS; negative if it is behind.
    clock_offset: Option<i64>,
}

/// Asks STS for the owner of the shell's credentials, and compares the clocks.
fn verify() -> Result<Verified, CliError> {
    let failed = || CliError::new("could not verify the credentials of this shell");
    let context = Context::read()?;
    let config = context.shared_config()?;
    let role: Option<RoleArn> = vars::get(vars::ARL_ROLE_ARN).and_then(|arn| arn.parse().ok());
    let region = vars::get(vars::AWS_REGION).or_else(|| vars::get(vars::AWS_DEFAULT_REGION));
    let partition = role.map_or_else(
        || arl::internal::Partition::for_region(region.as_deref().unwrap_or_default()),
        |arn| arn.partition().clone(),
    );
    let (settings, _) =
        sts_settings::find(&RoleArgs::default(), &context, &config, None, region, &partition)?;
    let sts = Sts::new(settings);
    let ask = async {
        let credentials = shell_credentials(&sts).await.map_err(|cause| failed().caused_by(cause))?;
        let asked = Context::now();
        let caller = sts.caller_identity(&credentials).await.map_err(|error| {
            let hint = match &error {
                StsError::Refused { endpoint_time, .. } => endpoint_time.and_then(clock_skew),
                _ => None,
            };
            failed().caused_by(error).hints(hint)
        })?;
        // STS answered at some moment between the request and the response, so take the middle.
        let elapsed = Context::now().duration_since(asked).unwrap_or_default();
        let clock_offset = caller.endpoint_time.map(|time| clock_offset(asked + elapsed / 2, time));
        Ok(Verified { caller_arn: caller.arn, clock_offset })
    };
    runtime()?.block_on(ask)
}

/// Returns how many seconds `local` is ahead of the other clock, which shows whole seconds.
fn clock_offset(local: SystemTime, other: SystemTime) -> i64 {
    let seconds = |time: SystemTime| {
        i64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
    };
    seconds(local) - seconds(other)
}

/// Describes how far the local clock is from that of STS. One second may be rounding.
fn describe_clock(offset: i64) -> String {
    let span = human_duration(Duration::from_secs(offset.unsigned_abs()));
    match offset {
        -1..=1 => "the same as STS's".to_owned(),
        offset if offset.unsigned_abs() > MAX_CLOCK_OFFSET => {
            let direction = if offset > 0 { "ahead of" } else { "behind" };
            format!(
                "{span} {direction} STS's; AWS refuses calls if the difference is more than 5m: set the clock"
            )
        }
        2.. => format!("{span} ahead of STS's"),
        _ => format!("{span} behind STS's"),
    }
}
