//! The role that a command line names.

use arl::internal::{MisnamedSection, Partition, RoleArn, RoleRef, Section, SharedConfig, SharedFile};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::plan::mistyped_role;
use crate::cli::ui::error::CliError;

pub(crate) fn typed_role(args: &RoleArgs) -> Result<RoleRef, CliError> {
    let text = match (&args.role, &args.account_id, &args.role_name) {
        (Some(role), ..) => role.clone(),
        (None, Some(account), Some(name)) => {
            let account: arl::internal::AccountId =
                account.parse().map_err(|error| CliError::usage(format!("--account-id {error}")))?;
            return Ok(RoleRef::AccountRole(account, name.clone()));
        }
        _ => String::new(),
    };
    RoleRef::parse(&text).map_err(|error| CliError::usage(format!("invalid role: {error}")))
}

/// Returns the role that the command line names. A text of the form `SESSION:ACCOUNT/NAME` is the name of a
/// profile if a profile has that name and no session has the name SESSION.
pub(crate) fn typed_role_in(args: &RoleArgs, config: &SharedConfig<'_>) -> Result<RoleRef, CliError> {
    let text = args.role.as_deref().unwrap_or_default();
    let typed = typed_role(args).map_err(|error| error.hints(mistyped_role::hints(text, config)))?;
    Ok(match (typed, &args.role) {
        (RoleRef::IdentityCenter { session, .. }, Some(text))
            if config.sso_session(&session).is_none() && config.profile(text).is_some() =>
        {
            RoleRef::Profile(text.clone())
        }
        (role, _) => role,
    })
}

/// Returns the name of the role for the user: the profile as typed, else `ACCOUNT/NAME`.
///
/// Shell prompts show it, so a profile's name is used only if no character in it has a special meaning in a
/// prompt or a status line.
pub(crate) fn display_name(args: &RoleArgs, role_arn: Option<&RoleArn>) -> Option<String> {
    let is_plain = |name: &str| name.chars().all(|c| c.is_alphanumeric() || " _.@/+:=,-".contains(c));
    let account_role = || role_arn.map(|arn| format!("{}/{}", arn.account_id(), arn.role_name()));
    match (typed_role(args), &args.role) {
        (Ok(RoleRef::Profile(_)), Some(name)) if is_plain(name) => Some(name.clone()),
        (Ok(RoleRef::IdentityCenter { account, role_name, .. }), _) => Some(format!("{account}/{role_name}")),
        _ => account_role(),
    }
}

pub(crate) fn role_arn(
    role: &RoleRef,
    args: &RoleArgs,
    region: Option<&str>,
) -> Result<Option<RoleArn>, CliError> {
    let partition = match &args.partition {
        Some(name) => name.parse().map_err(|error| CliError::usage(format!("--partition {error}")))?,
        None => Partition::for_region(region.unwrap_or_default()),
    };
    if let RoleRef::Arn(arn) = role {
        check_partition(args, arn)?;
    }
    role.arn(&partition).map_err(|error| CliError::usage(format!("invalid role: {error}")))
}

/// Refuses a `--partition` that contradicts a role whose ARN is known.
pub(crate) fn check_partition(args: &RoleArgs, arn: &RoleArn) -> Result<(), CliError> {
    match &args.partition {
        Some(named) if *named != arn.partition().as_str() => {
            Err(CliError::usage(format!("--partition is `{named}`, but `{arn}` is in `{}`", arn.partition()))
                .hint("leave out --partition"))
        }
        _ => Ok(()),
    }
}

/// Refuses a text that is a role by itself and also the name of a profile, because arl does not guess which
/// of the two the user means.
pub(crate) fn check_unambiguous(
    text: &str,
    config: &SharedConfig<'_>,
    context: &Context,
) -> Result<(), CliError> {
    if config.profile(text).is_none() {
        return Ok(());
    }
    let own = RoleRef::parse(text).ok();
    let (what, hint) = match &own {
        Some(RoleRef::AccountRole(account, name)) => (
            format!("role `{name}` of account {account}"),
            format!("for the role: --account-id {account} --role-name {name}"),
        ),
        Some(RoleRef::Arn(arn)) => (
            format!("role `{}` of account {}", arn.role_name(), arn.account_id()),
            format!("for the role: --account-id {} --role-name {}", arn.account_id(), arn.role_name()),
        ),
        _ => {
            let Some((session, role)) = text.split_once(':') else { return Ok(()) };
            let Ok(RoleRef::AccountRole(account, name)) = RoleRef::parse(role) else { return Ok(()) };
            if config.sso_session(session).is_none() {
                return Ok(());
            }
            (
                format!("role `{name}` of account {account} in the SSO session `{session}`"),
                "for the role: give the profile another name".to_owned(),
            )
        }
    };
    let path = context.display_path(SharedFile::Config);
    Err(CliError::new(format!("`{text}` is both {what} and the name of a profile"))
        .hint(hint)
        .hint(format!("for the profile: give it another name in `{path}`")))
}

