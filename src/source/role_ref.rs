//! The ways in which a user can name a role.

use crate::arn::{AccountId, Partition, RoleArn};
use crate::error::Error;

/// A role as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleRef {
    /// A role ARN.
    Arn(RoleArn),
    /// `ACCOUNT/NAME` or `ACCOUNT/path/NAME`, in a partition that is decided later.
    AccountRole(AccountId, String),
    /// `SESSION:ACCOUNT/NAME`: a role of IAM Identity Center.
    IdentityCenter {
        /// The name of the `[sso-session]` section.
        session: String,
        /// The account.
        account: AccountId,
        /// The name of the permission set.
        role_name: String,
    },
    /// The name of a profile.
    Profile(String),
}

impl RoleRef {
    /// Parses a text as an ARN, then as account and name, then as a role of IAM Identity Center, then as a
    /// profile.
    ///
    /// # Errors
    /// The text begins like an ARN and is not a valid role ARN.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.starts_with("arn:") {
            return text.parse().map(Self::Arn);
        }
        if let Some((account, name)) = text.split_once('/')
            && let Ok(account) = account.parse()
        {
            return Ok(Self::AccountRole(account, name.to_owned()));
        }
        if let Some((session, name)) = text.split_once('/')
            && let Some((session, account)) = session.rsplit_once(':')
            && let Ok(account) = account.parse()
            && !session.is_empty()
            && is_permission_set(name)
        {
            return Ok(Self::IdentityCenter {
                session: session.to_owned(),
                account,
                role_name: name.to_owned(),
            });
        }
        Ok(Self::Profile(text.to_owned()))
    }

    /// Returns the ARN. Returns `None` for a profile and for a role of IAM Identity Center, whose ARN only
    /// the service knows.
    ///
    /// # Errors
    /// IAM does not allow the role name.
    pub fn arn(&self, partition: &Partition) -> Result<Option<RoleArn>, Error> {
        match self {
            Self::Arn(arn) => Ok(Some(arn.clone())),
            Self::AccountRole(account, name) => {
                RoleArn::new(partition.clone(), account.clone(), name).map(Some)
            }
            Self::IdentityCenter { .. } | Self::Profile(_) => Ok(None),
        }
    }
}

/// Whether a permission set may have this name. Source: CreatePermissionSet in the API reference.
fn is_permission_set(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@-_".contains(&b))
}

/// Returns the names that `wanted` may be a misspelling of, at most four: those that begin with it first,
/// then the most similar ones.
pub fn closest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    // Accept two mistakes in a short name and more in a long one, and names that contain what was typed.
    let allowed = (wanted.chars().count() / 3).max(2);
    let mut near: Vec<(bool, usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let distance = strsim::osa_distance(&wanted, &lower);
            let contained = !wanted.is_empty() && lower.contains(&wanted);
            let begins = !wanted.is_empty() && lower.starts_with(&wanted);
            (distance <= allowed || contained).then_some((!begins, distance, name))
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(4).map(|(.., name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_refs_parse_as_arn_then_account_then_profile() {
        let aws = "aws".parse().expect("a partition");
        let arn = |text| {
            let arn = RoleRef::parse(text).and_then(|role| role.arn(&aws));
            arn.map(|arn| arn.map(|arn| arn.to_string())).map_err(|error| error.to_string())
        };
        let expected = |name: &str| Ok(Some(format!("arn:aws:iam::000123456789:role/{name}")));
        assert_eq!(arn("arn:aws:iam::000123456789:role/R"), expected("R"));
        assert_eq!(arn("000123456789/R"), expected("R"));
        assert_eq!(arn("000123456789/team/R"), expected("team/R"));
        assert_eq!(arn("prod"), Ok(None));
        let role = |text| RoleRef::parse(text).expect("a role");
        let center = |session: &str, name: &str| RoleRef::IdentityCenter {
            session: session.into(),
            account: "000123456789".parse().expect("an account"),
            role_name: name.into(),
        };
        assert_eq!(role("corp:000123456789/Dev"), center("corp", "Dev"));
        assert_eq!(role("my corp:eu:000123456789/D-e_v"), center("my corp:eu", "D-e_v"));
        for profile in [
            "corp:123/Dev",
            "corp:000123456789",
            "corp:000123456789/",
            "corp:000123456789/a/b",
            ":000123456789/Dev",
            "corp:000123456789/D v",
        ] {
            assert_eq!(role(profile), RoleRef::Profile(profile.into()));
        }
        assert_eq!(arn("123/R"), Ok(None));
        assert!(arn("arn:aws:s3:::bucket").is_err());
        assert!(arn("000123456789/").is_err());
    }

    #[test]
    fn misspellings_find_their_name() {
        let names = ["dev", "prod-admin", "prod-deploy", "staging"];
        assert_eq!(closest("prod-admn", names), ["prod-admin"]);
        assert_eq!(closest("prdo-admin", names), ["prod-admin"]);
        assert_eq!(closest("Deploy", names), ["prod-deploy"]);
        assert_eq!(closest("completely-else", names), [] as [&str; 0]);
        // Two swaps are two mistakes, not three or four.
        assert_eq!(closest("badc", ["abcd"]), ["abcd"]);
    }
}
