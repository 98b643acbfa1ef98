//! `arl status`: shows which role this shell has.

use std::time::{Duration, UNIX_EPOCH};

use arl::internal::shell::ShellState;
use arl::internal::{
    ContainerSource, Credentials, Error, RoleArn, Secret, Source, SsoSession, Sts, TokenStore,
};
use serde_json::json;

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::shell_state::{session_label, shell_state, uses_arl_endpoint};
use crate::cli::env::vars;
use crate::cli::plan::sts_settings;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;
use crate::cli::ui::sign_in_table::ListedSignIn;
use crate::cli::ui::text::{human_duration, printable};

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct StatusArgs {
    /// Ask STS whose credentials these are (GetCallerIdentity)
    #[arg(long)]
    verify: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the shell has.
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

/// The result of the command.
struct StatusReport {
    state: State,
    role: Option<String>,
    role_arn: Option<String>,
    source: Option<String>,
    expires_at: Option<u64>,
    /// Negative after it has expired.
    seconds_left: Option<i64>,
    verified: Option<String>,
    /// The sign-in that the role came from, if the role names one.
    sign_in: Option<String>,
    /// The profile that some SDKs prefer to the role.
    shadowing_profile: Option<String>,
}

pub(crate) fn run(args: &StatusArgs, output: &Output) -> Result<ExitStatus, CliError> {
    let mut report = StatusReport::from_env();
    if args.verify && report.state == State::Live {
        report.verified = Some(caller_arn()?);
    }
    let text = if args.json { report.to_json() } else { report.to_text() };
    output.write_data(text.as_bytes())?;
    Ok(if report.state == State::Live { ExitStatus::Success } else { ExitStatus::Failure })
}

impl StatusReport {
    fn from_env() -> Self {
        let uses_endpoint = matches!(shell_state(), ShellState::NoKeys { .. }) && uses_arl_endpoint();
        if !matches!(shell_state(), ShellState::Role { .. }) && !uses_endpoint {
            let is_foreign = matches!(shell_state(), ShellState::OtherKeys { .. });
            return Self {
                state: if is_foreign { State::OtherKeys } else { State::NoRole },
                role: None,
                role_arn: None,
                source: None,
                sign_in: None,
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
            sign_in: sign_in(),
            expires_at,
            seconds_left,
            verified: None,
            shadowing_profile: vars::get(vars::AWS_PROFILE),
        }
    }

    fn to_text(&self) -> String {
        let span = |seconds: i64| human_duration(Duration::from_secs(seconds.unsigned_abs()));
        let mut text = match (self.state, self.seconds_left) {
            (State::OtherKeys, _) => "no role; the keys in this shell are not arl's\n".to_owned(),
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
        line("expires", &vars::get(vars::AWS_CREDENTIAL_EXPIRATION).filter(|_| self.expires_at.is_some()));
        line("sign-in", &self.sign_in);
        line("verified", &self.verified);
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
        let object = json!({
            "state": self.state.as_str(),
            "role": self.role,
            "role_arn": self.role_arn,
            "account_id": account.map(|arn| arn.account_id().to_string()),
            "source": self.source,
            "sign_in": self.sign_in,
            "expires_at": self.expires_at,
            "seconds_left": self.seconds_left,
            "caller_arn": self.verified,
            "rival_profile": self.shadowing_profile,
        });
        format!("{object}\n")
    }
}

/// Returns the state of the sign-in that `ARL_SOURCE` names.
fn sign_in() -> Option<String> {
    let source = vars::get(vars::ARL_SOURCE)?;
    let name = source.strip_prefix("sso:")?;
    let context = Context::read_user();
    // Only the name decides which file has the token.
    let session = SsoSession {
        name: Some(name.to_owned()),
        start_url: String::new(),
        region: String::new(),
        scopes: Vec::new(),
    };
    let token = TokenStore::new(context.home()?).read(&session).ok()?;
    let state = ListedSignIn { session, token }.state(Context::now());
    Some(format!("{name}: {state}"))
}

/// Returns the ARN of the shell's credentials, as STS reports it.
fn caller_arn() -> Result<String, CliError> {
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
        let credentials = match vars::get(vars::AWS_ACCESS_KEY_ID) {
            Some(id) => env_credentials(id).map_err(|error| failed().caused_by(error))?,
            None => {
                let endpoint = ContainerSource::find(&|name| vars::get(name)).ok_or_else(failed)?;
                sts.source_credentials(&Source::Container(endpoint), Context::now())
                    .await
                    .map_err(|error| failed().caused_by(error))?
            }
        };
        sts.caller_identity(&credentials).await.map_err(|error| failed().caused_by(error))
    };
    runtime()?.block_on(ask).map(|caller| caller.arn)
}

fn env_credentials(id: String) -> Result<Credentials, Error> {
    let secret = Secret::new(vars::get(vars::AWS_SECRET_ACCESS_KEY).unwrap_or_default());
    let token = vars::get(vars::AWS_SESSION_TOKEN).map(Secret::new);
    Credentials::new(id, secret, token, None)
}
