//! The token of a sign-in to IAM Identity Center, in the file that the AWS CLI and the SDKs share.
//!
//! The AWS CLI, the SDKs and arl read and write the same files, so that one sign-in serves all of them. Each
//! of them writes times and the case of keys in its own way. arl reads all of these forms, and writes the one
//! that all of them read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ring::digest;
use rustix::fs::OFlags;
use serde_json::{Map, Value};

use crate::encoding::{hex_encode, parse_time, rfc3339};
use crate::files::MAX_DOCUMENT;
use crate::secret::Secret;

/// The keys of the file, in the order in which the AWS CLI writes them.
const KEYS: [&str; 8] = [
    "startUrl",
    "region",
    "accessToken",
    "expiresAt",
    "clientId",
    "clientSecret",
    "registrationExpiresAt",
    "refreshToken",
];

/// The token of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoToken {
    /// The access token, which the portal accepts as proof of the sign-in.
    pub access_token: Secret,
    /// When the access token expires.
    pub expires_at: SystemTime,
    /// The start URL at which the user signed in.
    pub start_url: Option<String>,
    /// The region of the IAM Identity Center instance.
    pub region: Option<String>,
    /// The program's registration, with which the token is renewed.
    pub client: Option<SsoClient>,
    /// The refresh token, with which arl gets the next access token without a browser.
    pub refresh_token: Option<Secret>,
}

/// A registration with the OIDC service of IAM Identity Center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoClient {
    /// `clientId`.
    pub id: String,
    /// `clientSecret`.
    pub secret: Secret,
    /// When the registration expires. `None` if the file does not say.
    pub expires_at: Option<SystemTime>,
}

impl SsoToken {
    /// Reads the token from the text of a file. `None` if it holds none.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_slice(text).ok()?;
        let get = |key: &str| {
            let found = object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
            found.and_then(|(_, value)| value.as_str()).filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let client = get("clientId").zip(get("clientSecret")).map(|(id, secret)| SsoClient {
            id,
            secret: Secret::new(secret),
            expires_at: get("registrationExpiresAt").and_then(|time| parse_time(&time)),
        });
        Some(Self {
            access_token: Secret::new(get("accessToken")?),
            expires_at: parse_time(&get("expiresAt")?)?,
            start_url: get("startUrl"),
            region: get("region"),
            client,
            refresh_token: get("refreshToken").map(Secret::new),
        })
    }

    /// Returns the text of the file, byte for byte as the AWS CLI writes it. Keys of `old` that arl does not
    /// know come last.
    pub(crate) fn to_json(&self, old: &[u8]) -> String {
        let Self { access_token, expires_at, start_url, region, client, refresh_token } = self;
        let client_text = |get: fn(&SsoClient) -> &str| client.as_ref().map(|client| get(client).to_owned());
        let registration = client.as_ref().and_then(|client| client.expires_at);
        let values = [
            start_url.clone(),
            region.clone(),
            Some(access_token.expose().to_owned()),
            Some(rfc3339(*expires_at)),
            client_text(|client| &client.id),
            client_text(|client| client.secret.expose()),
            registration.map(rfc3339),
            refresh_token.as_ref().map(|token| token.expose().to_owned()),
        ];
        let known = KEYS.into_iter().zip(values).filter_map(|(key, value)| Some((key.to_owned(), value?)));
        let old: Map<String, Value> = serde_json::from_slice(old).unwrap_or_default();
        let is_known = |name: &str| KEYS.iter().any(|key| key.eq_ignore_ascii_case(name));
        let unknown = old.into_iter().filter(|(name, _)| !is_known(name));
        let pairs = known.map(|(key, value)| (key, Value::from(value))).chain(unknown);
        python_json(&Value::Array(
            pairs.map(|(key, value)| Value::Array(vec![Value::from(key), value])).collect(),
        ))
    }

    /// Whether the access token is valid for less than `margin`.
    pub fn expires_within(&self, margin: Duration, now: SystemTime) -> bool {
        self.expires_at.duration_since(now).map_or(true, |remaining| remaining < margin)
    }

    /// Returns the registration and the refresh token for a renewal. `None` if only a new sign-in helps.
    pub fn renewal(&self, now: SystemTime) -> Option<(&SsoClient, &Secret)> {
        let client = self.client.as_ref()?;
        let is_registered = client.expires_at.is_none_or(|end| end > now);
        self.refresh_token.as_ref().filter(|_| is_registered).map(|token| (client, token))
    }
}

/// Formats pairs as an object in the notation of Python's `json.dumps`, which the AWS CLI uses: a space after
/// each colon and comma, and nothing but ASCII.
fn python_json(pairs: &Value) -> String {
    let pairs = pairs.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| match value {
        Value::String(text) => python_string(text),
        // Only a field that arl does not know has another type.
        other => other.to_string(),
    };
    let fields = pairs.iter().map(|pair| format!("{}: {}", text(&pair[0]), text(&pair[1])));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
}

