//! `arl write`: writes a role's credentials into a profile of the shared credentials file.

use std::path::{Path, PathBuf};

use arl::internal::shell::Shell;
use arl::internal::{
    Consumer, EditError, EditedSection, FileMode, ProfileEdit, ProfileName, SharedFile, UpdateError,
    UpdateOutcome, apply_if_unchanged, closest, files, update_file,
};

use clap_complete::engine::ArgValueCompleter;

use crate::cli::args::complete;
use crate::cli::args::help::TEMPLATE;
use crate::cli::args::overwrite::Overwrite;
use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::plan::hints;
use crate::cli::plan::value_hints::profile_name_hint;
use crate::cli::session;
use crate::cli::session::SignalPolicy;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::role_label::session_summary;
use crate::cli::ui::text::quote_words;

const SHORT_EXAMPLES: &str = "  \
  arl write ROLE --profile-name deploy      then: aws --profile deploy …
  arl write --remove deploy                 removes the profile";

const EXAMPLES: &str = "Examples:
  arl write ROLE --profile-name deploy       then: aws --profile deploy …
  arl write --account-id 123456789012 --role-name dns_editor --profile-name dns_editor
  arl write --remove deploy                  removes the profile

arl changes one profile and no other byte of the file. If your program can run a credential_process, use \
`arl configure --process` instead: then ~/.aws contains no secret.";

const CREDENTIAL_KEYS: [&str; 3] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];

#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_help = SHORT_EXAMPLES, before_long_help = EXAMPLES)]
#[command(help_template = TEMPLATE)]
#[command(mut_arg("region", |region| region.help("The region to call STS in")))]
#[command(mut_arg("role", |role| role.required_unless_present_any(["account_id", "remove"])))]
pub(crate) struct WriteArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// The profile to write [default: the account ID]
    #[arg(long, alias = "profile_name", value_name = "NAME", help_heading = "File")]
    profile_name: Option<String>,
    /// Overwrite `default`, or a profile with long-term keys, a role or settings of IAM Identity Center
    #[arg(long, help_heading = "File")]
    force: bool,
    /// Remove a profile that arl wrote
    #[arg(long, value_name = "NAME", help_heading = "File", conflicts_with_all = ["role", "account_id", "profile_name"])]
    #[arg(add = ArgValueCompleter::new(complete::written_profiles))]
    remove: Option<String>,
}

pub(crate) fn run(args: &WriteArgs, output: &Output) -> Result<(), CliError> {
    let overwrite = Overwrite::from_flag(args.force);
    Context::read_user().remove_leftovers();
    if let Some(name) = &args.remove {
        if let Some(flag) = args.role.first_flag() {
            return Err(CliError::usage(format!("{flag} cannot be used with --remove")));
        }
        return remove(&parse_profile_name(name)?, overwrite, output);
    }
    // Check the profile before getting credentials.
    if let Some(name) = &args.profile_name {
        ensure_writable(&parse_profile_name(name)?, overwrite)?;
    }
    let identity = session::obtain(&args.role, Consumer::OneShot, SignalPolicy::Default, output)?;
    if identity.role_arn.is_none() && args.role.region.is_some() {
        return Err(CliError::usage(
            "--region has no effect on the profile's own credentials, because arl writes them without a call to STS",
        ));
    }
    let account = || identity.credentials.account_id().map(ToString::to_string);
    let name = args.profile_name.clone().or_else(account).ok_or_else(|| {
        CliError::usage("arl does not know the account ID to name the profile after; pass --profile-name")
    })?;
    let name = parse_profile_name(&name)?;
    let credentials = &identity.credentials;
    let mut set = vec![
        (CREDENTIAL_KEYS[0], credentials.access_key_id().to_owned()),
        (CREDENTIAL_KEYS[1], credentials.secret_access_key().expose().to_owned()),
    ];
    set.extend(credentials.session_token().map(|token| (CREDENTIAL_KEYS[2], token.expose().to_owned())));
    let unset: &[&str] = match credentials.session_token() {
        // botocore would prefer an old `aws_security_token` to the new token.
        Some(_) => &["aws_security_token"],
        None => &["aws_security_token", CREDENTIAL_KEYS[2]],
    };
    let edit = ProfileEdit {
        file: SharedFile::Credentials,
        section: EditedSection::Profile,
        profile: &name,
        set,
        unset,
        expires: credentials
            .expiration()
            .map(|expiration| humantime::format_rfc3339_seconds(expiration).to_string()),
    };
    let path = credentials_path()?;
    let mut checks = 0;
    loop {
        let checked = ensure_writable(&name, overwrite)?;
        checks += 1;
        match apply_edit(&path, &edit, checked.as_deref(), output) {
            // Another process has changed the profile since the check.
            Err(UpdateError::Edit(EditError::Changed)) if checks < MAX_CHECKS => {}
            result => {
                result.map_err(|error| not_written(&edit, &path, error))?;
                break;
            }
        }
    }
    let summary = session_summary(&identity, Context::now());
    output.note(&format!("profile {name} in `{}` is {summary}", path.display()));
    Ok(())
}

fn parse_profile_name(name: &str) -> Result<ProfileName, CliError> {
    let refused = |error| CliError::usage(format!("a profile's name {error}"));
    name.parse::<ProfileName>().map_err(|error| refused(error).hints(profile_name_hint(name)))
}

