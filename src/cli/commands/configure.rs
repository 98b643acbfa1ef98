//! `arl configure`: a role as a profile of the shared config file; no secret in it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use arl::internal::shell::Shell;
use arl::internal::{
    ExternalId, InvalidValue, ProfileEdit, ProfileName, RoleArn, RoleProfile, RoleRef, RoleSessionName,
    Section, SerialNumber, SessionDuration, SharedFile, UpdateOutcome,
};

use crate::cli::args::help::ENVIRONMENT_HELP;
use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::program;
use crate::cli::env::vars;
use crate::cli::plan::Plan;
use crate::cli::plan::region::Regions;
use crate::cli::plan::role_ref::{check_partition, role_arn, typed_role, unknown_role};
use crate::cli::process::lookup;
use crate::cli::ui::error::{CliError, parse_value};
use crate::cli::ui::output::Output;

const EXAMPLES: &str = "Examples:
  arl configure ROLE --profile dev --profile-name prod        then: aws --profile prod …
  arl configure ROLE --profile dev --profile-name prod --process

The first one writes a role profile, which every AWS SDK assumes by itself; the second a credential_process profile,
which asks arl, with its cache and every flag that is given here. Neither holds a secret.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_long_help = EXAMPLES, after_long_help = ENVIRONMENT_HELP)]
pub(crate) struct ConfigureArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// The profile to write
    #[arg(long, alias = "profile_name", value_name = "NAME", help_heading = "File", required = true)]
    profile_name: String,
    /// Write a credential_process profile that calls arl
    #[arg(long, help_heading = "File")]
    process: bool,
    /// Overwrite a profile that says something else
    #[arg(long, help_heading = "File")]
    force: bool,
}

/// What either kind of profile would otherwise leave standing beside itself.
const MANAGED_KEYS: [&str; 12] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "credential_process",
    "region",
    "external_id",
    "mfa_serial",
    "role_session_name",
    "duration_seconds",
    "source_identity",
    "session_tags",
    "transitive_session_tags",
];

pub(crate) fn run(args: &ConfigureArgs, output: &Output) -> Result<(), CliError> {
    let name: ProfileName =
        args.profile_name.parse().map_err(|error| CliError::usage(format!("--profile-name {error}")))?;
    let context = Context::read()?;
    let config = context.shared_config()?;
    let role = typed_role(&args.role)?;
    let (profile_arn, mut merged) = match &role {
        RoleRef::Profile(text) => {
            let section = config.profile(text).ok_or_else(|| unknown_role(text, &config, &context))?;
            let profile =
                RoleProfile::read(text, section).map_err(|error| CliError::new(error.to_string()))?;
            let profile =
                profile.ok_or_else(|| CliError::usage(format!("profile `{text}` has no `role_arn`")))?;
            check_partition(&args.role, &profile.role_arn)?;
            (Some(profile.role_arn), fill_from_profile(&args.role, section))
        }
        RoleRef::Arn(_) | RoleRef::AccountRole(..) => (None, args.role.clone()),
    };
    let credential_source = match (&role, &merged.profile) {
        (RoleRef::Profile(text), None) => config.profile(text).and_then(|role| role.get("credential_source")),
        _ => None,
    };
    let source = merged.profile.take().or_else(|| vars::get(vars::AWS_PROFILE));
    let source = source.unwrap_or_else(|| "default".to_owned());
    if credential_source.is_none() && config.profile(&source).is_none() {
        return Err(CliError::new(format!("there is no profile `{source}` to start from"))
            .hint("name the profile that has the source credentials with --profile"));
    }
    if source == name.as_str() {
        return Err(CliError::usage(format!("profile `{name}` cannot be its own source")));
    }
    let regions = Regions::resolve(&merged, None, config.profile(&source))?;
    let resolve_arn = || role_arn(&role, &merged, regions.effective.as_deref());
    let Some(arn) = profile_arn.map_or_else(resolve_arn, |arn| Ok(Some(arn)))? else {
        return Err(CliError::usage("no role is named"));
    };
    for value in [&mut merged.policy, &mut merged.additional_parameters, &mut merged.transitive_tag_keys]
        .into_iter()
        .flatten()
        .chain(merged.policy_arns.iter_mut())
        .chain(merged.tags.iter_mut())
        .chain(merged.provided_contexts.iter_mut())
    {
        *value = absolute_file_url(value)?;
    }
    if credential_source.is_none() {
        // What cannot work is found out here, not by whoever uses the profile. A machine's source may be another
        // machine's, and what is written beside it is checked value by value.
        let typed = RoleArgs {
            role: Some(arn.to_string()),
            account_id: None,
            role_name: None,
            partition: None,
            profile: Some(source.clone()),
            ..merged.clone()
        };
        Plan::new(&typed, &context, &output.quieted())?;
    }
    let source = match credential_source {
        Some(machine) => ("credential_source", machine.to_owned()),
        None => ("source_profile", source),
    };
    let keys = if args.process {
        process_profile_keys(&merged, &arn, &source)?
    } else {
        role_profile_keys(&merged, &arn, source)?
    };
    let section = config.profile(name.as_str());
    ensure_overwritable(&name, section, &keys, args.force)?;
    if let Some(section) = section {
        warn_about_keys(&name, section, &context, output);
    }
    // A region that nobody asked for is the profile's own business.
    let is_unset = |key: &&str| *key != "region" && keys.iter().all(|(name, _)| name != key);
    // Whoever insists gets a profile that says this and nothing else of an identity; keys cannot be had back, and stay.
    let others = CONFLICTING_KEYS.into_iter().filter(|key| !key.starts_with("aws_"));
    let unset: Vec<&str> = MANAGED_KEYS.into_iter().chain(others).filter(is_unset).collect();
    let edit =
        ProfileEdit { file: SharedFile::Config, profile: &name, set: keys, unset: &unset, expires: None };
    let path = context
        .file_path(SharedFile::Config)
        .ok_or_else(|| CliError::new("there is no home directory, and AWS_CONFIG_FILE names no file"))?;
    write_profile(&path, &edit, output)
}

