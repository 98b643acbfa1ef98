//! `arl console`: signs in to the AWS console as the role.

pub(crate) mod browser;

use arl::internal::{ConsoleSignIn, Consumer, Partition, RegionChange, SessionDuration, StsError};

use crate::cli::args::help::TEMPLATE;
use crate::cli::args::role::RoleArgs;
use crate::cli::env::vars;
use crate::cli::plan::endpoint_url;
use crate::cli::plan::endpoint_url::PlainHttp;
use crate::cli::session;
use crate::cli::session::SignalPolicy;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::{CliError, parse_value};
use crate::cli::ui::output::Output;

const SHORT_EXAMPLES: &str = "  \
  arl console prod-deploy --open            opens the browser as the role
  arl console prod-deploy --service s3      prints the address";

const EXAMPLES: &str = "Examples:
  arl console prod-deploy --open                opens the browser as the role
  arl console prod-deploy --service s3 --region eu-west-1
  arl console prod-deploy --duration 8h         how long the console session lasts

Keep the address as secret as the credentials: for 15 minutes it signs in anyone who opens it.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(help_template = TEMPLATE)]
#[command(mut_arg("duration", |duration| duration.help("How long the console session lasts: 15m to 12h")))]
pub(crate) struct ConsoleArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// Open the browser instead of printing the address
    #[arg(long, help_heading = "Console")]
    open: bool,
    /// The service to open, such as s3 or ec2/v2
    #[arg(long, value_name = "NAME", help_heading = "Console")]
    service: Option<String>,
    /// Sign in at this address [default: AWS_ENDPOINT_URL_SIGNIN, else AWS's own]
    #[arg(long, value_name = "URL", help_heading = "Console", hide_short_help = true)]
    signin_endpoint: Option<String>,
}

pub(crate) fn run(args: ConsoleArgs, output: &Output) -> Result<(), CliError> {
    let ConsoleArgs { mut role, open, service, signin_endpoint } = args;
    // The duration is for the console session. The role's session may be far shorter.
    let duration = role.duration.take();
    let duration =
        duration.as_deref().map(|text| parse_value::<SessionDuration>("--duration", text)).transpose()?;
    let sign_in = signin_endpoint.map(|url| ("--signin-endpoint", url));
    let sign_in = sign_in
        .or_else(|| vars::get(vars::AWS_ENDPOINT_URL_SIGNIN).map(|url| ("AWS_ENDPOINT_URL_SIGNIN", url)));
    if let Some((origin, url)) = &sign_in {
        let plain_http = PlainHttp::from_flag(role.allow_insecure_endpoint);
        endpoint_url::check_url(url, plain_http)
            .map_err(|fault| CliError::usage(format!("{origin} {fault}")))?;
    }
    // Refuses what it can before it asks for credentials.
    let sign_in_for = |partition: &Partition, region: Option<&str>| {
        ConsoleSignIn::new(partition, service.as_deref(), region)
            .map_err(|error| CliError::usage(error.to_string()))
    };
    sign_in_for(&Partition::for_region(""), None)?;
    let network = session::network(&role, output)?;
    let identity = session::obtain(&role, Consumer::OneShot, SignalPolicy::Default, output)?;
    if identity.credentials.session_token().is_none() {
        return Err(CliError::usage(
            "the console takes temporary credentials only, and these are long-term keys",
        )
        .hint("name a role"));
    }
    let region = match &identity.region {
        RegionChange::Keep => vars::get(vars::AWS_REGION),
        change => change.region().map(str::to_owned),
    };
    let partition = identity.role_arn.as_ref().map_or_else(
        || Partition::for_region(region.as_deref().unwrap_or_default()),
        |arn| arn.partition().clone(),
    );
    let mut console = sign_in_for(&partition, region.as_deref())?.with_duration(duration);
    if let Some((_, url)) = &sign_in {
        console = console.with_endpoint(url);
    }
    let work = async {
        let failed = |error: StsError| {
            let hint = matches!(error, StsError::Unreachable(_) | StsError::TimedOut(_))
                .then(|| "check the network, HTTPS_PROXY and NO_PROXY".to_owned());
            CliError::new("could not sign in to the console").caused_by(error).hints(hint)
        };
        let url = match console.sign_in_url(&identity.credentials, &network).await {
            Err(StsError::Refused { .. }) if duration.is_some() => {
                let shorter = console.clone().with_duration(None);
                let url = shorter.sign_in_url(&identity.credentials, &network).await.map_err(failed)?;
                output.note("the console session ends with the role's: AWS takes no duration for a role that was assumed with temporary credentials");
                url
            }
            url => url.map_err(failed)?,
        };
        if open {
            browser::open(&url).await?;
            output.status("the console is open in your browser");
            return Ok(());
        }
        output.write_data(format!("{}\n", url.expose()).as_bytes())
    };
    runtime()?.block_on(work)
}
