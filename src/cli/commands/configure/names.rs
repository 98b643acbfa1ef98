//! The names of the profiles that `arl configure --sso` writes.

use std::collections::HashMap;

use arl::internal::{ProfileName, RoleRef};

use crate::cli::ui::error::CliError;

/// The template of the names, unless a flag gives another one.
pub(super) const DEFAULT_TEMPLATE: &str = "{account}-{role}";
/// The most characters of a text that replaces a placeholder. A profile name has at most 256.
const MAX_PART: usize = 100;

/// A role that gets a profile.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfferedRole<'a> {
    pub(super) session: &'a str,
    pub(super) account_id: &'a str,
    /// The account's name, which may be empty and may contain any text.
    pub(super) account_name: &'a str,
    pub(super) role_name: &'a str,
}

/// A template of profile names.
pub(super) struct NameTemplate<'a>(&'a str);

impl<'a> NameTemplate<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, CliError> {
        let mut rest = text.to_owned();
        for placeholder in PLACEHOLDERS {
            rest = rest.replace(placeholder, "");
        }
        if let Some(c) = rest.chars().find(|&c| !is_plain(c)) {
            return Err(CliError::usage(format!(
                "--name-template contains `{c}`, but here the name of a profile can contain only letters, digits and _.@/+-"
            ))
            .hint(format!("and these placeholders: {}", PLACEHOLDERS.join(", "))));
        }
        Ok(Self(text))
    }

    /// Returns the name for a role.
    fn fill(&self, role: &OfferedRole<'_>) -> String {
        let account = match plain(role.account_name) {
            name if name.is_empty() => role.account_id.to_owned(),
            name => name,
        };
        let (session, role_name) = (plain(role.session), plain(role.role_name));
        let values = [account.as_str(), role.account_id, &role_name, &session];
        // No value contains a brace, so none can be taken as a placeholder.
        let name = PLACEHOLDERS
            .iter()
            .zip(values)
            .fold(self.0.to_owned(), |name, (placeholder, value)| name.replace(placeholder, value));
        // A name with a `-` at its beginning would look like a flag.
        name.trim_start_matches('-').to_owned()
    }

    /// Returns the names for roles. If several roles would have the same name, each gets its account ID
    /// appended.
    pub(super) fn names(&self, roles: &[OfferedRole<'_>]) -> Result<Vec<ProfileName>, CliError> {
        let mut names: Vec<String> = roles.iter().map(|role| self.fill(role)).collect();
        let mut counts: HashMap<String, usize> = HashMap::new();
        for name in &names {
            *counts.entry(name.clone()).or_default() += 1;
        }
        for (name, role) in names.iter_mut().zip(roles) {
            if counts.get(name).is_some_and(|&count| count > 1) {
                *name = format!("{name}-{}", role.account_id);
            }
        }
        let mut seen: HashMap<&str, &OfferedRole<'_>> = HashMap::new();
        for (name, role) in names.iter().zip(roles) {
            if let Some(other) = seen.insert(name, role) {
                let describe = |role: &OfferedRole<'_>| format!("{}/{}", role.account_id, role.role_name);
                return Err(CliError::usage(format!(
                    "the roles {} and {} would get the same profile name `{name}`",
                    describe(other),
                    describe(role)
                ))
                .hint("a template with different names: --name-template '{account_id}-{role}'"));
            }
        }
        names.iter().map(|name| parse_name(name)).collect()
    }
}

const PLACEHOLDERS: [&str; 4] = ["{account}", "{account_id}", "{role}", "{session}"];

fn parse_name(name: &str) -> Result<ProfileName, CliError> {
    let unusable = |reason: &str| {
        CliError::usage(format!("the template makes the profile name `{name}`, which {reason}"))
    };
    if !matches!(RoleRef::parse(name), Ok(RoleRef::Profile(_))) {
        return Err(unusable("arl would read as the role of an account")
            .hint("use another template: --name-template '{account}-{role}'"));
    }
    name.parse().map_err(|error| unusable(&format!("is invalid: it {error}")))
}

/// Whether every program accepts the character in a profile name, and no shell gives it a meaning.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.@/+-".contains(c)
}

/// Replaces each run of `-` and of characters that are not plain with one `-`.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            c if is_plain(c) && c != '-' => plain.push(c),
            _ if plain.ends_with('-') => {}
            _ => plain.push('-'),
        }
    }
    plain.truncate(MAX_PART);
    plain.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role<'a>(account_id: &'a str, account_name: &'a str) -> OfferedRole<'a> {
        OfferedRole { session: "corp", account_id, account_name, role_name: "Dev" }
    }

    #[test]
    fn a_name_is_one_that_every_program_reads() {
        let template = NameTemplate::parse(DEFAULT_TEMPLATE).expect("a template");
        for (account, name) in [
            ("Payments Prod", "Payments-Prod-Dev"),
            ("[x] $(id)\n", "x-id-Dev"),
            ("--- ", "111122223333-Dev"),
            ("支払い", "111122223333-Dev"),
            ("{role}", "role-Dev"),
            ("a--b - c", "a-b-c-Dev"),
            ("", "111122223333-Dev"),
        ] {
            let names = template.names(&[role("111122223333", account)]).expect(account);
            assert_eq!(names[0].as_str(), name);
        }
        let long = "x".repeat(256);
        let names = template.names(&[role("111122223333", &long)]).expect("a name");
        assert_eq!(names[0].as_str().len(), MAX_PART + 4);
    }

    #[test]
    fn roles_with_one_name_get_their_account_ids() {
        let template = NameTemplate::parse("{account}.{role}").expect("a template");
        let roles = [role("1", "a b"), role("2", "a-b"), role("3", "c")];
        let names = template.names(&roles).expect("names");
        let names: Vec<&str> = names.iter().map(ProfileName::as_str).collect();
        assert_eq!(names, ["a-b.Dev-1", "a-b.Dev-2", "c.Dev"]);
        let template = NameTemplate::parse("same").expect("a template");
        assert!(template.names(&[role("1", "a"), role("1", "a")]).is_err());
        assert!(
            NameTemplate::parse("{account_id}/{role}")
                .expect("one")
                .names(&[role("111122223333", "")])
                .is_err()
        );
        for bad in ["{email}", "a b", "a:b", "a]"] {
            assert!(NameTemplate::parse(bad).is_err(), "{bad}");
        }
    }
}
