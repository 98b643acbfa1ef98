//! The state of the service: keys, users, roles, MFA devices and tokens.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use ring::rand::{SecureRandom, SystemRandom};

use crate::identity_center::IdentityCenter;

/// An access key, long-term or of a session.
#[derive(Debug, Clone)]
pub struct Key {
    /// The secret access key.
    pub secret: String,
    /// Present for temporary credentials.
    pub token: Option<String>,
    /// The ARN of the user or of the session.
    pub arn: String,
    /// The expiration of temporary credentials.
    pub expires: Option<SystemTime>,
    /// Whether the key is inactive.
    pub revoked: bool,
    /// The role behind an assumed-role session.
    pub role_arn: Option<String>,
    /// Whether MFA was given when the session was made.
    pub mfa: bool,
    /// Tags that chained sessions inherit, keys in lower case.
    pub transitive_tags: HashSet<String>,
    /// The source identity, which chained sessions inherit.
    pub source_identity: Option<String>,
}

/// A role that can be assumed.
#[derive(Debug, Clone)]
pub struct Role {
    /// Principals: an ARN, an account's `…:root`, `*`, or `federated:ISSUER`.
    pub trusts: Vec<String>,
    /// The external ID that the trust policy requires.
    pub external_id: Option<String>,
    /// Whether the trust policy requires MFA.
    pub needs_mfa: bool,
    /// In seconds.
    pub max_session_duration: u32,
}

impl Role {
    /// A role that trusts these principals, with sessions of at most one hour.
    pub fn trusting(principals: &[&str]) -> Self {
        Self {
            trusts: principals.iter().map(|&p| p.to_owned()).collect(),
            external_id: None,
            needs_mfa: false,
            max_session_duration: 3600,
        }
    }
}

/// All users, roles, devices and tokens.
#[derive(Debug, Default)]
pub struct World {
    /// By access key ID.
    pub keys: HashMap<String, Key>,
    /// By ARN.
    pub roles: HashMap<String, Role>,
    /// MFA devices by serial number: the owner's ARN, and the codes that are still valid.
    pub mfa_devices: HashMap<String, (String, HashSet<String>)>,
    /// Web identity tokens: issuer and subject.
    pub web_tokens: HashMap<String, (String, String)>,
    /// A token that IAM Identity Center accepts without a sign-in.
    pub sso_token: String,
    /// Sign-ins, accounts and roles of IAM Identity Center.
    pub identity_center: IdentityCenter,
    /// The difference between the service's clock and the local one, in seconds.
    pub clock_offset: i64,
    /// The lifetime of role sessions in seconds instead of the requested one. Tests need shorter ones than
    /// AWS allows.
    pub session_seconds: Option<u32>,
    /// The next session token to issue instead of a random one.
    pub next_token: Option<String>,
    /// When access keys were created. Keys that are not listed have the start of 1970.
    pub created: HashMap<String, SystemTime>,
    /// When access keys were used last. Tests set this, because the service does not track it.
    pub last_used: HashMap<String, SystemTime>,
    /// How many calls with an access key are refused until it is known.
    pub refusals: HashMap<String, usize>,
    /// How many calls with each new access key are refused.
    pub new_key_refusals: usize,
    /// Whether IAM refuses calls without MFA.
    pub iam_needs_mfa: bool,
    /// The user whose key CreateAccessKey wrongly creates.
    pub new_key_owner: Option<String>,
}

impl World {
    /// The user of the demonstration and of most tests.
    pub const ANN_KEY: &str = "AKIAIOSFODNN7ANN0001";
    /// Ann's secret.
    pub const ANN_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYANNSECRET1";
    /// Ann's ARN.
    pub const ANN: &str = "arn:aws:iam::111122223333:user/ann";
    /// Ann's MFA device, with the codes 100001 to 100999.
    pub const ANN_MFA: &str = "arn:aws:iam::111122223333:mfa/ann";

    /// Ann, a handful of roles in account 123456789012, and one that only `Deploy` may assume.
    pub fn demo() -> Self {
        let mut world = Self { sso_token: "sso-token".into(), ..Self::default() };
        world.add_user(Self::ANN, Self::ANN_KEY, Self::ANN_SECRET);
        let root = "arn:aws:iam::111122223333:root";
        let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
        let long = |role: Role| Role { max_session_duration: 43_200, ..role };
        for name in ["Deploy", "ReadOnly", "team/dns_editor"] {
            world.roles.insert(role(name), Role::trusting(&[root]));
        }
        world.roles.insert(role("Long"), long(Role::trusting(&[root])));
        world.roles.insert(role("Chained"), long(Role::trusting(&[&role("Deploy"), &role("Chained")])));
        world.roles.insert(role("Closed"), Role::trusting(&["arn:aws:iam::111122223333:user/bob"]));
        world.roles.insert(
            role("ThirdParty"),
            Role { external_id: Some("ext-4711".into()), ..Role::trusting(&["*"]) },
        );
        world.roles.insert(role("NeedsMfa"), Role { needs_mfa: true, ..Role::trusting(&[root]) });
        world.roles.insert(role("Web"), Role::trusting(&["federated:https://ci.example.com"]));
        world
            .web_tokens
            .insert("header.claims.signature".into(), ("https://ci.example.com".into(), "job".into()));
        let codes = (100_001..=100_999).map(|code| code.to_string()).collect();
        world.mfa_devices.insert(Self::ANN_MFA.into(), (Self::ANN.into(), codes));
        world
    }

    /// Adds a user with a long-term key.
    pub fn add_user(&mut self, arn: &str, access_key_id: &str, secret: &str) {
        self.keys.insert(
            access_key_id.to_owned(),
            Key {
                secret: secret.to_owned(),
                token: None,
                arn: arn.to_owned(),
                expires: None,
                revoked: false,
                role_arn: None,
                mfa: false,
                transitive_tags: HashSet::new(),
                source_identity: None,
            },
        );
    }

    /// The service's time.
    pub fn now(&self) -> SystemTime {
        let now = SystemTime::now();
        let offset = Duration::from_secs(self.clock_offset.unsigned_abs());
        if self.clock_offset < 0 { now - offset } else { now + offset }
    }

    /// Issues temporary credentials.
    pub(crate) fn issue(&mut self, mut key: Key) -> (String, Key) {
        let id = format!("ASIA{}", random(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
        key.secret = random(40, BASE64);
        let token = self.next_token.take().unwrap_or_else(|| format!("FwoGZXIvYXdzE{}", random(340, BASE64)));
        key.token = Some(token);
        self.keys.insert(id.clone(), key.clone());
        (id, key)
    }

    /// Whether the caller is among the principals.
    pub(crate) fn is_trusted(caller: &Key, principals: &[String]) -> bool {
        let account = caller.arn.split(':').nth(4).unwrap_or_default();
        let root = format!("arn:aws:iam::{account}:root");
        principals.iter().any(|principal| {
            principal == "*"
                || *principal == caller.arn
                || *principal == root
                || caller.role_arn.as_ref() == Some(principal)
        })
    }
}

pub(crate) const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn random(length: usize, alphabet: &[u8]) -> String {
    let mut bytes = vec![0; length];
    SystemRandom::new().fill(&mut bytes).expect("the operating system has randomness");
    bytes.iter().map(|&b| char::from(alphabet[usize::from(b) % alphabet.len()])).collect()
}
