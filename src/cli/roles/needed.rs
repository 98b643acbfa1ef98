//! The error for a command line without a role.

use arl::internal::SharedConfig;
use arl::internal::shell::Shell;

use crate::cli::env::context::Context;
use crate::cli::roles::profile_roles;
use crate::cli::ui::error::CliError;
use crate::cli::ui::text::quote_words;

/// How many profiles the error lists.
const MAX_PROFILES: usize = 12;

/// Returns the error, which lists profiles. `behind` is the text after the role in the suggested command
/// line.
pub(crate) fn role_needed(command: &str, behind: &str) -> CliError {
    let refused = CliError::usage(format!("`{command}` needs a role"));
    match profile_names() {
        names if names.is_empty() => refused
            .hint(format!("{command} ROLE{behind}, where ROLE is a role ARN, ACCOUNT/NAME or a profile")),
        names => {
            let more = if names.len() > MAX_PROFILES { ", …; `arl list` shows them all" } else { "" };
            let shown = names.iter().take(MAX_PROFILES).map(String::as_str).collect::<Vec<_>>().join(", ");
            let first = role_that_works().unwrap_or_else(|| names[0].clone());
            let first = quote_words(Shell::Posix, &[first]);
            refused
                .hint(format!("{command} {first}{behind}"))
                .hints((names.len() > 1).then(|| format!("the profiles are: {shown}{more}")))
        }
    }
}

/// Returns the first profile with a role that can work.
fn role_that_works() -> Option<String> {
    let context = Context::read().ok()?;
    let config = context.shared_config().ok()?;
    profile_roles(&config, &[], |_| true).into_iter().find(|role| role.fault.is_none()).map(|role| role.name)
}

/// Returns the profiles of the shared files, those with a role first. The list is empty if the files cannot
/// be read, because the command itself reports why.
pub(crate) fn profile_names() -> Vec<String> {
    let Ok(context) = Context::read() else { return Vec::new() };
    let names = |config: SharedConfig<'_>| {
        let is_role = |name: &&str| {
            config.profile(name).is_some_and(|profile| {
                ["role_arn", "sso_role_name"].iter().any(|key| profile.get_non_empty(key).is_some())
            })
        };
        let (roles, others): (Vec<&str>, Vec<&str>) = config.profile_names().into_iter().partition(is_role);
        roles.into_iter().chain(others).map(str::to_owned).collect()
    };
    context.shared_config().map(names).unwrap_or_default()
}