/// A value that means the same wherever the profile is used: `file://` with a path from the root.
fn absolute_file_url(value: &str) -> Result<String, CliError> {
    match value.strip_prefix("file://") {
        Some(path) if !path.starts_with(['/', '~']) => {
            let path = std::path::absolute(path)
                .map_err(|error| CliError::new("could not find the current directory").caused_by(error))?;
            Ok(format!("file://{}", path.display()))
        }
        _ => Ok(value.to_owned()),
    }
}

/// A list of a profile, whose commas may have blanks beside them, as a flag takes it.
fn trim_commas(list: &str) -> String {
    list.split(',').map(str::trim).collect::<Vec<_>>().join(",")
}

/// What was typed, and what the role's own profile says where nothing was.
fn fill_from_profile(args: &RoleArgs, section: &Section<'_>) -> RoleArgs {
    let mut merged = args.clone();
    let fill = |slot: &mut Option<String>, key: &str| {
        if slot.is_none() {
            *slot = section.get(key).map(str::to_owned);
        }
    };
    fill(&mut merged.profile, "source_profile");
    fill(&mut merged.region, "region");
    fill(&mut merged.external_id, "external_id");
    fill(&mut merged.serial_number, "mfa_serial");
    fill(&mut merged.mfa_process, "mfa_process");
    fill(&mut merged.role_session_name, "role_session_name");
    fill(&mut merged.duration, "duration_seconds");
    fill(&mut merged.source_identity, "source_identity");
    if merged.transitive_tag_keys.is_none() {
        merged.transitive_tag_keys = section.get("transitive_session_tags").map(trim_commas);
    }
    if merged.tags.is_empty() {
        merged.tags.extend(section.get("session_tags").map(trim_commas));
    }
    merged
}

fn write_profile(path: &Path, edit: &ProfileEdit<'_>, output: &Output) -> Result<(), CliError> {
    let update = arl::internal::update_file(path, arl::internal::FileMode::Keep, |text| edit.apply(text))
        .map_err(|error| {
            CliError::new(format!("could not write profile `{}` to `{}`", edit.profile, path.display()))
                .caused_by(error)
        })?;
    let done = match update {
        UpdateOutcome::Unchanged => "says so already",
        UpdateOutcome::Created | UpdateOutcome::Changed => "now says",
    };
    output.note(&format!("profile {} in `{}` {done}:", edit.profile, path.display()));
    let lines: String = edit.set.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
    output.write_data(lines.as_bytes())
}

