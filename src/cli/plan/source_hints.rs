//! The errors and hints for source credentials that are missing or invalid in the configuration.

use arl::internal::shell::Shell;
use arl::internal::{
    InvalidProfileKey, Section, SharedConfig, SharedFile, SourceError, has_credentials, web_identity_key,
};

use crate::cli::env::context::{Context, profile_variable};
use crate::cli::env::program;
use crate::cli::env::vars;
use crate::cli::plan::mistyped_role::meant_arn;
use crate::cli::plan::role_ref::with_misnamed;
use crate::cli::ui::error::CliError;
use crate::cli::ui::text::quote_words;

/// How many names a hint lists.
const MAX_NAMES: usize = 8;

/// The keys that decide where a profile's credentials come from.
const SOURCE_KEYS: [&str; 17] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "credential_process",
    "external_id",
    "mfa_serial",
    "duration_seconds",
    "role_session_name",
    "sso_session",
    "sso_start_url",
    "sso_region",
    "sso_account_id",
    "sso_role_name",
    "web_identity_token_file",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
];

/// Returns the error for a source that is missing or invalid.
pub(crate) fn source_not_found(error: &SourceError, context: &Context) -> CliError {
    let config = context.display_path(SharedFile::Config);
    let cli_error = CliError::new(error.to_string());
    match error {
        SourceError::UnknownProfile { name, referenced_by, similar_names, misnamed } => {
            let cli_error = match referenced_by {
                None if came_from_environment(name) => {
                    let variable = profile_variable();
                    CliError::new(format!("there is no profile `{name}`, which {variable} names"))
                }
                _ => cli_error,
            };
            match misnamed {
                Some(section) => with_misnamed(cli_error, section, context),
                None => profile_not_found(cli_error, name, similar_names, context),
            }
        }
        SourceError::OriginalSourceLost(_) => cli_error
            .hint("to drop the role first: arl clear; without the shell integration: eval \"$(arl clear)\"")
            .hint("to start from the role that this shell has now: --chain"),
        SourceError::NothingToChainFrom => {
            cli_error.hint("without --chain, arl starts from your own credentials")
        }
        SourceError::NotConfigured => cli_error.hints(sources_to_name(context)),
        SourceError::UnknownSsoSession { known, .. } if known.is_empty() => cli_error
            .hint(format!("add an [sso-session] with `sso_start_url` and `sso_region` to `{config}`")),
        SourceError::UnknownSsoSession { known, .. } => cli_error.hint(known_sessions(known)),
        SourceError::Profile { name, .. } => {
            let hint = context.shared_config().ok().and_then(|config| profile_hint(name, &config));
            cli_error.hint(match hint {
                Some(hint) if hint.starts_with("to ") => hint,
                Some(hint) => format!("in `{config}`: {hint}"),
                None => format!("see `{config}`"),
            })
        }
        SourceError::NoSignIn(_) if verb() == "logout" => {
            cli_error.hint("to drop the role of this shell: arl clear")
        }
        SourceError::NoSignIn(name) => {
            let has_role = |config: SharedConfig<'_>| {
                config.profile(name).is_some_and(|section| section.get_non_empty("role_arn").is_some())
            };
            let has_role = context.shared_config().is_ok_and(has_role);
            let name = quote_words(Shell::Posix, std::slice::from_ref(name));
            let console = has_role.then(|| format!("to open the console with it: arl console {name} --open"));
            cli_error.hint(format!("to use it without a sign-in: arl assume {name}")).hints(console)
        }
        SourceError::SsoSession { .. } | SourceError::Cycle(_) | SourceError::Key(_) => {
            cli_error.hint(format!("see `{config}`"))
        }
        SourceError::Environment(_) => {
            cli_error.hint("to use a profile instead: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY")
        }
        _ => cli_error,
    }
}

fn known_sessions(known: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    format!("the [sso-session]s are: {}", names.join(", "))
}

/// Returns the error for a key of a profile that has an invalid value.
pub(crate) fn invalid_key(error: &InvalidProfileKey, section: &Section<'_>, context: &Context) -> CliError {
    let config = context.display_path(SharedFile::Config);
    let cli_error = CliError::new(error.to_string());
    let meant = section.get("role_arn").filter(|_| error.key == "role_arn").and_then(meant_arn);
    cli_error.hint(match meant {
        Some(arn) => format!("in `{config}`: role_arn = {arn}"),
        None => format!("see `{config}`"),
    })
}

/// Returns what is missing in a profile, or which of its keys is misspelled.
fn profile_hint(name: &str, config: &SharedConfig<'_>) -> Option<String> {
    let section = config.profile(name)?;
    let has = |key: &str| section.get_non_empty(key).is_some();
    let keys = section.keys_in(SharedFile::Config).chain(section.keys_in(SharedFile::Credentials));
    for key in keys.filter(|key| !SOURCE_KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))) {
        if let Some(meant) = misspelled_key(key).filter(|meant| !has(meant)) {
            return Some(format!("`{key}` of profile `{name}` is unknown; did you mean `{meant}`?"));
        }
    }
    if let Some(session) = section.get_non_empty("sso_session")
        && config.sso_session(session).is_none()
    {
        let known = config.sso_session_names();
        return (!known.is_empty()).then(|| known_sessions(&known));
    }
    let needs_source = has("role_arn")
        && !has("source_profile")
        && !has("credential_source")
        && web_identity_key(section).is_none();
    if has("sso_session") && !has_credentials(section) {
        return Some(format!("add to profile `{name}`: sso_account_id and sso_role_name"));
    }
    if !has_credentials(section) {
        let words = ["aws", "configure", "--profile", name].map(str::to_owned);
        return Some(format!("to give it keys: {}", quote_words(Shell::Posix, &words)));
    }
    let sources = profiles_with_credentials(config);
    let source = sources.first().filter(|_| needs_source)?;
    Some(format!("add to profile `{name}`: source_profile = {source}"))
}

