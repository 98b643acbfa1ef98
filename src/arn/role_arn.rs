//! Amazon Resource Names of roles.

use std::fmt;
use std::str::FromStr;

use super::ids::{AccountId, Partition, invalid_arn};
use crate::error::{Error, try_from_text};

/// The longest ARN that STS accepts, in characters.
const MAX_ARN: usize = 2048;

/// The ARN of an IAM role: `arn:aws:iam::123456789012:role/path/Name`.
///
/// ```
/// let arn: arl::RoleArn = "arn:aws:iam::123456789012:role/team/Deploy".parse()?;
/// assert_eq!((arn.account_id().as_str(), arn.role_name()), ("123456789012", "Deploy"));
/// assert_eq!(arn.to_string(), "arn:aws:iam::123456789012:role/team/Deploy");
/// # Ok::<(), arl::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleArn {
    partition: Partition,
    account_id: AccountId,
    /// The part between `role/` and the name. It is empty or ends with a slash.
    path: String,
    role_name: String,
}

impl RoleArn {
    /// Creates an ARN. `name` may include the role's path (`team/Deploy` or `/team/Deploy`).
    ///
    /// # Errors
    /// The name or the path contains a character that IAM does not allow, or the ARN is longer than 2,048
    /// characters.
    pub fn new(partition: Partition, account_id: AccountId, name: &str) -> Result<Self, Error> {
        let (path, role_name) = name.rsplit_once('/').unwrap_or(("", name));
        Self::validated(partition, account_id, normalized(path), role_name)
            .map_err(|reason| invalid_arn(name, &reason))
    }

    /// Creates an ARN from a path (`/team/` or `team`) and a name without a path.
    ///
    /// # Errors
    /// As [`RoleArn::new`], or the name includes a path as well.
    pub fn with_path(
        partition: Partition,
        account_id: AccountId,
        path: &str,
        role_name: &str,
    ) -> Result<Self, Error> {
        if !path.is_empty() && role_name.contains('/') {
            return Err(invalid_arn(role_name, "has a path, and another path is given too"));
        }
        if path.is_empty() {
            return Self::new(partition, account_id, role_name);
        }
        let invalid = |reason: String| invalid_arn(role_name, &reason);
        Self::validated(partition, account_id, normalized(path), role_name).map_err(invalid)
    }

    /// Checks the parts. Source: the CreateRole page of the IAM API for name and path, the AssumeRole page of
    /// the STS API for the length.
    fn validated(
        partition: Partition,
        account_id: AccountId,
        path: String,
        role_name: &str,
    ) -> Result<Self, String> {
        let name_char = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if role_name.is_empty() {
            return Err("the role name is missing".into());
        }
        if let Some(bad) = role_name.chars().find(|&c| !name_char(c)) {
            return Err(format!("a role name cannot contain {bad:?}, only letters, digits and _+=,.@-"));
        }
        if role_name.len() > 64 {
            return Err(format!("a role name has at most 64 characters, this one has {}", role_name.len()));
        }
        if let Some(bad) = path.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(format!("a role path cannot contain {bad:?}"));
        }
        let arn = Self { partition, account_id, path, role_name: role_name.to_owned() };
        match arn.to_string().len() {
            n if n > MAX_ARN => Err(format!("an ARN has at most {MAX_ARN} characters, this one has {n}")),
            _ => Ok(arn),
        }
    }

    /// Returns the partition, for instance `aws`.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Returns the account that owns the role.
    pub fn account_id(&self) -> &AccountId {
        &self.account_id
    }

    /// Returns the part between `role/` and the name, which is empty or ends with a slash.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Returns the role's name without its path.
    pub fn role_name(&self) -> &str {
        &self.role_name
    }
}

/// Returns a path as it is written between `role/` and the name.
fn normalized(path: &str) -> String {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() || path.ends_with('/') { path.to_owned() } else { format!("{path}/") }
}

impl FromStr for RoleArn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |reason: String| invalid_arn(text, &reason);
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", partition, service, region, account, resource] = parts.as_slice() else {
            return Err(invalid("a role ARN looks like arn:aws:iam::123456789012:role/Name".into()));
        };
        if let ("sts", Some(session)) = (service, resource.strip_prefix("assumed-role/")) {
            let name = session.split('/').next().unwrap_or_default();
            return Err(invalid(format!(
                "this is a session's ARN; its role is arn:{partition}:iam::{account}:role/{name} (plus the role's path)"
            )));
        }
        if service != "iam" || !region.is_empty() {
            return Err(invalid("a role ARN looks like arn:aws:iam::123456789012:role/Name".into()));
        }
        let Some(name) = resource.strip_prefix("role/") else {
            return Err(invalid(match resource.split_once('/') {
                Some((kind, _)) => format!("this names a `{kind}`, not a `role`"),
                None if resource == "role" => "the role name is missing".to_owned(),
                None => format!("`{resource}` does not begin with `role/`"),
            }));
        };
        let partition = Partition::parse(partition).map_err(invalid)?;
        let account_id = AccountId::parse(account).map_err(invalid)?;
        let (path, role_name) = match name.rfind('/') {
            Some(slash) => name.split_at(slash + 1),
            None => ("", name),
        };
        Self::validated(partition, account_id, path.to_owned(), role_name).map_err(invalid)
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, account_id, path, role_name } = self;
        write!(f, "arn:{partition}:iam::{account_id}:role/{path}{role_name}")
    }
}

try_from_text!(RoleArn);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_arns_round_trip() {
        for text in [
            "arn:aws:iam::123456789012:role/R",
            "arn:aws-us-gov:iam::000000000012:role/te/st/R",
            "arn:aws:iam::123456789012:role//te//R",
            "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_A_0123456789abcdef",
        ] {
            assert_eq!(text.parse::<RoleArn>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn non_role_arns_are_rejected_with_a_reason() {
        for (text, reason) in [
            ("arn:aws:iam::123456789012:user/ann", "this names a `user`, not a `role`"),
            ("arn:aws:iam::123456789012:role", "the role name is missing"),
            ("arn:aws:iam::123456789012:Deploy", "`Deploy` does not begin with `role/`"),
            ("arn:aws:iam::12345678901:role/R", "12 digits, this one has 11"),
            ("arn:aws:iam:us-east-1:123456789012:role/R", "looks like"),
            ("arn:aws:iam::123456789012:role/", "the role name is missing"),
            ("arn:aws:iam::123456789012:role/a b", "cannot contain ' '"),
            ("arn:aws:sts::123456789012:assumed-role/R/s", "its role is arn:aws:iam::123456789012:role/R"),
            ("arn:AWS:iam::123456789012:role/R", "a partition has a name"),
        ] {
            let error = text.parse::<RoleArn>().expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn role_names_may_include_a_path() {
        let account: AccountId = "123456789012".parse().expect("twelve digits");
        for (name, resource) in
            [("R", "R"), ("/R", "R"), ("te/st/R", "te/st/R"), ("/te/st/R", "te/st/R"), ("te//R", "te/R")]
        {
            let arn = RoleArn::new("aws".parse().expect("aws"), account.clone(), name).expect(name);
            assert_eq!(arn.to_string(), format!("arn:aws:iam::123456789012:role/{resource}"), "{name}");
        }
    }
}
