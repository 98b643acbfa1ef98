//! `arl configure`: a role as a profile of the shared config file; no secret in it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use arl::shell::Dialect;
use arl::{
    ExternalId, InvalidValue, ProfileEdit, ProfileName, RoleArn, RoleProfile, RoleRef, RoleSessionName,
    Section, SerialNumber, SessionDuration, SharedFile, Update,
};

use crate::cli::args::help::ENVIRONMENT;
use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::program;
use crate::cli::env::vars;
use crate::cli::plan::Plan;
use crate::cli::plan::region::Regions;
use crate::cli::plan::role_ref::{check_partition, role_arn, typed_role, unknown_role};
use crate::cli::process::lookup;
use crate::cli::ui::error::{Report, parse_value};
use crate::cli::ui::output::Output;

const EXAMPLES: &str = "Examples:
  arl configure ROLE --profile dev --profile-name prod        then: aws --profile prod …
  arl configure ROLE --profile dev --profile-name prod --process

The first one writes a role profile, which every AWS SDK assumes by itself; the second a credential_process profile,
which asks arl, with its cache and every flag that is given here. Neither holds a secret.";

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_long_help = EXAMPLES, after_long_help = ENVIRONMENT)]
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
const OWNED: [&str; 12] = [
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

pub(crate) fn run(args: &ConfigureArgs, output: &Output) -> Result<(), Report> {
    let name: ProfileName =
        args.profile_name.parse().map_err(|error| Report::usage(format!("--profile-name {error}")))?;
    let context = Context::read()?;
    let config = context.shared_config()?;
    let role = typed_role(&args.role)?;
    let (profile_arn, mut wanted) = match &role {
        RoleRef::Profile(text) => {
            let section = config.profile(text).ok_or_else(|| unknown_role(text, &config, &context))?;
            let profile = RoleProfile::read(text, section).map_err(|error| Report::new(error.to_string()))?;
            let profile =
                profile.ok_or_else(|| Report::usage(format!("profile `{text}` has no `role_arn`")))?;
            check_partition(&args.role, &profile.role_arn)?;
            (Some(profile.role_arn), with_keys_of(&args.role, section))
        }
        RoleRef::Arn(_) | RoleRef::InAccount(..) => (None, args.role.clone()),
    };
    let of_machine = match (&role, &wanted.profile) {
        (RoleRef::Profile(text), None) => config.profile(text).and_then(|role| role.get("credential_source")),
        _ => None,
    };
    let source = wanted.profile.take().or_else(|| vars::get(vars::AWS_PROFILE));
    let source = source.unwrap_or_else(|| "default".to_owned());
    if of_machine.is_none() && config.profile(&source).is_none() {
        return Err(Report::new(format!("there is no profile `{source}` to start from"))
            .hint("name the profile that has the source credentials with --profile"));
    }
    if source == name.as_str() {
        return Err(Report::usage(format!("profile `{name}` cannot be its own source")));
    }
    let regions = Regions::find(&wanted, None, config.profile(&source))?;
    let given = || role_arn(&role, &wanted, regions.named.as_deref());
    let Some(arn) = profile_arn.map_or_else(given, |arn| Ok(Some(arn)))? else {
        return Err(Report::usage("no role is named"));
    };
    for value in [&mut wanted.policy, &mut wanted.additional_parameters, &mut wanted.transitive_tag_keys]
        .into_iter()
        .flatten()
        .chain(wanted.policy_arns.iter_mut())
        .chain(wanted.tags.iter_mut())
        .chain(wanted.provided_contexts.iter_mut())
    {
        *value = from_anywhere(value)?;
    }
    if of_machine.is_none() {
        // What cannot work is found out here, not by whoever uses the profile. A machine's source may be another
        // machine's, and what is written beside it is checked value by value.
        let typed = RoleArgs {
            role: Some(arn.to_string()),
            account_id: None,
            role_name: None,
            partition: None,
            profile: Some(source.clone()),
            ..wanted.clone()
        };
        Plan::make(&typed, &context, &output.in_background())?;
    }
    let source = match of_machine {
        Some(machine) => ("credential_source", machine.to_owned()),
        None => ("source_profile", source),
    };
    let set =
        if args.process { process(&wanted, &arn, &source)? } else { role_profile(&wanted, &arn, source)? };
    let section = config.profile(name.as_str());
    refuse_other(&name, section, &set, args.force)?;
    if let Some(section) = section {
        warn_of_keys(&name, section, &context, output);
    }
    // A region that nobody asked for is the profile's own business.
    let is_gone = |key: &&str| *key != "region" && set.iter().all(|(set, _)| set != key);
    // Whoever insists gets a profile that says this and nothing else of an identity; keys cannot be had back, and stay.
    let others = OTHERS.into_iter().filter(|key| !key.starts_with("aws_"));
    let unset: Vec<&str> = OWNED.into_iter().chain(others).filter(is_gone).collect();
    let edit = ProfileEdit { file: SharedFile::Config, profile: &name, set, unset: &unset, expires: None };
    let path = context
        .file_path(SharedFile::Config)
        .ok_or_else(|| Report::new("there is no home directory, and AWS_CONFIG_FILE names no file"))?;
    write(&path, &edit, output)
}

/// A value that means the same wherever the profile is used: `file://` with a path from the root.
fn from_anywhere(value: &str) -> Result<String, Report> {
    match value.strip_prefix("file://") {
        Some(path) if !path.starts_with(['/', '~']) => {
            let path = std::path::absolute(path)
                .map_err(|error| Report::new("could not find the current directory").caused_by(error))?;
            Ok(format!("file://{}", path.display()))
        }
        _ => Ok(value.to_owned()),
    }
}

/// A list of a profile, whose commas may have blanks beside them, as a flag takes it.
fn without_blanks(list: &str) -> String {
    list.split(',').map(str::trim).collect::<Vec<_>>().join(",")
}

/// What was typed, and what the role's own profile says where nothing was.
fn with_keys_of(args: &RoleArgs, section: &Section<'_>) -> RoleArgs {
    let mut wanted = args.clone();
    let fill = |place: &mut Option<String>, key: &str| {
        if place.is_none() {
            *place = section.get(key).map(str::to_owned);
        }
    };
    fill(&mut wanted.profile, "source_profile");
    fill(&mut wanted.region, "region");
    fill(&mut wanted.external_id, "external_id");
    fill(&mut wanted.serial_number, "mfa_serial");
    fill(&mut wanted.mfa_process, "mfa_process");
    fill(&mut wanted.role_session_name, "role_session_name");
    fill(&mut wanted.duration, "duration_seconds");
    fill(&mut wanted.source_identity, "source_identity");
    if wanted.transitive_tag_keys.is_none() {
        wanted.transitive_tag_keys = section.get("transitive_session_tags").map(without_blanks);
    }
    if wanted.tags.is_empty() {
        wanted.tags.extend(section.get("session_tags").map(without_blanks));
    }
    wanted
}

fn write(path: &Path, edit: &ProfileEdit<'_>, output: &Output) -> Result<(), Report> {
    let update = arl::update_file(path, arl::FileMode::Keep, |text| edit.apply(text)).map_err(|error| {
        Report::new(format!("could not write profile `{}` to `{}`", edit.profile, path.display()))
            .caused_by(error)
    })?;
    let done = match update {
        Update::Unchanged => "says so already",
        Update::Created | Update::Changed => "now says",
    };
    output.note(&format!("profile {} in `{}` {done}:", edit.profile, path.display()));
    let lines: String = edit.set.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
    output.data(lines.as_bytes())
}

/// The keys of a role profile, as every SDK reads them.
fn role_profile(
    args: &RoleArgs,
    arn: &RoleArn,
    source: (&'static str, String),
) -> Result<Vec<(&'static str, String)>, Report> {
    // What the SDKs have no key for would be lost without a word.
    let template = args.role_session_name.as_ref().is_some_and(|name| name.contains('{'));
    if let Some((flag, _)) = args
        .flags()
        .into_iter()
        .find(|(flag, _)| !WRITABLE.contains(flag) || template && *flag == "--role-session-name")
    {
        return Err(Report::usage(format!("a role profile has no key that SDKs know for {flag}"))
            .hint("--process writes a profile that calls arl with it"));
    }
    let mut set = vec![("role_arn", arn.to_string()), source];
    let mut add = |key: &'static str, value: Option<String>| set.extend(value.map(|value| (key, value)));
    add("region", args.region.clone());
    add("external_id", checked::<ExternalId>("--external-id", args.external_id.as_deref())?);
    add("mfa_serial", checked::<SerialNumber>("--serial-number", args.serial_number.as_deref())?);
    add(
        "role_session_name",
        checked::<RoleSessionName>("--role-session-name", args.role_session_name.as_deref())?,
    );
    let duration = args
        .duration
        .as_deref()
        .map(|text| parse_value::<SessionDuration>("--duration", text))
        .transpose()?;
    add("duration_seconds", duration.map(|duration| duration.as_secs().to_string()));
    Ok(set)
}

/// The flags that a role profile has a key for, which every SDK reads.
const WRITABLE: [&str; 5] =
    ["--region", "--external-id", "--serial-number", "--role-session-name", "--duration"];

fn checked<T: FromStr<Err = InvalidValue> + ToString>(
    flag: &str,
    text: Option<&str>,
) -> Result<Option<String>, Report> {
    text.map(|text| parse_value::<T>(flag, text).map(|value| value.to_string())).transpose()
}

/// A profile that calls this very program.
fn process(
    args: &RoleArgs,
    arn: &RoleArn,
    source: &(&str, String),
) -> Result<Vec<(&'static str, String)>, Report> {
    let ("source_profile", source) = source else {
        return Err(Report::usage(format!("no flag of arl's says `{} = {}`", source.0, source.1))
            .hint("without --process the profile says it; or name a profile to start from with --profile"));
    };
    let program = own_path()?;
    if args.chain || args.token_code.is_some() {
        return Err(Report::usage(
            "--chain and --token-code are of this moment, and cannot be part of a profile",
        ));
    }
    let mut words = vec![
        program,
        "assume".into(),
        arn.to_string(),
        "--profile".into(),
        source.to_owned(),
        "--json".into(),
    ];
    for (flag, value) in args.flags() {
        words.push(flag.to_owned());
        words.extend(value);
    }
    if let Some(word) = words.iter().find(|word| word.contains(char::is_control)) {
        return Err(Report::usage(format!("`{word}` cannot stand in one line of a file")));
    }
    let plain = |word: &String| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:@+=,".contains(&b))
    };
    let quoted = |word: &String| if plain(word) { word.clone() } else { Dialect::Posix.quote(word) };
    let command = words.iter().map(quoted).collect::<Vec<_>>().join(" ");
    // A comment would begin there for some readers.
    if command.contains(" #") || command.contains(" ;") {
        return Err(Report::usage("a value with a blank before # or ; cannot stand in the file"));
    }
    let mut set = vec![("credential_process", command)];
    set.extend(args.region.clone().map(|region| ("region", region)));
    Ok(set)
}

/// Where arl is, and will be after an upgrade: package managers keep each version in a place of its own, and a link to it
/// on PATH, or at least where the person has called it.
fn own_path() -> Result<String, Report> {
    let failed = || Report::new("could not find out where arl is");
    let own = program::executable().map_err(|error| failed().caused_by(error))?;
    let is_own = |path: &PathBuf| path.is_absolute() && path.canonicalize().is_ok_and(|real| real == own);
    let called = program::arguments().first().filter(|word| word.as_encoded_bytes().contains(&b'/'));
    let called = called.and_then(|word| std::path::absolute(word).ok());
    let path = lookup::paths("arl".as_ref()).into_iter().chain(called).find(is_own).unwrap_or(own);
    path.into_os_string()
        .into_string()
        .map_err(|path| failed().caused_by(format!("`{}` is not UTF-8", path.to_string_lossy())))
}

/// What makes a profile somebody's already, besides [`OWNED`].
const OTHERS: [&str; 11] = [
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
fn refuse_other(
    name: &ProfileName,
    section: Option<&Section<'_>>,
    set: &[(&str, String)],
    force: bool,
) -> Result<(), Report> {
    if force {
        return Ok(());
    }
    if name.as_str() == "default" {
        return Err(Report::usage("every program that names no profile would become the role by `default`")
            .hint("give the profile another name, or insist with --force"));
    }
    let Some(section) = section else { return Ok(()) };
    let get = |key: &str| section.get_in(SharedFile::Config, key);
    let keys = || OWNED.into_iter().filter(|key| *key != "region");
    let wanted = |key: &str| set.iter().find(|(set, _)| *set == key).map(|(_, value)| value.as_str());
    let says_something = keys().any(|key| get(key).is_some());
    let differs = says_something && keys().any(|key| get(key) != wanted(key));
    if !differs && OTHERS.into_iter().all(|key| get(key).is_none()) {
        return Ok(());
    }
    Err(Report::new(format!("profile `{name}` is there already and says something else"))
        .hint("give the new one another name with --profile-name, or insist with --force"))
}

/// Most readers believe keys in the credentials file before anything in the config file.
fn warn_of_keys(name: &ProfileName, section: &Section<'_>, context: &Context, output: &Output) {
    if section.get_in(SharedFile::Credentials, "aws_access_key_id").is_some() {
        output.note(&format!(
            "profile `{name}` has keys in `{}`, which most programs take before this; `arl write --remove {name}`, or take them out by hand",
            context.path_of(SharedFile::Credentials)
        ));
    }
}
