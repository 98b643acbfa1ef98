//! Tells one sign-in to IAM Identity Center from the next one, which may be another user's.
//!
//! No field of a token file identifies a sign-in. Each renewal replaces both tokens, a later sign-in may use
//! the same registration, and other programs drop the fields that they do not know. So arl writes a note of
//! each of its sign-ins into a file beside the token file. Both files have a fixed path that no setting
//! changes.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::kind::SsoSession;
use super::sso_token::{SsoToken, read_sso_file};
use crate::digest::sha256_hex;

/// Returns the path of the file with the note of arl's last sign-in.
pub(crate) fn sign_in_note_path(directory: &Path, session: &SsoSession) -> PathBuf {
    directory.join(format!(".{}.arl.id", session.token_file_name()))
}

/// Returns a text that differs between two sign-ins and stays the same through renewals. It holds no secret.
/// `None` if there is no token, or if another user could have written one of the files.
pub(crate) fn sign_in_id(directory: &Path, session: &SsoSession) -> Option<String> {
    let token = SsoToken::parse(&read_sso_file(&directory.join(session.token_file_name())).ok()?)?;
    let note = match read_sso_file(&sign_in_note_path(directory, session)) {
        Ok(note) => note,
        // Only other programs have signed in.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(_) => return None,
    };
    Some(id(&token, &note))
}

fn id(token: &SsoToken, note: &[u8]) -> String {
    let client = token.client.as_ref().filter(|_| token.refresh_token.is_some());
    let text = client.map_or_else(|| token.access_token.expose(), |client| &client.id);
    sha256_hex(json!([text, String::from_utf8_lossy(note)]).to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_identified_by_its_registration_else_by_its_token_and_by_its_note() {
        let of = |more: &str| {
            let text = format!(r#"{{"expiresAt":"2030-01-01T00:00:00Z"{more}}}"#);
            id(&SsoToken::parse(text.as_bytes()).expect("a token"), b"note")
        };
        assert_ne!(of(r#","accessToken":"a""#), of(r#","accessToken":"b""#));
        let client = r#","clientId":"c","clientSecret":"s""#;
        let renewable = |token: &str, client: &str| {
            of(&format!(r#","accessToken":"{token}","refreshToken":"{token}"{client}"#))
        };
        assert_eq!(renewable("a", client), renewable("b", client));
        assert_ne!(renewable("a", client), renewable("a", r#","clientId":"d","clientSecret":"s""#));
        // Without a refresh token, only the access token distinguishes two sign-ins.
        assert_ne!(
            of(&format!(r#","accessToken":"a"{client}"#)),
            of(&format!(r#","accessToken":"b"{client}"#))
        );
        let token = SsoToken::parse(br#"{"accessToken":"a","expiresAt":"2030-01-01T00:00:00Z"}"#);
        let token = token.expect("a token");
        assert_ne!(id(&token, b"first"), id(&token, b"second"));
    }
}
