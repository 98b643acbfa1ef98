//! Catalogs: the accounts and roles that IAM Identity Center offers to the user of a sign-in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::source::{RoleRef, SsoSession};
use crate::sts::ListedAccount;

/// How long a catalog is used.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// The version of the format. arl ignores catalogs of another version.
const VERSION: u64 = 1;
/// The most characters of a name that arl caches. AWS allows 50.
const MAX_NAME: usize = 256;

/// The accounts and roles that IAM Identity Center offers to the user of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// The name of the `[sso-session]`.
    pub session: String,
    /// The accounts, in the order of their names.
    pub accounts: Vec<CatalogAccount>,
    /// When the oldest part of it was received.
    pub found_at: SystemTime,
    /// Whether it contains all accounts with their roles.
    pub is_complete: bool,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogAccount {
    /// Twelve digits.
    pub id: String,
    /// The name. Administrators choose it, so it may contain anything; it is empty if there is none.
    pub name: String,
    /// The email address of the account.
    pub email: Option<String>,
    /// The names of the user's roles, sorted. `None` if they are not known yet.
    pub roles: Option<Vec<String>>,
}

impl Catalog {
    pub(super) fn new(session: &SsoSession, found_at: SystemTime) -> Self {
        let session = session.label().to_owned();
        Self { session, accounts: Vec::new(), found_at, is_complete: false }
    }

    /// Whether the catalog is less than a day old. A time in the future comes from a wrong clock and does not
    /// count.
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        now.duration_since(self.found_at).is_ok_and(|age| age < LIFETIME)
    }

    /// Returns the number of accounts whose roles are known.
    pub fn known_accounts(&self) -> usize {
        self.accounts.iter().filter(|account| account.roles.is_some()).count()
    }

    /// Adds accounts that the portal lists, except those without a valid account ID.
    pub(super) fn add(&mut self, listed: Vec<ListedAccount>) {
        self.accounts.extend(listed.into_iter().filter_map(CatalogAccount::new));
    }

    /// Sorts the accounts, and copies the roles that an earlier catalog contains.
    pub(super) fn complete_accounts(&mut self, earlier: Option<&Self>) {
        let key = |account: &CatalogAccount| (account.name.to_lowercase(), account.id.clone());
        self.accounts.sort_by_cached_key(key);
        self.accounts.dedup_by(|a, b| a.id == b.id);
        let Some(earlier) = earlier else { return };
        let known: std::collections::HashMap<&str, &Vec<String>> = earlier
            .accounts
            .iter()
            .filter_map(|account| Some((account.id.as_str(), account.roles.as_ref()?)))
            .collect();
        for account in &mut self.accounts {
            account.roles = known.get(account.id.as_str()).map(|roles| (*roles).clone());
        }
        self.found_at = self.found_at.min(earlier.found_at);
    }

    /// Sets the roles of an account, except names that are not valid.
    pub(super) fn set_roles(&mut self, account_id: &str, roles: Vec<String>) {
        if let Some(account) = self.accounts.iter_mut().find(|account| account.id == account_id) {
            account.set_roles(&self.session, roles);
        }
    }

    /// Returns the catalog as text, with the ID of the sign-in that it was found with. It holds no secret.
    pub(super) fn to_json(&self, session: &SsoSession, sign_in: &str) -> String {
        let accounts = self.accounts.iter().map(|account| {
            let CatalogAccount { id, name, email, roles } = account;
            json!({ "id": id, "name": name, "email": email, "roles": roles })
        });
        json!({
            "version": VERSION,
            "session": self.session,
            "start_url": session.start_url,
            "region": session.region,
            "sign_in": sign_in,
            "found_at": self.found_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            "is_complete": self.is_complete,
            "accounts": accounts.collect::<Vec<_>>(),
        })
        .to_string()
    }

    /// Reads the text of a catalog, if it is the one of this sign-in. Account IDs and role names are checked
    /// like those in the portal's answer.
    pub(super) fn parse(text: &[u8], session: &SsoSession, sign_in: &str) -> Option<Self> {
        let object: Value = serde_json::from_slice(text).ok()?;
        let is = |key: &str, value: &str| object.get(key).and_then(Value::as_str) == Some(value);
        let fits = object.get("version")? == VERSION
            && is("session", session.label())
            && is("start_url", &session.start_url)
            && is("region", &session.region)
            && is("sign_in", sign_in);
        if !fits {
            return None;
        }
        let seconds = Duration::from_secs(object.get("found_at")?.as_u64()?);
        let accounts = object.get("accounts")?.as_array()?;
        let parse = |account| parse_account(account, session.label());
        Some(Self {
            session: session.label().to_owned(),
            accounts: accounts.iter().map(parse).collect::<Option<_>>()?,
            found_at: UNIX_EPOCH.checked_add(seconds)?,
            is_complete: object.get("is_complete")?.as_bool()?,
        })
    }

    /// Returns the name of the session in a catalog's text.
    pub(super) fn session_of(text: &[u8]) -> Option<String> {
        let object: Value = serde_json::from_slice(text).ok()?;
        object.get("session")?.as_str().map(str::to_owned)
    }
}

impl CatalogAccount {
    /// Returns an account whose roles are not known. `None` if it has no account ID.
    fn new(ListedAccount { id, name, email }: ListedAccount) -> Option<Self> {
        let is_id = id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
        let cut = |mut text: String| {
            let end = text.char_indices().nth(MAX_NAME).map_or(text.len(), |(index, _)| index);
            text.truncate(end);
            text
        };
        is_id.then(|| Self { id, name: cut(name.unwrap_or_default()), email: email.map(cut), roles: None })
    }

    /// Sets the roles. A text that is not the name of a role is left out.
    fn set_roles(&mut self, session: &str, mut roles: Vec<String>) {
        roles.retain(|role| {
            let text = format!("{session}:{}/{role}", self.id);
            matches!(RoleRef::parse(&text), Ok(RoleRef::IdentityCenter { role_name, .. }) if role_name == *role)
        });
        roles.sort();
        roles.dedup();
        self.roles = Some(roles);
    }
}

fn parse_account(account: &Value, session: &str) -> Option<CatalogAccount> {
    let text = |key: &str| account.get(key)?.as_str().map(str::to_owned);
    let roles = match account.get("roles")? {
        Value::Array(roles) => {
            Some(roles.iter().map(|role| role.as_str().map(str::to_owned)).collect::<Option<_>>()?)
        }
        _ => None,
    };
    let listed = ListedAccount { id: text("id")?, name: Some(text("name")?), email: text("email") };
    let mut account = CatalogAccount::new(listed)?;
    if let Some(roles) = roles {
        account.set_roles(session, roles);
    }
    Some(account)
}