/// Adds to an error the section that the user probably meant as the profile, and the header that it should
/// have.
pub(crate) fn with_misnamed(error: CliError, section: &MisnamedSection, context: &Context) -> CliError {
    let MisnamedSection { file, header, right_header } = section;
    let path = context.display_path(*file);
    error
        .caused_by(format!("the section `[{header}]` in `{path}` is not a profile there"))
        .hint(format!("write `[{right_header}]` in `{path}`: {}", header_rule(*file)))
}

/// Returns the rule for the section headers of a file.
pub(crate) fn header_rule(file: SharedFile) -> &'static str {
    match file {
        SharedFile::Config => {
            "in this file, the header of a profile other than `default` begins with the word `profile`"
        }
        SharedFile::Credentials => "only the config file has the word `profile` in its headers",
    }
}

/// Returns the error for a text that names no role, with a hint at what the user probably meant.
pub(crate) fn unknown_role(name: &str, config: &SharedConfig<'_>, context: &Context) -> CliError {
    if name.trim().is_empty() {
        return CliError::usage("the role is empty")
            .hint("check that no variable on the command line is empty");
    }
    if name == "-" {
        return only_assume_goes_back();
    }
    let path = context.display_path(SharedFile::Config);
    let error = CliError::new(format!("there is no profile `{name}` in `{path}`"));
    if let Some(section) = config.misnamed_section(name) {
        return with_misnamed(error, &section, context);
    }
    if let Some(bare) = name.strip_prefix("profile ").filter(|bare| config.profile(bare).is_some()) {
        return error.hint(format!("leave out the word `profile`: the name is `{bare}`"));
    }
    let meant = mistyped_role::hints(name, config);
    if !meant.is_empty() {
        return error.hints(meant);
    }
    match closest_profiles(name, config).as_slice() {
        [] if !has_role_profile(config) => error
            .hint(ROLE_FORMS)
            .hint(format!("to add that profile: arl configure ROLE --profile-name {name}")),
        [] => error.hint(ROLE_FORMS).hint("`arl list` shows the roles"),
        similar => error.hint(format!("did you mean `{}`?", similar.join("`, `"))),
    }
}

/// Returns the error for the role `-` of a command other than `arl assume`.
pub(crate) fn only_assume_goes_back() -> CliError {
    CliError::usage("`-` means the previous role, and only `arl assume` accepts it")
        .hint("to go back: arl assume -")
}

fn has_role_profile(config: &SharedConfig<'_>) -> bool {
    let has_role = |section: &Section<'_>| {
        ["role_arn", "sso_role_name"].iter().any(|key| section.get_non_empty(key).is_some())
    };
    config.profile_names().into_iter().any(|name| config.profile(name).is_some_and(has_role))
}

/// Returns the profiles with a similar name, else those whose role has that name.
fn closest_profiles<'a>(name: &str, config: &'a SharedConfig<'_>) -> Vec<&'a str> {
    let similar = arl::internal::closest(name, config.profile_names());
    if !similar.is_empty() {
        return similar;
    }
    let role = name.strip_prefix("role/").or_else(|| name.strip_prefix("role:")).unwrap_or(name);
    let has_role = |profile: &&str| {
        let arn = config.profile(profile).and_then(|section| section.get("role_arn"));
        arn.and_then(|arn| arn.rsplit('/').next()).is_some_and(|name| name.eq_ignore_ascii_case(role))
    };
    config.profile_names().into_iter().filter(has_role).take(MAX_PROFILES).collect()
}

/// How many profiles with the same role a hint names.
const MAX_PROFILES: usize = 4;

const ROLE_FORMS: &str =
    "ROLE can also be a role ARN, ACCOUNT/NAME such as 123456789012/Deploy, or SESSION:ACCOUNT/NAME";
