//! The profiles that name stored keys.

use std::path::PathBuf;

use arl::internal::{
    EditError, EditedSection, FileMode, KeyName, ProfileEdit, ProfileName, Section, SharedConfig, SharedFile,
    UpdateError, UpdateOutcome,
};

use crate::cli::env::context::Context;
use crate::cli::plan::hints;
use crate::cli::plan::value_hints::profile_name_hint;
use crate::cli::ui::error::CliError;

/// The keys that hold an access key.
pub(crate) const KEY_KEYS: [&str; 4] =
    ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"];
/// The keys that give a profile another identity than `arl_keys`.
const OTHER_IDENTITIES: [&str; 10] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "credential_process",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
    "login_session",
];

/// Parses the name of a profile to write.
pub(crate) fn parse_profile(text: &str) -> Result<ProfileName, CliError> {
    let refused = |error| CliError::usage(format!("a profile's name {error}"));
    text.parse::<ProfileName>().map_err(|error| refused(error).hints(profile_name_hint(text)))
}

/// Refuses a profile that has another identity, which this command would replace, or which would take
/// precedence.
pub(crate) fn ensure_free(
    name: &ProfileName,
    key: &KeyName,
    section: Option<&Section<'_>>,
) -> Result<(), CliError> {
    let Some(section) = section else { return Ok(()) };
    if section.get_non_empty("arl_keys") == Some(key.as_str()) {
        return Ok(());
    }
    let mut others = OTHER_IDENTITIES.into_iter().chain(KEY_KEYS).chain(["arl_keys"]);
    match others.find(|other| section.get(other).is_some()) {
        None => Ok(()),
        Some(other) => Err(CliError::new(format!("profile `{name}` exists already, with `{other}`"))
            .hint("choose another name with --profile-name, or write no profile with --no-profile")),
    }
}

/// Refuses to move the keys out of a profile that has another identity as well.
pub(crate) fn ensure_importable(name: &str, section: &Section<'_>) -> Result<(), CliError> {
    let is_own_source = section.get("source_profile") == Some(name);
    let is_harmless = |other: &str| {
        matches!(other, "role_arn" | "source_profile") && is_own_source || other == "credential_process"
    };
    let mut others = OTHER_IDENTITIES.into_iter().filter(|other| !is_harmless(other));
    match others.find(|other| section.get(other).is_some()) {
        None => Ok(()),
        Some(other) => Err(CliError::new(format!(
            "profile `{name}` has `{other}` besides its keys, so arl cannot tell which of them programs use"
        ))
        .hint("move the keys to a profile of their own first")),
    }
}

/// Returns the names of the profiles that use a stored key.
pub(crate) fn users<'a>(config: &'a SharedConfig<'_>, key: &KeyName) -> Vec<&'a str> {
    let names = config.profile_names().into_iter();
    let uses = |name: &&str| {
        config.profile(name).is_some_and(|section| section.get_non_empty("arl_keys") == Some(key.as_str()))
    };
    names.filter(uses).collect()
}

/// Edits one profile of one file, unless another program has changed the profile since `context` was read.
/// Returns the file, and whether it changed.
pub(crate) fn edit(
    context: &Context,
    file: SharedFile,
    profile: &ProfileName,
    set: Vec<(&'static str, String)>,
    unset: &[&str],
) -> Result<(PathBuf, UpdateOutcome), CliError> {
    let path = context.file_path(file).ok_or_else(|| {
        CliError::new(
            "there is no home directory, and AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE are not set",
        )
    })?;
    let edit = ProfileEdit { file, section: EditedSection::Profile, profile, set, unset, expires: None };
    let mode = match file {
        SharedFile::Config => FileMode::Keep,
        SharedFile::Credentials => FileMode::Private,
    };
    let failed = |error: UpdateError<EditError>| {
        let hint = hints::changed_file_hint(&error);
        CliError::new(format!("could not write profile `{profile}` to `{}`", path.display()))
            .caused_by(error)
            .hints(hint)
    };
    let apply = |text: &[u8]| {
        let edits = std::slice::from_ref(&edit);
        arl::internal::apply_if_unchanged(edits, context.file_text(file), text).map(|edited| edited.text)
    };
    let outcome = arl::internal::update_file(&path, mode, apply).map_err(failed)?;
    Ok((path, outcome))
}