fn credentials_path() -> Result<PathBuf, CliError> {
    Context::read_user().file_path(SharedFile::Credentials).ok_or_else(|| {
        CliError::new("there is no home directory, and AWS_SHARED_CREDENTIALS_FILE is not set")
    })
}

/// The settings by which a profile gets credentials from a role, a process, a web identity or a sign-in.
const OTHER_SOURCES: [&str; 9] = [
    "role_arn",
    "web_identity_token_file",
    "web_identity_token_process",
    "credential_process",
    "credential_source",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "login_session",
];

/// How often arl checks a profile that other processes keep changing.
const MAX_CHECKS: usize = 10;

/// Refuses to overwrite a profile that has settings or keys that the user may need. Returns the text of the
/// credentials file that it has checked, or `None` with --force.
fn ensure_writable(name: &ProfileName, overwrite: Overwrite) -> Result<Option<Vec<u8>>, CliError> {
    overwrite.check_name(name)?;
    if overwrite == Overwrite::Forced {
        return Ok(None);
    }
    let context = Context::read()?;
    let config = context.shared_config()?;
    let checked = Some(context.file_text(SharedFile::Credentials).to_vec());
    let Some(section) = config.profile(name.as_str()) else { return Ok(checked) };
    let get = |key: &str| section.get_from(SharedFile::Credentials, key);
    if get(CREDENTIAL_KEYS[0]).is_some()
        && get(CREDENTIAL_KEYS[2]).is_none()
        && get("aws_security_token").is_none()
    {
        return Err(CliError::new(format!("profile `{name}` has long-term keys, which would be lost"))
            .hint("choose another name with --profile-name, or pass --force"));
    }
    let other = OTHER_SOURCES.into_iter().find(|key| section.get(key).is_some());
    if let Some(key) = other {
        return Err(CliError::new(format!(
            "profile `{name}` has `{key}`, and programs differ in whether they use it or the keys that arl would write"
        ))
        .hint("choose another name with --profile-name, or pass --force"));
    }
    Ok(checked)
}

/// Makes the edit. With a `checked` text, fails if the profile has changed since that text was read.
fn apply_edit(
    path: &Path,
    edit: &ProfileEdit<'_>,
    checked: Option<&[u8]>,
    output: &Output,
) -> Result<UpdateOutcome, UpdateError<EditError>> {
    let apply = |text: &[u8]| match checked {
        Some(checked) => {
            apply_if_unchanged(std::slice::from_ref(edit), checked, text).map(|edited| edited.text)
        }
        None => edit.apply(text),
    };
    let update = update_file(path, FileMode::Private, apply)?;
    trace_in_place(update, path, output);
    Ok(update)
}

fn not_written(edit: &ProfileEdit<'_>, path: &Path, error: UpdateError<EditError>) -> CliError {
    let hint = hints::changed_file_hint(&error);
    CliError::new(format!("could not write profile `{}` to `{}`", edit.profile, path.display()))
        .caused_by(error)
        .hints(hint)
}

/// Notes, with --verbose, that a file was written in place. Its readers may then have seen half of it.
pub(crate) fn trace_in_place(update: UpdateOutcome, path: &Path, output: &Output) {
    if update == UpdateOutcome::ChangedInPlace {
        output.trace(|| {
            let path = path.display();
            format!("`{path}` cannot be replaced by another file, so it was written in place")
        });
    }
}

fn remove(name: &ProfileName, overwrite: Overwrite, output: &Output) -> Result<(), CliError> {
    let path = credentials_path()?;
    let unset = [CREDENTIAL_KEYS[0], CREDENTIAL_KEYS[1], CREDENTIAL_KEYS[2], "aws_security_token"];
    let edit = ProfileEdit {
        file: SharedFile::Credentials,
        section: EditedSection::Profile,
        profile: name,
        set: Vec::new(),
        unset: &unset,
        expires: None,
    };
    let text = files::read(&path, files::MAX_CONFIG).unwrap_or_default();
    let failed = |error: EditError| {
        CliError::new(format!("could not remove profile `{name}` from `{}`", path.display())).caused_by(error)
    };
    if overwrite == Overwrite::IfHarmless && !edit.is_managed(&text).map_err(failed)? {
        let path = path.display();
        let config = Context::read()?;
        let config = config.shared_config()?;
        if config.profile(name.as_str()).is_none() {
            let similar = closest(name.as_str(), config.profile_names());
            let words = |similar: &&str| ["arl", "write", "--remove", *similar].map(str::to_owned);
            let meant = similar
                .first()
                .map(|similar| format!("did you mean `{}`?", quote_words(Shell::Posix, &words(similar))));
            return Err(CliError::new(format!("there is no profile `{name}` in `{path}`"))
                .hint(meant.unwrap_or_else(|| "`arl list` shows the profiles with a role".to_owned())));
        }
        return Err(CliError::new(format!("`{path}` has no profile `{name}` that arl has written"))
            .hint("to remove the keys of a profile that arl did not write: --force"));
    }
    let checked = (overwrite == Overwrite::IfHarmless).then_some(text.as_slice());
    let update =
        apply_edit(&path, &edit, checked, output).map_err(|error| not_written(&edit, &path, error))?;
    let path = path.display();
    output.note(&match update {
        UpdateOutcome::Unchanged => format!("profile {name} has no keys in `{path}`"),
        UpdateOutcome::Created | UpdateOutcome::Changed | UpdateOutcome::ChangedInPlace => {
            format!("removed the keys of profile {name} from `{path}`")
        }
    });
    Ok(())
}
