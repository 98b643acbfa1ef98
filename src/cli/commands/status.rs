//! `arl status`: which role this shell has.

use std::time::{Duration, UNIX_EPOCH};

use arl::shell::Held;
use arl::{Credentials, InvalidCredentials, RoleArn, Secret, Source, Sts};
use serde_json::json;

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::shell_state::{has_endpoint, held, session_name};
use crate::cli::env::vars;
use crate::cli::plan::sts_settings;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::{Report, Status};
use crate::cli::ui::output::Output;
use crate::cli::ui::text::{in_words, printable};

#[derive(Debug, clap::Args)]
#[command(args_override_self = true)]
pub(crate) struct StatusArgs {
    /// Ask STS who the credentials belong to (GetCallerIdentity)
    #[arg(long)]
    verify: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What there is to say.
struct Session {
    state: &'static str,
    role_arn: Option<String>,
    source: Option<String>,
    expires_at: Option<u64>,
    /// Negative once it is over.
    left: Option<i64>,
    verified: Option<String>,
    /// The profile that some SDKs would take instead of the role.
    rival: Option<String>,
}

pub(crate) fn run(args: &StatusArgs, output: &Output) -> Result<Status, Report> {
    let mut session = Session::of_environment();
    if args.verify && session.state == "live" {
        session.verified = Some(verify()?);
    }
    let text = if args.json { session.json() } else { session.words() };
    output.data(text.as_bytes())?;
    Ok(if session.state == "live" { Status::Done } else { Status::Failed })
}

impl Session {
    fn of_environment() -> Self {
        let is_served = matches!(held(), Held::Nothing { .. }) && has_endpoint();
        if !matches!(held(), Held::Role { .. }) && !is_served {
            let state = if matches!(held(), Held::ForeignKeys { .. }) { "other keys" } else { "none" };
            let (role_arn, source, expires_at, left, verified) = (None, None, None, None, None);
            return Self { state, role_arn, source, expires_at, left, verified, rival: None };
        }
        // Served credentials renew themselves: what the environment says of an end is not about them.
        let expires_at = vars::get(vars::ARL_EXPIRES_AT).filter(|_| !is_served);
        let expires_at: Option<u64> = expires_at.and_then(|time| time.parse().ok());
        let now = Context::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let left = expires_at.map(|end| i64::try_from(end).unwrap_or(i64::MAX).saturating_sub_unsigned(now));
        Self {
            state: if left.is_some_and(|left| left <= 0) { "expired" } else { "live" },
            role_arn: vars::get(vars::ARL_ROLE_ARN),
            source: vars::get(vars::ARL_SOURCE),
            expires_at,
            left,
            verified: None,
            rival: vars::get(vars::AWS_PROFILE),
        }
    }

    fn words(&self) -> String {
        let span = |seconds: i64| in_words(Duration::from_secs(seconds.unsigned_abs()));
        let mut text = match (self.state, self.left) {
            ("other keys", _) => "no role; the keys in this shell are not arl's\n".to_owned(),
            ("none", _) => "no role\n".to_owned(),
            (_, Some(left)) if left <= 0 => format!("{} expired {} ago\n", session_name(), span(left)),
            (_, Some(left)) => format!("{} for {}\n", session_name(), span(left)),
            (_, None) => format!("{}\n", session_name()),
        };
        let mut line = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                text.push_str(&format!("  {name:<9} {}\n", printable(value)));
            }
        };
        line("arn", &self.role_arn);
        line("source", &self.source);
        line("expires", &vars::get(vars::AWS_CREDENTIAL_EXPIRATION).filter(|_| self.expires_at.is_some()));
        line("verified", &self.verified);
        let rival = self.rival.as_ref();
        line(
            "beware",
            &rival.map(|name| format!("AWS_PROFILE={name} is set, and the SDK for JavaScript prefers it")),
        );
        text
    }

    fn json(&self) -> String {
        let account = self.role_arn.as_ref().and_then(|arn| arn.parse::<RoleArn>().ok());
        let object = json!({
            "state": self.state,
            "role_arn": self.role_arn,
            "account_id": account.map(|arn| arn.account_id().to_string()),
            "source": self.source,
            "expires_at": self.expires_at,
            "seconds_left": self.left,
            "caller_arn": self.verified,
            "rival_profile": self.rival,
        });
        format!("{object}\n")
    }
}

/// The ARN that STS knows the shell's credentials by.
fn verify() -> Result<String, Report> {
    let failed = || Report::new("could not verify the credentials of this shell");
    let context = Context::read()?;
    let config = context.shared_config()?;
    let role: Option<RoleArn> = vars::get(vars::ARL_ROLE_ARN).and_then(|arn| arn.parse().ok());
    let region = vars::get(vars::AWS_REGION).or_else(|| vars::get(vars::AWS_DEFAULT_REGION));
    let partition = role.map_or_else(
        || arl::Partition::of_region(region.as_deref().unwrap_or_default()),
        |arn| arn.partition().clone(),
    );
    let (settings, _) =
        sts_settings::find(&RoleArgs::default(), &context, &config, None, region, &partition)?;
    let sts = Sts::new(settings);
    let ask = async {
        let credentials = match vars::get(vars::AWS_ACCESS_KEY_ID) {
            Some(id) => of_environment(id).map_err(|error| failed().caused_by(error))?,
            None => sts
                .source_credentials(&Source::Container, Context::now())
                .await
                .map_err(|error| failed().caused_by(error))?,
        };
        sts.caller_identity(&credentials).await.map_err(|error| failed().caused_by(error))
    };
    runtime()?.block_on(ask).map(|caller| caller.arn)
}

fn of_environment(id: String) -> Result<Credentials, InvalidCredentials> {
    let secret = Secret::new(vars::get(vars::AWS_SECRET_ACCESS_KEY).unwrap_or_default());
    let token = vars::get(vars::AWS_SESSION_TOKEN).map(Secret::new);
    Credentials::new(id, secret, token, None)
}
