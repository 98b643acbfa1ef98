//! `arl configure`: writes a role as a profile of the shared config file, without a secret.

pub(crate) mod keys;

mod diff;
mod file;
mod names;
mod offered;
mod profile;
mod profile_keys;
mod session;

use arl::internal::ProfileName;
use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::complete;
use crate::cli::args::help::TEMPLATE;
use crate::cli::args::overwrite::Overwrite;
use crate::cli::args::role::RoleArgs;
use crate::cli::commands::configure::file::{ConfigFile, Run};
use crate::cli::commands::configure::names::{DEFAULT_TEMPLATE, NameTemplate};
use crate::cli::commands::configure::offered::{OfferedArgs, Wanted};
use crate::cli::commands::configure::profile::{ConfigurePlan, ProfileArgs};
use crate::cli::commands::configure::session::SessionArgs;
use crate::cli::env::context::Context;
use crate::cli::plan::value_hints::profile_name_hint;
use crate::cli::session::discovery::Refresh;
use crate::cli::ui::error::{CliError, ExitStatus};
use crate::cli::ui::output::Output;

const SHORT_EXAMPLES: &str = "  \
  arl configure ROLE --profile dev --profile-name prod
  arl configure ROLE --profile dev --profile-name prod --process
  arl configure --sso-session corp --start-url URL --region REGION
  arl configure --sso corp --all";

const EXAMPLES: &str = "Examples:
  arl configure ROLE --profile dev --profile-name prod        then: aws --profile prod …
  arl configure ROLE --profile dev --profile-name prod --process
  arl configure --sso-session corp --start-url https://corp.awsapps.com/start --region eu-west-1
  arl configure --sso corp --account 111122223333 --role Admin
  arl configure --sso corp --all --prune --dry-run

By default, arl writes a role profile, which every AWS SDK can use without arl. With --process it writes a \
credential_process profile: the SDK runs arl, with its cache and with the flags that you give here. Neither \
profile contains a secret.

--sso-session writes an [sso-session] section, which says where you sign in to IAM Identity Center. --sso writes a profile for each role that you \
have there, or for one role. Every AWS SDK can use these profiles without arl.

arl names them {account}-{role}, or as --name-template says: a template can contain {account}, {account_id}, \
{role} and {session}. Characters other than letters, digits and _.@/+- become -. If two roles would get the \
same name, arl appends the account ID to both.

arl marks these profiles with the setting arl_generated. It overwrites other profiles only with --force. \
--prune removes a marked profile if IAM Identity Center no longer offers its role, unless you have added a \
setting to it.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(help_template = TEMPLATE)]
#[command(mut_arg("region", |region| region.help("The region to call STS in, and to write to the profile")))]
#[command(mut_arg("role", |role| role.required_unless_present_any(["account_id", "keys", "sso", "sso_session"])))]
pub(crate) struct ConfigureArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// The profile to write
    #[arg(long, alias = "profile_name", value_name = "NAME", help_heading = "File")]
    #[arg(required_unless_present_any = ["sso", "sso_session"], conflicts_with_all = ["sso_session", "all"])]
    profile_name: Option<String>,
    /// Write a credential_process profile that runs arl
    #[arg(long, help_heading = "File")]
    process: bool,
    /// Write a profile for the key that `arl keys` stores under this name
    #[arg(long, value_name = "NAME", help_heading = "File", conflicts_with_all = ["role", "account_id", "process"])]
    #[arg(add = ArgValueCompleter::new(complete::key_names))]
    keys: Option<String>,
    /// Overwrite a profile that has other settings
    #[arg(long, help_heading = "File")]
    force: bool,
    /// Show what would change, and change nothing
    #[arg(long, help_heading = "File")]
    dry_run: bool,
    /// Write an [sso-session] with this name; --region is the region of IAM Identity Center
    #[arg(long, value_name = "NAME", help_heading = "IAM Identity Center")]
    #[arg(requires_all = ["start_url", "region"], conflicts_with_all = ["role", "account_id", "process", "keys", "sso"])]
    #[arg(add = ArgValueCompleter::new(complete::sign_ins))]
    sso_session: Option<String>,
    /// The address of your AWS access portal, for --sso-session
    #[arg(
        long,
        value_name = "URL",
        help_heading = "IAM Identity Center",
        requires = "sso_session",
        hide_short_help = true
    )]
    start_url: Option<String>,
    /// Write profiles for the roles of this [sso-session] [default: the only one]
    #[arg(long, value_name = "SESSION", num_args = 0..=1, help_heading = "IAM Identity Center")]
    #[arg(conflicts_with_all = ["role", "account_id", "process", "keys"])]
    #[arg(add = ArgValueCompleter::new(complete::sign_ins))]
    sso: Option<Option<String>>,
    /// Write one profile, for a role in this account (ID or name); needs --role
    #[arg(long, value_name = "ACCOUNT", help_heading = "IAM Identity Center", requires_all = ["sso", "permission_set"], hide_short_help = true)]
    #[arg(add = ArgValueCompleter::new(complete::account_ids))]
    account: Option<String>,
    /// Write one profile, for this role; needs --account
    #[arg(long = "role", id = "permission_set", value_name = "NAME", help_heading = "IAM Identity Center")]
    #[arg(requires = "account", conflicts_with = "all", hide_short_help = true)]
    #[arg(add = ArgValueCompleter::new(complete::role_names))]
    permission_set: Option<String>,
    /// Write a profile for every role of every account
    #[arg(long, help_heading = "IAM Identity Center", requires = "sso", conflicts_with = "account")]
    all: bool,
    /// How to name the profiles [default: {account}-{role}]
    #[arg(long, value_name = "TEMPLATE", help_heading = "IAM Identity Center", requires = "sso")]
    #[arg(conflicts_with = "profile_name", hide_short_help = true)]
    name_template: Option<String>,
    /// Remove generated profiles whose roles IAM Identity Center no longer offers
    #[arg(long, help_heading = "IAM Identity Center", requires = "all", hide_short_help = true)]
    prune: bool,
}

