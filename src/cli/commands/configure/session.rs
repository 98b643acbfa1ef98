//! `arl configure --sso-session`: writes the settings of a sign-in.

use arl::internal::{EditedSection, ProfileEdit, ProfileName, Section, SharedConfig, SharedFile};

use crate::cli::commands::configure::file::ConfigFile;
use crate::cli::plan::endpoint_url::{PlainHttp, check_url};
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;

/// The scope of the access portal. Without it, the AWS CLI gets no refresh token by a device code.
const SCOPE: &str = "sso:account:access";

/// The arguments about a session.
pub(super) struct SessionArgs<'a> {
    pub(super) name: &'a str,
    pub(super) start_url: &'a str,
    pub(super) region: &'a str,
    pub(super) is_forced: bool,
}

impl SessionArgs<'_> {
    /// Writes the section of the session.
    pub(super) fn write(
        &self,
        config: &SharedConfig<'_>,
        file: &ConfigFile<'_>,
        output: &Output,
    ) -> Result<(), CliError> {
        let Self { name, start_url, region, is_forced } = self;
        let name: ProfileName =
            name.parse().map_err(|error| CliError::usage(format!("--sso-session {error}")))?;
        // A browser does not send `#` and the text after it, and some readers would take it as a comment.
        let start_url = start_url.split('#').next().unwrap_or_default().trim_end_matches('/');
        check_url(start_url, PlainHttp::LoopbackOnly).map_err(|fault| {
            let text = if start_url.contains('@') { String::new() } else { format!(" `{start_url}`") };
            CliError::usage(format!("--start-url{text} {fault}")).hint(
                "pass the address of your AWS access portal, such as https://d-1234567890.awsapps.com/start",
            )
        })?;
        if !is_region(region) {
            return Err(CliError::usage(format!("--region `{region}` is not a region such as eu-west-1"))
                .hint("pass the region of IAM Identity Center; your administrator knows it"));
        }
        let keys = [("sso_start_url", start_url), ("sso_region", region), ("sso_registration_scopes", SCOPE)];
        let old = config.sso_session(name.as_str());
        let differs = |section: &Section<'_>| {
            keys[..2].iter().any(|(key, value)| section.get(key).is_some_and(|old| old != *value))
        };
        if old.is_some_and(differs) && !is_forced {
            return Err(CliError::new(format!("[sso-session {name}] exists already, with other settings"))
                .hint("choose another name, or pass --force"));
        }
        // Scopes that the user has chosen stay.
        let has_scopes =
            old.is_some_and(|section| section.get_non_empty("sso_registration_scopes").is_some());
        let wanted = keys.into_iter().filter(|(key, _)| !(has_scopes && *key == "sso_registration_scopes"));
        let edit = ProfileEdit {
            file: SharedFile::Config,
            section: EditedSection::SsoSession,
            profile: &name,
            set: wanted.map(|(key, value)| (key, value.to_owned())).collect(),
            unset: &[],
            expires: None,
        };
        file.edit_one(&edit, &format!("[sso-session {name}]"))?;
        output.note(&format!("next: arl login {name}"));
        Ok(())
    }
}

/// Whether a text has the form of a region: `eu-west-1`, `us-gov-west-1`, `us-isob-east-1`.
pub(super) fn is_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let is_number =
        |part: &str| !part.is_empty() && part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit());
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let has_number = parts.next().is_some_and(is_number);
    let words: Vec<&str> = parts.collect();
    has_number && (2..=3).contains(&words.len()) && words.into_iter().all(is_word)
}
