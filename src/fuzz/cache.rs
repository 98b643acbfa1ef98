//! The files of the cache: cached sessions, and the notes in lock files.

use std::time::{Duration, SystemTime};

use super::{assert_printable, now, parts};
use crate::cache::entry::{self, CachedSession};
use crate::cache::key::CacheKey;
use crate::cache::lock_note::{LockNote, News};
use crate::cache::source_key::SourceKey;
use crate::credentials::Credentials;
use crate::secret::Secret;
use crate::sts::StsSettings;

fn key() -> (CacheKey, Credentials) {
    let token = Some(Secret::new("token".into()));
    let keys = Credentials::new("ASIAX".into(), Secret::new("secret".into()), token, Some(now()));
    let keys = keys.expect("credentials");
    (CacheKey::new(&StsSettings::new("eu-west-1"), &SourceKey::from_keys(&keys), &[]), keys)
}

/// Checks that arl reads only sealed entries, that it reads what it has written, and that a changed entry is
/// a miss.
pub(super) fn entry(data: &[u8]) {
    let (key, credentials) = key();
    let _ = entry::summarize(data);
    assert_eq!(entry::decode(&key, data), None, "an entry without a seal is read");

    let [session, change] = parts::<2>(data);
    let sealed = std::str::from_utf8(session).ok().and_then(|session| {
        let body = format!("{}\n{session}\n", key.as_str());
        entry::decode(&key, format!("{body}{}\n", key.mac(&body)).as_bytes())
    });
    if let Some(CachedSession { credentials, .. }) = &sealed {
        assert_printable(credentials.access_key_id());
        assert_printable(credentials.secret_access_key().expose());
        let _ = humantime::format_rfc3339_seconds(credentials.expiration().expect("an end")).to_string();
    }
    let issued_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    let session = sealed.unwrap_or(CachedSession { credentials, issued_at });
    let text = entry::encode(&key, &session);
    assert_eq!(entry::decode(&key, text.as_bytes()), Some(session), "what is written is not read");
    if let &[low, high, new] = change {
        let mut changed = text.as_bytes().to_vec();
        let at = usize::from(u16::from_le_bytes([low, high])) % changed.len();
        let old = std::mem::replace(&mut changed[at], new);
        // The hexadecimal digits of the seal may have either case.
        let is_seal = at + 65 >= changed.len();
        if old != new && !(is_seal && old.eq_ignore_ascii_case(&new)) {
            assert_eq!(entry::decode(&key, &changed), None, "byte {at} is {new}");
        }
    }
}

/// Checks that a note stays the same when it is written and read again, and that a part of a note is not a
/// note.
pub(super) fn lock_note(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(note) = LockNote::parse(text) else { return };
    let written = note.to_string();
    assert_eq!(LockNote::parse(&written).as_ref(), Some(&note));
    if note.news != News::Unwritable && written.len() < 200 {
        for end in (0..written.len()).filter(|&end| written.is_char_boundary(end)) {
            assert_eq!(LockNote::parse(&written[..end]), None, "{:?}", &written[..end]);
        }
    }
}