/// Quotes a text as Python's `json.dumps` does.
fn python_string(text: &str) -> String {
    let mut quoted = String::new();
    for c in Value::from(text).to_string().chars() {
        if c <= '~' {
            quoted.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                quoted.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    quoted
}

/// Returns the name of a file in the cache directory: the SHA-1 of `text`. For a token, `text` is the name of
/// its `[sso-session]`, or the start URL of a profile without one.
pub(crate) fn cache_file_name(text: &str) -> String {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    format!("{}.json", hex_encode(hash.as_ref()))
}

/// Returns the directory with the token files. No setting changes its path.
pub(crate) fn sso_cache_directory(home: &Path) -> PathBuf {
    home.join(".aws/sso/cache")
}

/// Reads a file of the cache directory.
///
/// # Errors
/// The file cannot be read or is too large, or another user could have written it: with that user's token,
/// arl would act as that user.
pub(crate) fn read_sso_file(path: &Path) -> io::Result<Vec<u8>> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    let refuse = |reason: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    let me = rustix::process::geteuid();
    // Root in a container may read the files of the user whose home directory is mounted.
    let is_of_directory =
        || path.parent().and_then(|parent| parent.metadata().ok()).map(|parent| parent.uid());
    let owner = metadata.uid();
    if !metadata.is_file() {
        return refuse("it is not a regular file");
    }
    if owner != me.as_raw() && owner != 0 && !(me.is_root() && is_of_directory() == Some(owner)) {
        return refuse("it belongs to another user");
    }
    if metadata.mode() & 0o022 != 0 {
        return refuse("other users may write to it");
    }
    let mut bytes = Vec::new();
    file.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_DOCUMENT {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB")),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLI: &str = "{\"startUrl\": \"https://d-1234567890.awsapps.com/start\", \"region\": \"us-east-1\", \
        \"accessToken\": \"at\", \"expiresAt\": \"2026-11-25T17:34:23Z\", \"clientId\": \"id\", \
        \"clientSecret\": \"cs\", \"registrationExpiresAt\": \"2027-02-23T09:34:23Z\", \"refreshToken\": \"rt\"}";

    #[test]
    fn the_file_of_the_aws_cli_is_written_byte_for_byte() {
        let token = SsoToken::parse(CLI.as_bytes()).expect("a token");
        assert_eq!(token.to_json(b""), CLI);
        let minimal = SsoToken { start_url: None, region: None, client: None, refresh_token: None, ..token };
        assert_eq!(minimal.to_json(b""), r#"{"accessToken": "at", "expiresAt": "2026-11-25T17:34:23Z"}"#);
    }

    #[test]
    fn the_files_of_every_sdk_are_read() {
        let expected = SsoToken::parse(CLI.as_bytes()).expect("a token");
        for time in [
            "2026-11-25T17:34:23UTC",
            "2026-11-25T17:34:23+00:00",
            "2026-11-25T17:34:23.000Z",
            "2026-11-25T18:34:23+0100",
        ] {
            let text = CLI.replace("2026-11-25T17:34:23Z", time);
            assert_eq!(SsoToken::parse(text.as_bytes()), Some(expected.clone()), "{time}");
        }
        let pretty = CLI
            .replace(", ", ",\n  ")
            .replace("accessToken", "AccessToken")
            .replace("expiresAt", "expiresat");
        assert_eq!(SsoToken::parse(pretty.as_bytes()), Some(expected));
        for bad in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"accessToken":"a"}"#,
            r#"{"accessToken":"","expiresAt":"2026-11-25T17:34:23Z"}"#,
            r#"{"accessToken":"a","expiresAt":"soon"}"#,
            r#"{"accessToken":1,"expiresAt":"2026-11-25T17:34:23Z"}"#,
        ] {
            assert_eq!(SsoToken::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn unknown_fields_stay_and_known_ones_are_replaced() {
        let token = SsoToken::parse(CLI.as_bytes()).expect("a token");
        let old = r#"{"AccessToken":"old","x":[1,"y"],"refreshToken":"old"}"#;
        let text = token.to_json(old.as_bytes());
        assert_eq!(text, CLI.replace('}', r#", "x": [1,"y"]}"#));
    }

    #[test]
    fn file_names_and_strings_are_those_of_the_aws_cli() {
        assert_eq!(cache_file_name("my-sso"), "0ad374308c5a4e22f723adf10145eafad7c4031c.json");
        assert_eq!(python_string("a\"\u{e9}\u{1f600}\n"), "\"a\\\"\\u00e9\\ud83d\\ude00\\n\"");
    }
}
