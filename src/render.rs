//! Credentials as data: for `credential_process`, and for env files.

use serde_json::json;

use crate::credentials::Credentials;
use crate::encoding::rfc3339;
use crate::identity::{Identity, Unprintable};

/// The output that the AWS SDKs expect of a `credential_process`, on one line.
///
/// Source: "Process credential provider" in the AWS SDKs and Tools Reference Guide.
pub fn process_json(credentials: &Credentials) -> String {
    let mut object = json!({
        "Version": 1,
        "AccessKeyId": credentials.access_key_id(),
        "SecretAccessKey": credentials.secret_access_key().expose(),
    });
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            object[name] = value.into();
        }
    };
    set("SessionToken", credentials.session_token().map(|token| token.expose().to_owned()));
    set("Expiration", credentials.expiration().map(rfc3339));
    set("AccountId", credentials.account_id().map(ToString::to_string));
    format!("{object}\n")
}

/// `NAME=value` lines, without quotes: env files take them literally, and so does `export $(…)`.
///
/// # Errors
/// A value holds a character that some reader of such files would interpret. AWS issues none that does.
pub fn dotenv(identity: &Identity) -> Result<String, Unprintable> {
    let mut lines = String::new();
    for (name, value) in identity.variables() {
        if !value.chars().all(|c| c.is_ascii_alphanumeric() || "+/=_.:,@-".contains(c)) {
            return Err(Unprintable { name });
        }
        lines.push_str(name);
        lines.push('=');
        lines.push_str(&value);
        lines.push('\n');
    }
    Ok(lines)
}
