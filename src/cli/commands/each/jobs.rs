//! The roles that the command runs as: those on the command line, those of a file, and those that patterns
//! match.

use std::io;
use std::path::Path;

use arl::internal::{RoleArn, files};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::plan::Plan;
use crate::cli::plan::role_ref::only_assume_goes_back;
use crate::cli::roles::pattern::Pattern;
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::text::printable;

/// One of the roles.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) role: RoleArgs,
    /// The name that the user gave to the role.
    pub(crate) name: String,
    /// The name with control characters escaped, which comes before each line.
    pub(crate) prefix: String,
    /// The role to assume. `None` for a profile without one, and for a role of IAM Identity Center.
    pub(crate) arn: Option<RoleArn>,
}

/// The roles on the command line.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    /// The first role, with the flags for all of them.
    pub(crate) role: &'a RoleArgs,
    pub(crate) more: &'a [String],
    pub(crate) roles_from: Option<&'a Path>,
}

impl Selection<'_> {
    /// Returns the jobs.
    ///
    /// # Errors
    /// There is no role, or one is invalid. No command has started then.
    pub(crate) fn jobs(&self, output: &Output) -> Result<Vec<Job>, CliError> {
        let mut names: Vec<String> = self.role.role.iter().chain(self.more).cloned().collect();
        if let Some(path) = self.roles_from {
            names.extend(read_roles_file(path)?);
        }
        let context = Context::read()?;
        let names = expand_patterns(names, &context, output)?;
        let named = |name| RoleArgs { role: Some(name), ..self.role.clone() };
        let mut roles: Vec<RoleArgs> = names.into_iter().map(named).collect();
        if self.role.account_id.is_some() {
            roles.push(self.role.clone());
        }
        if roles.is_empty() {
            return Err(CliError::usage("there is no role to run the command as"));
        }
        if roles.len() > 1 && self.role.token_code.is_some() && !self.role.mfa_session {
            return Err(CliError::usage(
                "--token-code works for only one role, because a code works only once",
            )
            .hint("--mfa-session asks for one code for all roles; --mfa-process gets a code for each role"));
        }
        roles.into_iter().map(|role| job(role, &context)).collect()
    }
}

fn job(role: RoleArgs, context: &Context) -> Result<Job, CliError> {
    if role.role.as_deref() == Some("-") {
        return Err(only_assume_goes_back());
    }
    if let Some(name) = role.role.as_ref().filter(|name| name.starts_with('-')) {
        return Err(CliError::usage(format!(
            "`{name}` cannot be used as a role: `arl exec` would read it as a flag"
        ))
        .hint("give the profile another name"));
    }
    // Each `arl exec` prints the notes about its role.
    let arn = Plan::new(&role, context, &Output::quiet())?.target;
    let name = match (&role.role, &arn) {
        (Some(name), _) if !name.starts_with("arn:") => name.clone(),
        (_, Some(arn)) => format!("{}/{}", arn.account_id(), arn.role_name()),
        (name, None) => name.clone().unwrap_or_default(),
    };
    Ok(Job { role, prefix: printable(&name), name, arn })
}

/// Replaces each pattern, such as `payments-*`, with the profiles that have a role and whose whole name
/// matches. It does not repeat a role that was named before. It includes profiles whose role is invalid: the
/// error then names them and no command starts. Otherwise arl would leave them out silently.
fn expand_patterns(names: Vec<String>, context: &Context, output: &Output) -> Result<Vec<String>, CliError> {
    if !names.iter().any(|name| name.contains('*')) {
        return Ok(names);
    }
    let config = context.shared_config()?;
    let has_role = |name: &str| {
        let section = config.profile(name);
        let is_set = |key| section.is_some_and(|section| section.get_non_empty(key).is_some());
        is_set("role_arn") || is_set("sso_role_name")
    };
    let mut expanded: Vec<String> = Vec::new();
    for name in names {
        if !name.contains('*') || config.profile(&name).is_some() {
            expanded.push(name);
            continue;
        }
        let pattern = Pattern::new(&name);
        let profiles = config.profile_names().into_iter();
        let matching: Vec<&str> =
            profiles.filter(|profile| pattern.matches(profile) && has_role(profile)).collect();
        if matching.is_empty() {
            return Err(CliError::usage(format!("no role profile matches `{name}`"))
                .hint("to see the roles: arl list"));
        }
        output.note(&format!("`{name}` matches {}", matching.join(", ")));
        for role in matching {
            if !expanded.iter().any(|other| other == role) {
                expanded.push(role.to_owned());
            }
        }
    }
    Ok(expanded)
}

fn read_roles_file(path: &Path) -> Result<Vec<String>, CliError> {
    let text = if path.as_os_str() == "-" {
        files::read_stream(io::stdin().lock(), files::MAX_DOCUMENT)
    } else {
        files::read_text(path, files::MAX_DOCUMENT)
    };
    let text = text.map_err(|error| {
        CliError::new(format!("could not read the roles from `{}`", path.display())).caused_by(error)
    })?;
    // A role cannot contain `#`. Editors on Windows put a byte order mark at the beginning of a file.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