/// The keys of a role profile, as every SDK reads them.
fn role_profile_keys(
    args: &RoleArgs,
    arn: &RoleArn,
    source: (&'static str, String),
) -> Result<Vec<(&'static str, String)>, CliError> {
    // What the SDKs have no key for would be lost without a word.
    let template = args.role_session_name.as_ref().is_some_and(|name| name.contains('{'));
    if let Some((flag, _)) = args
        .given_flags()
        .into_iter()
        .find(|(flag, _)| !PROFILE_FLAGS.contains(flag) || template && *flag == "--role-session-name")
    {
        return Err(CliError::usage(format!("a role profile has no key that SDKs know for {flag}"))
            .hint("--process writes a profile that calls arl with it"));
    }
    let mut keys = vec![("role_arn", arn.to_string()), source];
    let mut add = |key: &'static str, value: Option<String>| keys.extend(value.map(|value| (key, value)));
    add("region", args.region.clone());
    add("external_id", parse_optional::<ExternalId>("--external-id", args.external_id.as_deref())?);
    add("mfa_serial", parse_optional::<SerialNumber>("--serial-number", args.serial_number.as_deref())?);
    add(
        "role_session_name",
        parse_optional::<RoleSessionName>("--role-session-name", args.role_session_name.as_deref())?,
    );
    let duration = args
        .duration
        .as_deref()
        .map(|text| parse_value::<SessionDuration>("--duration", text))
        .transpose()?;
    add("duration_seconds", duration.map(|duration| duration.as_secs().to_string()));
    Ok(keys)
}

/// The flags that a role profile has a key for, which every SDK reads.
const PROFILE_FLAGS: [&str; 5] =
    ["--region", "--external-id", "--serial-number", "--role-session-name", "--duration"];

fn parse_optional<T: FromStr<Err = InvalidValue> + ToString>(
    flag: &str,
    text: Option<&str>,
) -> Result<Option<String>, CliError> {
    text.map(|text| parse_value::<T>(flag, text).map(|value| value.to_string())).transpose()
}

/// A profile that calls this very program.
fn process_profile_keys(
    args: &RoleArgs,
    arn: &RoleArn,
    source: &(&str, String),
) -> Result<Vec<(&'static str, String)>, CliError> {
    let ("source_profile", source) = source else {
        return Err(CliError::usage(format!("no flag of arl's says `{} = {}`", source.0, source.1))
            .hint("without --process the profile says it; or name a profile to start from with --profile"));
    };
    let program = stable_program_path()?;
    if args.chain || args.token_code.is_some() {
        return Err(CliError::usage(
            "--chain and --token-code are of this moment, and cannot be part of a profile",
        ));
    }
    let mut argv = vec![
        program,
        "assume".into(),
        arn.to_string(),
        "--profile".into(),
        source.to_owned(),
        "--json".into(),
    ];
    for (flag, value) in args.given_flags() {
        argv.push(flag.to_owned());
        argv.extend(value);
    }
    if let Some(word) = argv.iter().find(|word| word.contains(char::is_control)) {
        return Err(CliError::usage(format!("`{word}` cannot stand in one line of a file")));
    }
    let plain = |word: &String| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:@+=,".contains(&b))
    };
    let quoted = |word: &String| if plain(word) { word.clone() } else { Shell::Posix.quote(word) };
    let command = argv.iter().map(quoted).collect::<Vec<_>>().join(" ");
    // A comment would begin there for some readers.
    if command.contains(" #") || command.contains(" ;") {
        return Err(CliError::usage("a value with a blank before # or ; cannot stand in the file"));
    }
    let mut keys = vec![("credential_process", command)];
    keys.extend(args.region.clone().map(|region| ("region", region)));
    Ok(keys)
}

/// Where arl is, and will be after an upgrade: package managers keep each version in a place of its own, and a link to it
/// on PATH, or at least where the person has called it.
fn stable_program_path() -> Result<String, CliError> {
    let failed = || CliError::new("could not find out where arl is");
    let program = program::executable().map_err(|error| failed().caused_by(error))?;
    let is_this_program =
        |path: &PathBuf| path.is_absolute() && path.canonicalize().is_ok_and(|real| real == program);
    let invoked_path = program::arguments().first().filter(|word| word.as_encoded_bytes().contains(&b'/'));
    let invoked_path = invoked_path.and_then(|word| std::path::absolute(word).ok());
    let path = lookup::candidate_paths("arl".as_ref())
        .into_iter()
        .chain(invoked_path)
        .find(is_this_program)
        .unwrap_or(program);
    path.into_os_string()
        .into_string()
        .map_err(|path| failed().caused_by(format!("`{}` is not UTF-8", path.to_string_lossy())))
}

/// What makes a profile somebody's already, besides [`MANAGED_KEYS`].
const CONFLICTING_KEYS: [&str; 11] = [
    "sso_session",
    "sso_region",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
    "web_identity_token_file",
    "login_session",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "mfa_process",
];

/// A profile that says something else is somebody's.
fn ensure_overwritable(
    name: &ProfileName,
    section: Option<&Section<'_>>,
    new_keys: &[(&str, String)],
    force: bool,
) -> Result<(), CliError> {
    if force {
        return Ok(());
    }
    if name.as_str() == "default" {
        return Err(CliError::usage(
            "every program that names no profile would become the role by `default`",
        )
        .hint("give the profile another name, or insist with --force"));
    }
    let Some(section) = section else { return Ok(()) };
    let get = |key: &str| section.get_from(SharedFile::Config, key);
    let keys = || MANAGED_KEYS.into_iter().filter(|key| *key != "region");
    let new_value =
        |key: &str| new_keys.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str());
    let says_something = keys().any(|key| get(key).is_some());
    let differs = says_something && keys().any(|key| get(key) != new_value(key));
    if !differs && CONFLICTING_KEYS.into_iter().all(|key| get(key).is_none()) {
        return Ok(());
    }
    Err(CliError::new(format!("profile `{name}` is there already and says something else"))
        .hint("give the new one another name with --profile-name, or insist with --force"))
}

/// Most readers believe keys in the credentials file before anything in the config file.
fn warn_about_keys(name: &ProfileName, section: &Section<'_>, context: &Context, output: &Output) {
    if section.get_from(SharedFile::Credentials, "aws_access_key_id").is_some() {
        output.note(&format!(
            "profile `{name}` has keys in `{}`, which most programs take before this; `arl write --remove {name}`, or take them out by hand",
            context.display_path(SharedFile::Credentials)
        ));
    }
}
