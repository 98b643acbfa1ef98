//! `arl console`: signs in to the AWS console as the role.

mod browser;
mod role;

use arl::internal::{ConsoleSignIn, Partition, Secret, SessionDuration, StsError};
use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::complete;
use crate::cli::args::help::TEMPLATE;
use crate::cli::args::role::RoleArgs;
use crate::cli::args::services;
use crate::cli::commands::console::browser::{Browser, Window};
use crate::cli::commands::console::role::{Choice, ConsoleRole, choose, names_role};
use crate::cli::env::vars;
use crate::cli::plan::endpoint_url;
use crate::cli::plan::endpoint_url::PlainHttp;
use crate::cli::session::runtime::runtime;
use crate::cli::ui::error::{CliError, ExitStatus, parse_value};
use crate::cli::ui::output::Output;
use crate::cli::ui::text::printable;

const SHORT_EXAMPLES: &str = "  \
  arl console --open                        open the console as this shell's role
  arl console prod-deploy --service s3      print the sign-in address";

const EXAMPLES: &str = "Examples:
  arl console                                   print the sign-in address for this shell's role
  arl console prod-deploy --open                open the console in the browser
  arl console prod-deploy --service s3 --region eu-west-1
  arl console prod-deploy --duration 8h         stay signed in for 8 hours
  arl console prod-deploy --container           open it in a Firefox container for this role

Keep the address as secret as the credentials: for 15 minutes it signs in anyone who opens it.";

const AFTER_HELP: &str = "\
A browser can be signed in to one console at a time. --container opens the console in a Firefox container \
that is named after the role, and is red if the name looks like production. It needs the Firefox extension \
\"Open external links in a container\".

For the profiles of other browsers, set ARL_BROWSER to a command. In it, %u is the address, %n the name of \
the role (only letters, digits and _.@+-), and %% a percent sign. arl starts the command without a shell; \
quotes work:

  export ARL_BROWSER='google-chrome --profile-directory=%n %u'
  export ARL_BROWSER='open -na \"Google Chrome\" --args --profile-directory=%n %u'

With --container, %u is an address that only this Firefox extension opens.";

const ROLE_HELP: &str = "A role ARN, ACCOUNT/NAME, SESSION:ACCOUNT/NAME, or a profile \
    [default: this shell's role, else choose from a list]";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(help_template = TEMPLATE, after_long_help = AFTER_HELP)]
#[command(mut_arg("role", |role| {
    RoleArgs::optional(role).help(ROLE_HELP)
}))]
#[command(mut_arg("region", |region| region.help("The region to call STS in, and to open the console in")))]
#[command(mut_arg("duration", |duration| duration.help("How long the console session lasts: 15m to 12h")))]
pub(crate) struct ConsoleArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// Open the browser instead of printing the address
    #[arg(long, help_heading = "Console")]
    open: bool,
    /// Open the console in a Firefox container for this role
    #[arg(long, help_heading = "Console")]
    container: bool,
    /// The service to open, such as s3 or ec2
    ///
    /// A short name, which tab completion lists, or the path of the service in the console's address, such as
    /// ec2/v2.
    #[arg(long, value_name = "NAME", help_heading = "Console")]
    #[arg(add = ArgValueCompleter::new(complete::services))]
    service: Option<String>,
    /// Sign in at this address [default: AWS_ENDPOINT_URL_SIGNIN, else AWS's own]
    #[arg(long, value_name = "URL", help_heading = "Console", hide_short_help = true)]
    signin_endpoint: Option<String>,
    /// Only check whether the command line names a role: exit status 0 if it does, else 1. If it does not,
    /// the shell functions start arl with this shell's role
    #[arg(long, hide = true)]
    names_role: bool,
}

pub(crate) fn run(args: ConsoleArgs, output: &Output) -> Result<ExitStatus, CliError> {
    let ConsoleArgs { mut role, open, container, service, signin_endpoint, names_role: asks_for_name } = args;
    if asks_for_name {
        return Ok(if names_role(&role) { ExitStatus::Success } else { ExitStatus::Failure });
    }
    // The duration is for the console session. The role's session may be far shorter.
    let duration = role.duration.take();
    let duration =
        duration.as_deref().map(|text| parse_value::<SessionDuration>("--duration", text)).transpose()?;
    let endpoint = signin_endpoint.map(|url| ("--signin-endpoint", url));
    let endpoint = endpoint
        .or_else(|| vars::get(vars::AWS_ENDPOINT_URL_SIGNIN).map(|url| ("AWS_ENDPOINT_URL_SIGNIN", url)));
    if let Some((origin, url)) = &endpoint {
        let plain_http = PlainHttp::from_flag(role.allow_insecure_endpoint);
        endpoint_url::check_url(url, plain_http)
            .map_err(|fault| CliError::usage(format!("{origin} {fault}")))?;
    }
    let window = if container { Window::Container } else { Window::Usual };
    let browser = (open || container).then(|| Browser::from_env(window)).transpose()?;
    // Refuse an invalid service before getting credentials.
    let sign_in_for = |partition: &Partition, region: Option<&str>| {
        ConsoleSignIn::new(partition, service.as_deref().map(services::console_path), region)
            .map_err(|error| CliError::usage(error.to_string()))
    };
    sign_in_for(&Partition::for_region(""), None)?;
    let role = match choose(&mut role, output)? {
        Choice::Named => ConsoleRole::named(&role, output)?,
        Choice::OfShell => ConsoleRole::of_shell(&role)?,
    };
    if role.credentials.session_token().is_none() {
        return Err(CliError::usage(
            "the console accepts only temporary credentials, and these are long-term keys",
        )
        .hint("name a role: arl console ROLE"));
    }
    let mut console = sign_in_for(&role.partition, role.region.as_deref())?.with_duration(duration);
    if let Some((_, url)) = &endpoint {
        console = console.with_endpoint(url);
    }
    runtime()?.block_on(async {
        let url = sign_in_url(&console, &role, duration, output).await?;
        match browser {
            Some(browser) => {
                browser.open(&url, &role.name).await?;
                output.status(&format!("the console of {} is open in your browser", printable(&role.name)));
            }
            None => output.write_data(format!("{}\n", url.expose()).as_bytes())?,
        }
        Ok(ExitStatus::Success)
    })
}

/// Returns the sign-in URL. If AWS refuses a duration for this role, tries again without one.
async fn sign_in_url(
    console: &ConsoleSignIn,
    role: &ConsoleRole,
    duration: Option<SessionDuration>,
    output: &Output,
) -> Result<Secret, CliError> {
    let failed = |error: StsError| {
        let hint = matches!(error, StsError::Unreachable(_) | StsError::TimedOut(_))
            .then(|| "check the network, HTTPS_PROXY and NO_PROXY".to_owned());
        CliError::new("could not sign in to the console").caused_by(error).hints(hint)
    };
    let sign_in =
        |console: ConsoleSignIn| async move { console.sign_in_url(&role.credentials, &role.network).await };
    match sign_in(console.clone()).await {
        Err(StsError::Refused { .. }) if duration.is_some() => {
            let url = sign_in(console.clone().with_duration(None)).await.map_err(failed)?;
            output.note("the console session ends with the role's session: AWS allows no --duration for a role that was assumed with temporary credentials");
            Ok(url)
        }
        url => url.map_err(failed),
    }
}
