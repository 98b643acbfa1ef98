//! Decides for which role the console opens: the one that the command line names, else the one that this
//! shell has.

use arl::internal::shell::{Shell, ShellState};
use arl::internal::{Consumer, Credentials, NetworkConfig, Partition, RegionChange, RoleArn, Sts};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::shell_state::{expired_since, session_label, shell_state, uses_arl_endpoint};
use crate::cli::env::vars;
use crate::cli::plan::region::validate_region;
use crate::cli::plan::sts_settings;
use crate::cli::session;
use crate::cli::session::SignalPolicy;
use crate::cli::session::choose::{Asking, Unattended, choose_role};
use crate::cli::session::runtime::runtime;
use crate::cli::session::shell_credentials::shell_credentials;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::{human_duration, quote_words};

/// The flags that have an effect without a ROLE.
const FLAGS_WITHOUT_ROLE: [&str; 2] = ["--region", "--allow-insecure-endpoint"];

/// The role for which the console opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// The role that the command line names.
    Named,
    /// The role that this shell has.
    OfShell,
}

/// A role with the credentials and settings that the console needs.
pub(super) struct ConsoleRole {
    /// The name that the user gave to it.
    pub(super) name: String,
    pub(super) credentials: Credentials,
    pub(super) partition: Partition,
    pub(super) region: Option<String>,
    pub(super) network: NetworkConfig,
}

/// Decides for which role the console opens. If the command line names none and this shell has none, the user
/// chooses one, and this function writes it to `role`.
///
/// # Errors
/// No role is named, and either the shell's role has expired or there is no terminal to choose one. Or a flag
/// has an effect only with a named role.
pub(super) fn choose(role: &mut RoleArgs, output: &Output) -> Result<Choice, CliError> {
    let asking = Asking { command: "arl console", behind: "", unattended: Unattended::Refused };
    let state = shell_state();
    let has_endpoint = matches!(state, ShellState::NoKeys { .. }) && uses_arl_endpoint();
    if names_role(role) || (!matches!(state, ShellState::Role { .. }) && !has_endpoint) {
        choose_role(role, asking, output)?;
        return Ok(Choice::Named);
    }
    if let Some(since) = expired_since().filter(|_| !has_endpoint) {
        let name = vars::get(vars::ARL_ROLE).or_else(|| vars::get(vars::ARL_ROLE_ARN)).unwrap_or_default();
        let name = quote_words(Shell::Posix, &[name]);
        return Err(CliError::new(format!("{} expired {} ago", session_label(), human_duration(since)))
            .hint(format!("arl assume {name}"))
            .hint(format!("or only the console: arl console {name}")));
    }
    match role.first_flag_besides(&FLAGS_WITHOUT_ROLE) {
        Some(flag) => Err(CliError::usage(format!("`{flag}` needs a role")).hint(format!(
            "without a role, arl opens the console for {}, which this shell has",
            session_label()
        ))),
        None => Ok(Choice::OfShell),
    }
}

/// Whether the command line names a role.
pub(super) fn names_role(role: &RoleArgs) -> bool {
    role.role.is_some() || role.account_id.is_some()
}

impl ConsoleRole {
    /// Gets the credentials of the role that the command line names.
    pub(super) fn named(role: &RoleArgs, output: &Output) -> Result<Self, CliError> {
        let network = session::network(role, output)?;
        let identity = session::obtain(role, Consumer::OneShot, SignalPolicy::Default, output)?;
        let region = match &identity.region {
            RegionChange::Keep => vars::get(vars::AWS_REGION),
            change => change.region().map(str::to_owned),
        };
        let partition = partition_of(identity.role_arn.as_ref(), region.as_deref());
        let name = identity.name.or_else(|| identity.role_arn.as_ref().map(ToString::to_string));
        let name = name.unwrap_or_else(|| "arl".to_owned());
        Ok(Self { name, credentials: identity.credentials, partition, region, network })
    }

    /// Reads the credentials of the role that this shell has.
    pub(super) fn of_shell(role: &RoleArgs) -> Result<Self, CliError> {
        let flag =
            role.region.clone().map(|region| validate_region("--region", region, false)).transpose()?;
        let region =
            flag.or_else(|| vars::get(vars::AWS_REGION)).or_else(|| vars::get(vars::AWS_DEFAULT_REGION));
        let role_arn: Option<RoleArn> = vars::get(vars::ARL_ROLE_ARN).and_then(|arn| arn.parse().ok());
        let partition = partition_of(role_arn.as_ref(), region.as_deref());
        let context = Context::read()?;
        let config = context.shared_config()?;
        let (settings, _) = sts_settings::find(role, &context, &config, None, region.clone(), &partition)?;
        let network = settings.network.clone();
        let credentials = runtime()?.block_on(shell_credentials(&Sts::new(settings))).map_err(|cause| {
            CliError::new("could not read the credentials of this shell").caused_by(cause)
        })?;
        let name = vars::get(vars::ARL_ROLE).or_else(|| role_arn.map(|arn| arn.to_string()));
        let name = name.unwrap_or_else(|| "arl".to_owned());
        Ok(Self { name, credentials, partition, region, network })
    }
}

fn partition_of(role_arn: Option<&RoleArn>, region: Option<&str>) -> Partition {
    role_arn.map_or_else(|| Partition::for_region(region.unwrap_or_default()), |arn| arn.partition().clone())
}
