//! Role session names, and the ARNs of role sessions.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::ids::{AccountId, Partition, invalid_arn};
use super::role_arn::RoleArn;
use crate::error::{Error, try_from_text};

pub(crate) const NAME_LENGTH: RangeInclusive<usize> = 2..=64;

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
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(bad) = text.chars().find(|&c| !is_name_char(c)) {
            return Err(Error::invalid(format!("can contain letters, digits and _+=,.@-, but not {bad:?}")));
        }
        if !NAME_LENGTH.contains(&text.len()) {
            return Err(Error::invalid(format!("must have 2 to 64 characters, not {}", text.len())));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RoleSessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn replace_invalid_chars(text: &str) -> String {
    text.chars().map(|c| if is_name_char(c) { c } else { '-' }).collect()
}

/// Whether most STS identifiers allow the character: `[\w+=,.@-]`.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

try_from_text!(RoleSessionName, AssumedRoleSessionArn);

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

    /// Parses the ARN of a session of this role. Ceph includes the role's path in that ARN; AWS leaves it
    /// out.
    pub(crate) fn parse_of_role(text: &str, role: &RoleArn) -> Result<Self, Error> {
        let path = role.path();
        let plain = match text.split_once(":assumed-role/") {
            Some((account, rest)) if !path.is_empty() && rest.starts_with(path) => {
                Some(format!("{account}:assumed-role/{}", &rest[path.len()..]))
            }
            _ => None,
        };
        plain.and_then(|plain| plain.parse().ok()).map_or_else(|| text.parse(), Ok)
    }

    /// Whether this is a session of `role`. It compares partition, account and name, because the ARN of a
    /// session has no path.
    pub fn is_session_of(&self, role: &RoleArn) -> bool {
        self.partition == *role.partition()
            && self.account_id == *role.account_id()
            && self.role_name == role.role_name()
    }
}

impl FromStr for AssumedRoleSessionArn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let shape = || {
            invalid_arn(
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
    pub fn session(&self, session_name: &str) -> Result<AssumedRoleSessionArn, Error> {
        let name = session_name
            .parse::<RoleSessionName>()
            .map_err(|error| invalid_arn(session_name, &error.to_string()))?;
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
