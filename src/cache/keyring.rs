//! Sessions in the Linux kernel's user keyring: never on a disk, and forgotten by the kernel when they end.
//!
//! Source: keyrings(7), user-keyring(7). The quota is some 20,000 bytes for a plain user, which is about ten
//! sessions; containers of the same user share the keyring, unless they refuse the system calls altogether.

use std::io;
use std::time::SystemTime;

use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier};
use zeroize::Zeroizing;

use super::entry::{self, CachedSession, ListedSession};
use super::key::CacheKey;
use super::store::CredentialCache;

/// What the names of our keys begin with.
const PREFIX: &str = "arl:v1:";
/// The kernel's limit for a key of this type.
const MAX_PAYLOAD: usize = 32 * 1024;
/// More keys than any quota of a plain user allows.
const MAX_KEYS: usize = 64 * 1024;

/// Keeps each session as a key of the user's keyring, with the session's end as the key's timeout.
#[derive(Debug)]
pub struct KeyringCache {
    user: KeyRing,
    process: KeyRing,
}

impl KeyringCache {
    /// Opens the user's keyring.
    ///
    /// # Errors
    /// The kernel has none, or does not let this process use it.
    pub fn open() -> io::Result<Self> {
        let open = |id, create| KeyRing::from_special_id(id, create).map_err(io_error);
        let user = open(KeyRingIdentifier::User, false)?;
        let process = open(KeyRingIdentifier::Process, true)?;
        // Only what hangs on a keyring of the process counts as its own, and a session's keyring does not
        // reach the user's everywhere (su, cron, some logins).
        process.link_keyring(user).map_err(io_error)?;
        Ok(Self { user, process })
    }

    fn payload(key: &Key) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(vec![0; MAX_PAYLOAD]);
        let length = key.read(&mut bytes.as_mut_slice()).ok()?;
        bytes.truncate(length);
        Some(bytes)
    }

    fn keys(&self) -> io::Result<Vec<Key>> {
        let links = self.user.get_links(MAX_KEYS).map_err(io_error)?;
        let is_ours =
            |key: &Key| key.metadata().is_ok_and(|about| about.get_description().starts_with(PREFIX));
        Ok(links.iter().filter_map(|link| link.as_key()).filter(is_ours).collect())
    }
}

fn name(key: &CacheKey) -> String {
    format!("{PREFIX}{}", key.name())
}

impl CredentialCache for KeyringCache {
    fn read(&self, key: &CacheKey, _: SystemTime) -> Option<CachedSession> {
        entry::read(key, &Self::payload(&self.user.search(&name(key)).ok()?)?)
    }

    fn write(&self, key: &CacheKey, session: &CachedSession, now: SystemTime) -> io::Result<()> {
        let left = session.credentials.expiration().and_then(|end| end.duration_since(now).ok());
        let seconds = left.and_then(|left| usize::try_from(left.as_secs()).ok()).unwrap_or(0).max(1);
        // First where it dies with this process: a key without a timeout must not outlive a kill.
        let written =
            self.process.add_key(&name(key), entry::write(key, session).as_bytes()).map_err(io_error)?;
        written.set_timeout(seconds).map_err(io_error)?;
        self.user.link_key(written).map_err(io_error)
    }

    fn list(&self, now: SystemTime, at_most: usize) -> io::Result<Vec<ListedSession>> {
        let listed = self.keys()?.into_iter().filter_map(|key| entry::list(&Self::payload(&key)?));
        Ok(listed.filter(|session| session.expiration > now).take(at_most).collect())
    }

    fn clear(&self) -> io::Result<usize> {
        let keys = self.keys()?;
        let count = keys.len();
        for key in keys {
            self.user.unlink_key(key).map_err(io_error)?;
        }
        Ok(count)
    }
}

fn io_error(error: KeyError) -> io::Error {
    let why = match error {
        KeyError::QuotaExceeded => "the quota of your keyring is used up (/proc/sys/kernel/keys/maxbytes)",
        KeyError::PermissionDenied | KeyError::AccessDenied => {
            "the kernel refuses it here, as in many containers"
        }
        KeyError::OperationNotSupported | KeyError::Unknown(_) => "the kernel has none",
        other => return io::Error::other(other.to_string()),
    };
    io::Error::other(why)
}
