//! The formats of the keychain entries: stored keys, and rotations that have begun.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::secret::Secret;

/// A rotation that has begun. arl stores it before the first call, so that a later run can continue it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The access key ID that is replaced.
    pub old_id: String,
    /// When the rotation began, by this host's clock, in whole seconds.
    pub started: SystemTime,
    /// The new key. `None` until AWS has created it.
    pub new: Option<Credentials>,
}

/// Returns the secret text of an entry with keys.
pub(super) fn encode_keys(keys: &Credentials) -> Secret {
    Secret::new(format!("{{{}}}", *key_members(keys)))
}

/// Returns the secret text of an entry about a rotation.
pub(super) fn encode_rotation(rotation: &Rotation) -> Secret {
    let started = rotation.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let new = rotation.new.as_ref().map(|keys| Zeroizing::new(format!(",{}", *key_members(keys))));
    let new = new.as_ref().map_or("", |text| text.as_str());
    Secret::new(format!(
        "{{\"OldAccessKeyId\":{},\"Started\":{started}{new}}}",
        Value::from(rotation.old_id.as_str())
    ))
}

fn key_members(keys: &Credentials) -> Zeroizing<String> {
    let secret = Zeroizing::new(Value::from(keys.secret_access_key().expose()).to_string());
    Zeroizing::new(format!(
        "\"AccessKeyId\":{},\"SecretAccessKey\":{}",
        Value::from(keys.access_key_id()),
        *secret
    ))
}

/// Reads the keys of an entry. `None` if it has another form.
pub(super) fn decode_keys(secret: &Secret) -> Option<Credentials> {
    let mut object: Map<String, Value> = serde_json::from_str(secret.expose()).ok()?;
    take_keys(&mut object)
}

/// Reads an entry about a rotation. `None` if it has another form.
pub(super) fn decode_rotation(secret: &Secret) -> Option<Rotation> {
    let mut object: Map<String, Value> = serde_json::from_str(secret.expose()).ok()?;
    let old_id = take_text(&mut object, "OldAccessKeyId")?;
    let started = UNIX_EPOCH.checked_add(Duration::from_secs(object.get("Started")?.as_u64()?))?;
    let new = match object.contains_key("AccessKeyId") {
        true => Some(take_keys(&mut object)?),
        false => None,
    };
    Some(Rotation { old_id, started, new })
}

fn take_keys(object: &mut Map<String, Value>) -> Option<Credentials> {
    let id = take_text(object, "AccessKeyId")?;
    let secret = Secret::new(take_text(object, "SecretAccessKey")?);
    Credentials::new(id, secret, None, None).ok()
}

fn take_text(object: &mut Map<String, Value>, name: &str) -> Option<String> {
    match object.remove(name)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_they_were_written() {
        let secret = Secret::new("a\"b\\c/+=".into());
        let keys = Credentials::new("AKIAIOSFODNN7EXAMPLE".into(), secret, None, None).expect("valid keys");
        assert_eq!(decode_keys(&encode_keys(&keys)), Some(keys.clone()));
        let started = UNIX_EPOCH + Duration::from_secs(1_795_293_024);
        for new in [None, Some(keys.clone())] {
            let rotation = Rotation { old_id: "AKIAOLD".into(), started, new };
            assert_eq!(decode_rotation(&encode_rotation(&rotation)), Some(rotation));
        }
        for text in [
            "",
            "secret",
            "{}",
            "[]",
            "{\"AccessKeyId\":\"AKIA\"}",
            "{\"AccessKeyId\":\"A B\",\"SecretAccessKey\":\"s\"}",
        ] {
            assert_eq!(decode_keys(&Secret::new(text.into())), None, "{text}");
            assert_eq!(decode_rotation(&Secret::new(text.into())), None, "{text}");
        }
    }
}
