//! Role session names, given or expanded from a template, and the ARNs of role sessions.

use std::fmt;
use std::str::FromStr;

use super::value::{InvalidValue, is_name_char, try_from_text};
use crate::arn::{AccountId, InvalidArn, Partition, RoleArn};

const NAME_LENGTH: std::ops::RangeInclusive<usize> = 2..=64;

/// A session name that STS accepts: 2 to 64 letters, digits and `_+=,.@-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleSessionName(String);

impl RoleSessionName {
    /// Creates a name from any text: replaces characters that STS refuses with `-`, and cuts the name if it
    /// is too long.
    pub fn sanitized(text: &str) -> Self {
        let mut name = replace_invalid_chars(text);
        name.truncate(*NAME_LENGTH.end());
        while name.len() < *NAME_LENGTH.start() {
            name.push('-');
        }
        Self(name)
    }

    /// Returns the name as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleSessionName {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if let Some(bad) = text.chars().find(|&c| !is_name_char(c)) {
            return Err(InvalidValue::new(format!("can hold letters, digits and _+=,.@-, but not {bad:?}")));
        }
        if !NAME_LENGTH.contains(&text.len()) {
            return Err(InvalidValue::new(format!("must have 2 to 64 characters, has {}", text.len())));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RoleSessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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
    /// `{host}`: the name of the machine.
    pub host: String,
    /// `{pid}`: the process ID.
    pub pid: String,
    /// `{time}`: the seconds since 1970.
    pub time: String,
}

/// A session name with placeholders in braces, for instance `{user}@{role}.{account}`.
///
/// ```
/// use arl::{SessionNameTemplate, SessionNameValues};
/// let template: SessionNameTemplate = "{user}@{role}.{account}".parse()?;
/// let values = SessionNameValues {
///     user: "ann lee".into(), role: "Deploy".into(), account: "123456789012".into(), ..Default::default()
/// };
/// assert_eq!(template.expand(&values).as_str(), "ann-lee@Deploy.123456789012");
/// # Ok::<(), arl::InvalidValue>(())
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
    /// Whether the template uses `{caller}`, whose value takes a call of GetCallerIdentity.
    pub fn needs_caller(&self) -> bool {
        self.0.contains(&Part::Placeholder(Placeholder::Caller))
    }

    /// Replaces the placeholders. Characters that STS refuses become `-`. A name over 64 characters loses the
    /// ends of its longest parts, but the account is never shortened.
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
            let Some((_, longest)) =
                parts.iter_mut().filter(|(keep, _)| !keep).max_by_key(|(_, text)| text.len())
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

fn replace_invalid_chars(text: &str) -> String {
    text.chars().map(|c| if is_name_char(c) { c } else { '-' }).collect()
}

impl FromStr for SessionNameTemplate {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let close =
                rest[open..].find('}').ok_or_else(|| InvalidValue::new("has a `{` without its `}`"))?;
            parts.push(Part::Placeholder(match &rest[open + 1..open + close] {
                "user" => Placeholder::User,
                "caller" => Placeholder::Caller,
                "role" => Placeholder::Role,
                "account" => Placeholder::Account,
                "host" => Placeholder::Host,
                "pid" => Placeholder::Pid,
                "time" => Placeholder::Time,
                other => {
                    return Err(InvalidValue::new(format!(
                        "has the unknown placeholder {{{other}}}; known are {{user}}, {{caller}}, {{role}}, {{account}}, {{host}}, {{pid}} and {{time}}"
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

try_from_text!(RoleSessionName);

/// The ARN of a role session: `arn:aws:sts::123456789012:assumed-role/Name/session`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AssumedRoleSessionArn {
    partition: Partition,
    account_id: AccountId,
    role_name: String,
    session_name: String,
}

impl AssumedRoleSessionArn {
    /// Returns the session name, as it appears in audit logs.
    pub fn session_name(&self) -> &str {
        &self.session_name
    }

    /// Returns the account that owns the role.
    pub fn account_id(&self) -> &AccountId {
        &self.account_id
    }

    /// Whether this is a session of that role.
    pub fn is_session_of(&self, role: &RoleArn) -> bool {
        self.partition == *role.partition()
            && self.account_id == *role.account_id()
            && self.role_name == role.role_name()
    }
}

impl FromStr for AssumedRoleSessionArn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, InvalidArn> {
        let shape = || {
            InvalidArn::new(
                text,
                "a session's ARN looks like arn:aws:sts::123456789012:assumed-role/Name/session",
            )
        };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", partition, "sts", "", account, resource] = parts.as_slice() else {
            return Err(shape());
        };
        let (role, session) =
            resource.strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/')).ok_or_else(shape)?;
        RoleArn::new(partition.parse()?, account.parse()?, role)?.session(session)
    }
}

impl fmt::Display for AssumedRoleSessionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, account_id, role_name, session_name } = self;
        write!(f, "arn:{partition}:sts::{account_id}:assumed-role/{role_name}/{session_name}")
    }
}

impl RoleArn {
    /// Returns the ARN of a session of this role. It does not include the role's path.
    ///
    /// # Errors
    /// STS does not accept the session name.
    pub fn session(&self, session_name: &str) -> Result<AssumedRoleSessionArn, InvalidArn> {
        let name = session_name
            .parse::<RoleSessionName>()
            .map_err(|error| InvalidArn::new(session_name, error.to_string()))?;
        Ok(AssumedRoleSessionArn {
            partition: self.partition().clone(),
            account_id: self.account_id().clone(),
            role_name: self.role_name().to_owned(),
            session_name: name.to_string(),
        })
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
    fn invalid_templates_are_rejected() {
        assert!("{usr}".parse::<SessionNameTemplate>().is_err());
        assert!("{user".parse::<SessionNameTemplate>().is_err());
    }

    #[test]
    fn is_session_of_compares_account_and_name() {
        let role: RoleArn = "arn:aws:iam::123456789012:role/te/R".parse().expect("an ARN");
        let session = role.session("ann").expect("a session");
        assert_eq!(session.to_string(), "arn:aws:sts::123456789012:assumed-role/R/ann");
        assert!(session.is_session_of(&role));
        let other: RoleArn = "arn:aws:iam::123456789013:role/te/R".parse().expect("an ARN");
        assert!(!session.is_session_of(&other));
    }
}