pub(crate) fn run(args: &ConfigureArgs, output: &Output) -> Result<ExitStatus, CliError> {
    let context = Context::read()?;
    context.remove_leftovers();
    let config = context.shared_config()?;
    let file = ConfigFile::new(&context, Run::from_flag(args.dry_run), output)?;
    let overwrite = Overwrite::from_flag(args.force);
    args.check_modes()?;
    if let Some(name) = &args.sso_session {
        args.check_flags("--sso-session", Refresh::No)?;
        let start_url = args.start_url.as_deref().unwrap_or_default();
        let region = args.role.region.as_deref().unwrap_or_default();
        let session = SessionArgs { name, start_url, region, is_forced: args.force };
        return session.write(&config, &file, output).map(|()| ExitStatus::Success);
    }
    let parse = |name: &str| {
        let refused = |error| CliError::usage(format!("--profile-name {error}"));
        name.parse::<ProfileName>().map_err(|error| refused(error).hints(profile_name_hint(name)))
    };
    let name = args.profile_name.as_deref().map(parse).transpose()?;
    if let Some(session) = &args.sso {
        args.check_flags("--sso", Refresh::Yes)?;
        let offered = args.offered(session.as_deref(), name, overwrite)?;
        return offered.write(&context, &config, &file, output);
    }
    let Some(name) = name else {
        return Err(CliError::usage("a name for the profile is missing: --profile-name NAME"));
    };
    let profile = ProfileArgs { role: &args.role, process: args.process, overwrite };
    let plan = match &args.keys {
        Some(key) => ConfigurePlan::for_stored_key(&profile, name, key)?,
        None => ConfigurePlan::from_args(&profile, name, &context, &config, output)?,
    };
    plan.write(config.profile(plan.name.as_str()), &context, &file, output)?;
    Ok(ExitStatus::Success)
}

impl ConfigureArgs {
    /// Refuses flags of another mode. If an argument conflicts with another one of the command line, clap
    /// does not check its `requires`.
    fn check_modes(&self) -> Result<(), CliError> {
        let given = [
            ("--account", self.account.is_some()),
            ("--role", self.permission_set.is_some()),
            ("--all", self.all),
            ("--name-template", self.name_template.is_some()),
            ("--prune", self.prune),
        ];
        let of_sso = given.into_iter().find(|(_, is_given)| *is_given && self.sso.is_none());
        if let Some((flag, _)) = of_sso {
            return Err(CliError::usage(format!("{flag} needs `arl configure --sso`")));
        }
        if self.start_url.is_some() && self.sso_session.is_none() {
            return Err(CliError::usage("--start-url needs `arl configure --sso-session`"));
        }
        match self.prune && !self.all {
            true => Err(CliError::usage(
                "--prune needs --all, because it compares the profiles with all roles that IAM Identity Center offers",
            )),
            false => Ok(()),
        }
    }

    /// Refuses the flags for assuming a role. `--refresh` is allowed in modes that ask IAM
    /// Identity Center for a catalog.
    fn check_flags(&self, mode: &str, can_refresh: Refresh) -> Result<(), CliError> {
        let refresh = self.role.refresh && can_refresh == Refresh::No;
        let rest = RoleArgs { region: None, refresh, ..self.role.clone() };
        match rest.first_flag() {
            None => Ok(()),
            Some(flag) => Err(CliError::usage(format!(
                "{flag} is only for AssumeRole, and {mode} is for IAM Identity Center"
            ))),
        }
    }

    fn offered<'a>(
        &'a self,
        session: Option<&'a str>,
        name: Option<ProfileName>,
        overwrite: Overwrite,
    ) -> Result<OfferedArgs<'a>, CliError> {
        let wanted = match (&self.account, &self.permission_set, self.all) {
            (Some(account), Some(role), false) => Wanted::One(account, role),
            (None, None, true) => Wanted::All,
            _ => {
                return Err(CliError::usage("--sso needs --all, or --account and --role")
                    .hint("to see the roles: arl list --sso"));
            }
        };
        let region = self.role.region.as_deref();
        if let Some(region) = region.filter(|region| !session::is_region(region)) {
            return Err(CliError::usage(format!("--region `{region}` is not a region such as eu-west-1")));
        }
        Ok(OfferedArgs {
            session,
            wanted,
            template: NameTemplate::parse(self.name_template.as_deref().unwrap_or(DEFAULT_TEMPLATE))?,
            name,
            region,
            overwrite,
            prunes: self.prune,
            refresh: if self.role.refresh { Refresh::Yes } else { Refresh::No },
        })
    }
}
