//! Templates of role session names.

use std::str::FromStr;

use crate::arn::RoleSessionName;
use crate::arn::session::{NAME_LENGTH, replace_invalid_chars};
use crate::error::Error;

/// The values of a template's placeholders.
#[derive(Debug, Clone, Default)]
pub struct SessionNameValues {
    /// `{user}`: the operating system user.
    pub user: String,
    /// `{caller}`: the name in the ARN of the source credentials.
    pub caller: String,
    /// `{role}`: the name of the role.
    pub role: String,
    /// `{account}`: the account of the role.
    pub account: String,
    /// `{host}`: the host name.
    pub host: String,
    /// `{pid}`: the process ID.
    pub pid: String,
    /// `{time}`: the seconds since 1970.
    pub time: String,
}

/// A session name with placeholders in braces, for instance `{user}@{role}.{account}`.
///
/// ```
/// use arl::internal::{SessionNameTemplate, SessionNameValues};
/// let template: SessionNameTemplate = "{user}@{role}.{account}".parse()?;
/// let values = SessionNameValues {
///     user: "ann lee".into(), role: "Deploy".into(), account: "123456789012".into(), ..Default::default()
/// };
/// assert_eq!(template.expand(&values).as_str(), "ann-lee@Deploy.123456789012");
/// # Ok::<(), arl::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionNameTemplate(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    User,
    Caller,
    Role,
    Account,
    Host,
    Pid,
    Time,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
}

impl SessionNameTemplate {
    /// Whether the template uses `{caller}`, whose value requires a call of GetCallerIdentity.
    pub fn needs_caller(&self) -> bool {
        self.0.contains(&Part::Placeholder(Placeholder::Caller))
    }

    /// Replaces the placeholders. Characters that STS refuses become `-`. A name over 64 characters loses the
    /// ends of its longest parts, but the account is shortened only if no other part is left.
    pub fn expand(&self, values: &SessionNameValues) -> RoleSessionName {
        let mut parts: Vec<(bool, String)> = self
            .0
            .iter()
            .map(|part| match part {
                Part::Text(text) => (false, replace_invalid_chars(text)),
                Part::Placeholder(placeholder) => {
                    (*placeholder == Placeholder::Account, replace_invalid_chars(placeholder.value(values)))
                }
            })
            .collect();
        let length = |parts: &[(bool, String)]| parts.iter().map(|(_, text)| text.len()).sum::<usize>();
        while length(&parts) > *NAME_LENGTH.end() {
            let Some((_, longest)) = parts
                .iter_mut()
                .filter(|(keep, text)| !keep && !text.is_empty())
                .max_by_key(|(_, text)| text.len())
            else {
                break;
            };
            longest.pop();
        }
        let name: String = parts.into_iter().map(|(_, text)| text).collect();
        RoleSessionName::sanitized(&name)
    }
}

impl Placeholder {
    fn value(self, values: &SessionNameValues) -> &str {
        match self {
            Self::User => &values.user,
            Self::Caller => &values.caller,
            Self::Role => &values.role,
            Self::Account => &values.account,
            Self::Host => &values.host,
            Self::Pid => &values.pid,
            Self::Time => &values.time,
        }
    }
}

impl FromStr for SessionNameTemplate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let close =
                rest[open..].find('}').ok_or_else(|| Error::invalid("has a `{` without a matching `}`"))?;
            parts.push(Part::Placeholder(match &rest[open + 1..open + close] {
                "user" => Placeholder::User,
                "caller" => Placeholder::Caller,
                "role" => Placeholder::Role,
                "account" => Placeholder::Account,
                "host" => Placeholder::Host,
                "pid" => Placeholder::Pid,
                "time" => Placeholder::Time,
                other => {
                    return Err(Error::invalid(format!(
                        "has the unknown placeholder {{{other}}}; the placeholders are {{user}}, {{caller}}, {{role}}, {{account}}, {{host}}, {{pid}} and {{time}}"
                    )));
                }
            }));
            rest = &rest[open + close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(template: &str, user: &str, role: &str) -> String {
        let values = SessionNameValues {
            user: user.into(),
            role: role.into(),
            account: "123456789012".into(),
            ..Default::default()
        };
        template.parse::<SessionNameTemplate>().expect(template).expand(&values).to_string()
    }

    #[test]
    fn long_names_keep_the_account() {
        let name = expand("{user}@{role}.{account}", "alex.from.the.platform.team", &"Role".repeat(16));
        assert_eq!(name.len(), 64);
        assert!(name.ends_with(".123456789012"), "{name}");
        assert!(name.starts_with("alex.from.the.platform.te"), "{name}");
    }

    #[test]
    fn expanded_names_are_valid_for_sts() {
        for (template, user) in
            [("{user}", "x"), ("{user}", ""), ("a b{user}", "ü/ñ\u{1b}"), ("{user}{user}", &"y".repeat(90))]
        {
            let name = expand(template, user, "R");
            assert!(name.parse::<RoleSessionName>().is_ok(), "{name:?}");
        }
        assert_eq!(expand("{user}@{role}", "DOMAIN\\ann lee", "R"), "DOMAIN-ann-lee@R");
    }

    #[test]
    fn a_name_of_accounts_alone_ends_at_the_limit() {
        let name = expand(&"u{account}".repeat(6), "", "");
        assert_eq!(name, "123456789012".repeat(6)[..64]);
    }

    #[test]
    fn invalid_templates_are_rejected() {
        assert!("{usr}".parse::<SessionNameTemplate>().is_err());
        assert!("{user".parse::<SessionNameTemplate>().is_err());
    }
}
