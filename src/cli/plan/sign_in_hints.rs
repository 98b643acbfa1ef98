//! Hints about IAM Identity Center and its sign-ins.

use std::path::Path;

use arl::internal::shell::Shell;
use arl::internal::{IdentityCenterSettings, LoginError, SourceChain, SsoSession, SsoSource, StsError};

use crate::cli::plan::hints::{describe, network_hint};
use crate::cli::ui::error::CliError;
use crate::cli::ui::text::quote_words;

/// Returns the error for a failed call for a role of IAM Identity Center.
pub(crate) fn identity_center_failed(
    error: &LoginError,
    chain: &SourceChain,
    sso: &SsoSource,
    settings: &IdentityCenterSettings,
) -> CliError {
    let SsoSource { account_id, role_name, session } = sso;
    let cli_error =
        CliError::new(format!("could not get the source credentials ({})", describe(chain))).caused_by(error);
    match error {
        error if error.needs_sign_in() => {
            cli_error.hint(sign_in_hint(session, chain.source_profile.as_deref()))
        }
        LoginError::NotAssigned { roles, .. } => {
            let has = match roles.as_deref() {
                None => "`arl list` shows your profiles; ask your administrator which roles you have".into(),
                Some([]) => format!(
                    "`{}` gives you no role in account {account_id}; ask your administrator for one",
                    session.label()
                ),
                Some(roles) => format!("your roles in account {account_id}: {}", listed(roles)),
            };
            cli_error.caused_by(format!("you have no role `{role_name}` in account {account_id}")).hint(has)
        }
        LoginError::Call(error @ StsError::Refused { .. }) if error.is_transient() => {
            cli_error.hint("IAM Identity Center is busy; try again in a moment")
        }
        LoginError::Call(StsError::Unexpected(_) | StsError::Redirected(_)) => {
            cli_error.hint(match &settings.portal.endpoint_url {
                Some(url) => format!(
                    "check that `{url}` is an endpoint of IAM Identity Center (AWS_ENDPOINT_URL_SSO and \
                     AWS_ENDPOINT_URL_SSO_OIDC), and try again in a moment"
                ),
                None => format!(
                    "check that IAM Identity Center is in region `{}`, and try again in a moment",
                    session.region
                ),
            })
        }
        LoginError::TokenFile(path, _) => cli_error
            .hint(format!("look at the file, and remove it if you do not trust it: rm {}", quoted(path))),
        LoginError::Call(error) => {
            let endpoint = settings.portal.endpoint_url.as_deref().unwrap_or("IAM Identity Center");
            cli_error.hints(network_hint(error, endpoint, &session.region))
        }
        _ => cli_error,
    }
}

/// Returns a path quoted for a shell, so that the user can paste it.
pub(crate) fn quoted(path: &Path) -> String {
    quote_words(Shell::Posix, &[path.display().to_string()])
}

/// Returns a hint with the command that signs in.
pub(crate) fn sign_in_hint(session: &SsoSession, profile: Option<&str>) -> String {
    let name = session.name.as_deref().or(profile).unwrap_or_default();
    let words = ["arl", "login", name].into_iter().filter(|word| !word.is_empty()).map(str::to_owned);
    format!("sign in: {}", quote_words(Shell::Posix, &words.collect::<Vec<_>>()))
}

/// Returns the first names of a list, and the number of the others.
fn listed(names: &[String]) -> String {
    const MAX: usize = 20;
    let shown = names.iter().take(MAX).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > MAX { format!("{shown} and {} more", names.len() - MAX) } else { shown }
}