/// Returns the key that the user probably meant by a misspelled one.
fn misspelled_key(key: &str) -> Option<&'static str> {
    let limit = 1 + key.len() / 8;
    let distance = |known: &&'static str| strsim::osa_distance(&key.to_lowercase(), known);
    SOURCE_KEYS.into_iter().min_by_key(distance).filter(|known| distance(known) <= limit)
}

/// Returns the profiles that have credentials and no `role_arn`.
pub(crate) fn profiles_with_credentials<'a>(config: &'a SharedConfig<'_>) -> Vec<&'a str> {
    let has_source = |name: &&str| {
        config
            .profile(name)
            .is_some_and(|profile| profile.get_non_empty("role_arn").is_none() && has_credentials(profile))
    };
    let mut names: Vec<&str> = config.profile_names().into_iter().filter(has_source).collect();
    // Profiles of IAM Identity Center come last, because there may be hundreds of generated ones.
    let is_sso = |name: &&str| {
        config.profile(name).is_some_and(|profile| profile.get_non_empty("sso_account_id").is_some())
    };
    names.sort_by_key(is_sso);
    names
}

/// Returns the first `at_most` names, and `…` if there are more.
fn listed(names: &[&str], at_most: usize) -> String {
    let shown = names.iter().take(at_most).copied().collect::<Vec<_>>().join(", ");
    if names.len() > at_most { format!("{shown}, …") } else { shown }
}

/// Returns the hints for a call without a source.
fn sources_to_name(context: &Context) -> Vec<String> {
    const KEYS: &str = "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    let config = context.shared_config().unwrap_or_default();
    let names = profiles_with_credentials(&config);
    let Some(first) = names.first() else {
        return vec![format!("`arl keys add NAME` or `aws configure` stores your keys, {KEYS}")];
    };
    let flag = quote_words(Shell::Posix, &["--profile".to_owned(), (*first).to_owned()]);
    let all = match names.len() {
        1 => String::new(),
        _ => format!("; profiles with credentials: {}", listed(&names, MAX_NAMES)),
    };
    vec![format!("name a profile: {flag}{all}"), KEYS.to_owned()]
}

/// Adds the files in which arl looked for a profile, and similar names.
fn profile_not_found(error: CliError, name: &str, similar_names: &[String], context: &Context) -> CliError {
    if name.is_empty() {
        return CliError { error: "the name of the profile is empty".to_owned(), ..error }
            .hint("check that no variable on the command line is empty");
    }
    let (config, credentials) =
        (context.display_path(SharedFile::Config), context.display_path(SharedFile::Credentials));
    let error = error.caused_by(format!("it is neither in `{config}` nor in `{credentials}`"));
    let verb = verb();
    match similar_names {
        _ if name.starts_with("profile ") => error
            .hint("leave out the word `profile`, which belongs only in the header of the profile's section"),
        [] if verb == "each" && name.parse::<u16>().is_ok() => {
            error.hint(format!("-p is --profile; for {name} commands at a time: -j {name}"))
        }
        [] if verb == "write" || verb == "configure" => error.hint(format!(
            "--profile names the source credentials; to name the profile to write: --profile-name {name}"
        )),
        [] => {
            let known = |config: SharedConfig<'_>| {
                let sources = profiles_with_credentials(&config);
                let names = if sources.is_empty() { config.profile_names() } else { sources };
                listed(&names, MAX_NAMES)
            };
            let known = context.shared_config().map(known).unwrap_or_default();
            if known.is_empty() { error } else { error.hint(format!("profiles with credentials: {known}")) }
        }
        similar => error.hint(format!("did you mean `{}`?", similar.join("`, `"))),
    }
}

/// Returns the verb of this command line.
fn verb() -> String {
    program::arguments().get(1).map(|verb| verb.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Whether the environment names this profile and the command line does not.
fn came_from_environment(name: &str) -> bool {
    let mut words = program::arguments().iter();
    let is_typed = words.any(|word| word.to_string_lossy().split('=').any(|part| part == name));
    !is_typed && vars::get(profile_variable()).as_deref() == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_or_missing_key_is_named() {
        let hint = |lines: &str| {
            let text = format!(
                "[profile q]\n{lines}\n[profile dev]\naws_access_key_id = AKIA\n[sso-session corp]\n"
            );
            let config = SharedConfig::parse(&text, "").expect("a config");
            profile_hint("q", &config).unwrap_or_default()
        };
        for (lines, said) in [
            ("role_arm = x", "`role_arm` of profile `q` is unknown; did you mean `role_arn`?"),
            ("role_arn = x\nsource_profil = dev", "did you mean `source_profile`?"),
            ("role_arn = x\nsourceprofile = dev", "did you mean `source_profile`?"),
            ("sso_sesion = corp", "did you mean `sso_session`?"),
            ("aws_acess_key_id = AKIA", "did you mean `aws_access_key_id`?"),
            ("role_arn = x", "add to profile `q`: source_profile = dev"),
            ("sso_session = crop", "the [sso-session]s are: corp"),
            ("sso_session = corp", "add to profile `q`: sso_account_id and sso_role_name"),
            ("region = eu-west-1", "to give it keys: aws configure --profile q"),
        ] {
            assert!(hint(lines).contains(said), "{lines}: {}", hint(lines));
        }
        let lines = "role_arn = x\nsource_profile = dev\nsource_profil = y";
        assert_eq!(hint(lines), "", "{lines}");
    }
}
