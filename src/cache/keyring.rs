//! Caches sessions in the user keyring of the Linux kernel: they never reach a disk, and the kernel removes
//! them when they expire.
//!
//! Source: keyrings(7), user-keyring(7). The quota of a plain user is about 20,000 bytes, which is enough for
//! about ten sessions. Containers of the same user share the keyring, unless they block the system calls.

use std::io;
use std::time::{Duration, SystemTime};

use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier};
use zeroize::Zeroizing;

use super::credential_cache::{CacheFuture, CredentialCache};
use super::entry::{self, SessionSummary};
use super::store::SessionStore;

/// The prefix of arl's key names.
const KEY_PREFIX: &str = "arl:v1:";
/// The kernel's limit for a key of this type.
const MAX_PAYLOAD: usize = 32 * 1024;
/// More keys than the quota of any plain user allows.
const MAX_KEYS: usize = 64 * 1024;

/// Caches each session as a key of the user keyring, with the session's expiration as the timeout of the key.
#[derive(Debug)]
pub struct KeyringCache {
    user: KeyRing,
    process: KeyRing,
}

impl KeyringCache {
    /// Opens the user keyring.
    ///
    /// # Errors
    /// The kernel has no keyrings, or does not let this process use them.
    pub fn open() -> io::Result<Self> {
        let open = |id, create| KeyRing::from_special_id(id, create).map_err(io_error);
        let user = open(KeyRingIdentifier::User, false)?;
        let process = open(KeyRingIdentifier::Process, true)?;
        // A process possesses only what its own keyrings link to, and some session keyrings do not link to
        // the user keyring (su, cron, some logins).
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
        let is_arl_key = |key: &Key| {
            key.metadata().is_ok_and(|metadata| metadata.get_description().starts_with(KEY_PREFIX))
        };
        Ok(links.iter().filter_map(|link| link.as_key()).filter(is_arl_key).collect())
    }
}

fn key_description(name: &str) -> String {
    format!("{KEY_PREFIX}{name}")
}

impl CredentialCache for KeyringCache {
    fn get<'a>(&'a self, key: &'a str) -> CacheFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.load(key).map(|entry| entry.to_vec())) })
    }

    fn put<'a>(&'a self, key: &'a str, entry: Vec<u8>, expires_in: Duration) -> CacheFuture<'a, ()> {
        Box::pin(async move { Ok(self.save(key, &Zeroizing::new(entry), expires_in)?) })
    }
}

impl SessionStore for KeyringCache {
    fn load(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        Self::payload(&self.user.search(&key_description(name)).ok()?)
    }

    fn save(&self, name: &str, entry: &[u8], expires_in: Duration) -> io::Result<()> {
        let seconds = usize::try_from(expires_in.as_secs()).unwrap_or_default().max(1);
        // Add the key to the process keyring first: if arl is killed before it sets the timeout, the key dies
        // with the process.
        let key = self.process.add_key(&key_description(name), entry).map_err(io_error)?;
        key.set_timeout(seconds).map_err(io_error)?;
        self.user.link_key(key).map_err(io_error)
    }

    fn list(&self, now: SystemTime, at_most: usize) -> io::Result<Vec<SessionSummary>> {
        let listed = self.keys()?.into_iter().filter_map(|key| entry::summarize(&Self::payload(&key)?));
        Ok(listed.filter(|session| session.expiration > now).take(at_most).collect())
    }

    fn remove(&self, is_wanted: &dyn Fn(&SessionSummary) -> bool) -> io::Result<usize> {
        let is_wanted = |key: &Key| {
            let summary = Self::payload(key).and_then(|entry| entry::summarize(&entry));
            summary.is_some_and(|summary| is_wanted(&summary))
        };
        let keys: Vec<Key> = self.keys()?.into_iter().filter(is_wanted).collect();
        let count = keys.len();
        for key in keys {
            self.user.unlink_key(key).map_err(io_error)?;
        }
        Ok(count)
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
    let reason = match error {
        KeyError::QuotaExceeded => "the quota of your keyring is used up (/proc/sys/kernel/keys/maxbytes)",
        KeyError::PermissionDenied | KeyError::AccessDenied => {
            "the kernel does not allow access to keyrings, as in many containers"
        }
        KeyError::OperationNotSupported | KeyError::Unknown(_) => "the kernel has no keyrings",
        other => return io::Error::other(other.to_string()),
    };
    io::Error::other(reason)
}
