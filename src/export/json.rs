//! Credentials as the JSON of a `credential_process`.

use serde_json::json;

use crate::credentials::Credentials;
use crate::encoding::rfc3339;

/// Returns the output that the AWS SDKs expect from a `credential_process`, on one line.
///
/// Source: "Process credential provider" in the AWS SDKs and Tools Reference Guide.
pub fn process_json(credentials: &Credentials) -> String {
    let mut object = json!({
        "Version": 1,
        "AccessKeyId": credentials.access_key_id(),
        "SecretAccessKey": credentials.secret_access_key().expose(),
    });
    let mut insert = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            object[name] = value.into();
        }
    };
    insert("SessionToken", credentials.session_token().map(|token| token.expose().to_owned()));
    insert("Expiration", credentials.expiration().map(rfc3339));
    insert("AccountId", credentials.account_id().map(ToString::to_string));
    format!("{object}\n")
}
