//! The keys of the profile that `arl configure` writes.

use std::path::PathBuf;
use std::str::FromStr;

use arl::internal::shell::Shell;
use arl::internal::{
    Error, ExternalId, KeyName, ProfileName, RoleArn, RoleSessionName, Section, SerialNumber,
    SessionDuration, SharedConfig,
};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::program;
use crate::cli::env::vars;
use crate::cli::plan::source_hints::profiles_with_credentials;
use crate::cli::process::lookup;
use crate::cli::ui::error::{CliError, parse_value};
use crate::cli::ui::text::quote_words;

/// The source that the profile names.
pub(crate) enum ProfileSource {
    /// `source_profile`.
    Profile(String),
    /// `credential_source`, such as `Ec2InstanceMetadata`.
    Machine(String),
}

impl ProfileSource {
    /// Returns the source that the flags name, else that of the role's profile, else `AWS_PROFILE`, else
    /// `default`.
    pub(crate) fn find(
        merged: &RoleArgs,
        profile: Option<&Section<'_>>,
        name: &ProfileName,
        config: &SharedConfig<'_>,
    ) -> Result<Self, CliError> {
        let machine = profile.filter(|_| merged.profile.is_none());
        if let Some(machine) = machine.and_then(|section| section.get("credential_source")) {
            return Ok(Self::Machine(machine.to_owned()));
        }
        let source = merged.profile.clone().or_else(|| vars::get(vars::AWS_PROFILE));
        let source = source.unwrap_or_else(|| "default".to_owned());
        if config.profile(&source).is_none() {
            let candidates = profiles_with_credentials(config);
            let candidate = candidates
                .first()
                .map_or("NAME".to_owned(), |candidate| quote_words(Shell::Posix, &[(*candidate).to_owned()]));
            return Err(CliError::new(format!("there is no profile `{source}` to start from"))
                .hint(format!("name a profile that has credentials: --profile {candidate}")));
        }
        if source == name.as_str() {
            return Err(CliError::usage(format!("profile `{name}` cannot be its own source")));
        }
        Ok(Self::Profile(source))
    }
}

/// Returns the keys of a role profile, as every SDK reads them.
pub(crate) fn role_profile_keys(
    args: &RoleArgs,
    arn: &RoleArn,
    source: ProfileSource,
) -> Result<Vec<(&'static str, String)>, CliError> {
    // A flag for which there is no key would have no effect.
    if let Some((flag, _)) = args.given_flags().into_iter().find(|(flag, _)| !PROFILE_FLAGS.contains(flag)) {
        return Err(CliError::usage(format!("no SDK reads a setting for {flag} from a role profile"))
            .hint("--process writes a profile that runs arl with this flag"));
    }
    if let Some(template) = args.role_session_name.as_ref().filter(|name| name.contains('{')) {
        return Err(CliError::usage(format!(
            "SDKs would use `{template}` literally, because only arl fills in the placeholders"
        ))
        .hint("--process writes a profile that runs arl with this flag"));
    }
    let source = match source {
        ProfileSource::Profile(name) => ("source_profile", name),
        ProfileSource::Machine(name) => ("credential_source", name),
    };
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

/// The flags for which a role profile has a key.
const PROFILE_FLAGS: [&str; 5] =
    ["--region", "--external-id", "--serial-number", "--role-session-name", "--duration"];

fn parse_optional<T: FromStr<Err = Error> + ToString>(
    flag: &str,
    text: Option<&str>,
) -> Result<Option<String>, CliError> {
    text.map(|text| parse_value::<T>(flag, text).map(|value| value.to_string())).transpose()
}

/// Returns the keys of a profile that calls this program.
pub(crate) fn process_profile_keys(
    args: &RoleArgs,
    arn: &RoleArn,
    source: &ProfileSource,
) -> Result<Vec<(&'static str, String)>, CliError> {
    let source = match source {
        ProfileSource::Profile(name) => name,
        ProfileSource::Machine(name) => {
            return Err(CliError::usage(format!(
                "arl has no flag for `credential_source = {name}`, which --process would need"
            ))
            .hint("leave out --process, or name a profile to start from with --profile"));
        }
    };
    let program = stable_program_path()?;
    if args.chain || args.token_code.is_some() {
        return Err(CliError::usage(
            "a profile cannot contain --chain, which means the role of this shell, or --token-code, which works once",
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
        return Err(CliError::usage(format!(
            "`{word}` contains a control character, which a profile cannot contain"
        )));
    }
    let command = quote_words(Shell::Posix, &argv);
    // Some readers would take the rest as a comment.
    if command.contains(" #") || command.contains(" ;") {
        return Err(CliError::usage(
            "a value contains a space before # or ;, and some programs would read the rest as a comment",
        ));
    }
    let mut keys = vec![("credential_process", command)];
    keys.extend(args.region.clone().map(|region| ("region", region)));
    Ok(keys)
}

/// Returns the `credential_process` that gets a stored key from this program.
pub(crate) fn stored_key_process(name: &KeyName) -> Result<String, CliError> {
    let words = [stable_program_path()?, "keys".into(), "show".into(), name.to_string(), "--json".into()];
    Ok(quote_words(Shell::Posix, &words))
}

/// Returns a path of arl that stays the same after an upgrade. Package managers install each version in its
/// own directory, with a link to it on PATH or at the path by which the user called arl.
fn stable_program_path() -> Result<String, CliError> {
    let failed = || CliError::new("could not find the path of arl");
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
