//! The interface of caches that a program supplies.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

#[cfg(unix)]
use super::single_flight::SingleFlight;

/// The return type of the methods of [`CredentialCache`]: a boxed future, so that `Arc<dyn CredentialCache>`
/// works.
pub type CacheFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// Stores sessions between runs of a program, or for several programs.
///
/// arl passes entries that end with a MAC, so that a changed entry is noticed. A key is 64 hexadecimal
/// digits, and differs between any two requests that may return different sessions. An entry has at most a
/// few hundred kilobytes. arl ignores an entry that has expired, that was changed, or that belongs to another
/// key, so a cache needs no checks of its own.
///
/// An entry **contains the credentials in plain text**. Make sure that only its owner can read it.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use std::time::Duration;
///
/// use arl::cache::{CacheFuture, CredentialCache};
///
/// #[derive(Debug, Default)]
/// struct MemoryCache(Mutex<HashMap<String, Vec<u8>>>);
///
/// impl CredentialCache for MemoryCache {
///     fn get<'a>(&'a self, key: &'a str) -> CacheFuture<'a, Option<Vec<u8>>> {
///         Box::pin(async move { Ok(self.0.lock().unwrap().get(key).cloned()) })
///     }
///
///     fn put<'a>(&'a self, key: &'a str, entry: Vec<u8>, expires_in: Duration) -> CacheFuture<'a, ()> {
///         let _ = expires_in; // A real cache would drop the entry then.
///         self.0.lock().unwrap().insert(key.to_owned(), entry);
///         Box::pin(async { Ok(()) })
///     }
/// }
/// ```
pub trait CredentialCache: fmt::Debug + Send + Sync {
    /// Returns the entry with this key, if there is one.
    ///
    /// If this fails, arl logs the error with `tracing` and calls STS. The program does not see the error.
    fn get<'a>(&'a self, key: &'a str) -> CacheFuture<'a, Option<Vec<u8>>>;

    /// Stores an entry, which expires after `expires_in`, and replaces the one with the same key.
    ///
    /// If this fails, arl logs the error with `tracing` and returns the credentials. The program does not see
    /// the error.
    fn put<'a>(&'a self, key: &'a str, entry: Vec<u8>, expires_in: Duration) -> CacheFuture<'a, ()>;

    /// Returns the locks through which the processes that share the cache make one call instead of several.
    #[cfg(unix)]
    #[doc(hidden)]
    fn single_flight(&self) -> Option<&SingleFlight> {
        None
    }
}

/// Lets a pointer to a cache be used as a cache.
macro_rules! forward {
    ($($pointer:ty),+) => {$(
        impl<T: CredentialCache + ?Sized> CredentialCache for $pointer {
            fn get<'a>(&'a self, key: &'a str) -> CacheFuture<'a, Option<Vec<u8>>> {
                (**self).get(key)
            }

            fn put<'a>(&'a self, key: &'a str, entry: Vec<u8>, expires_in: Duration) -> CacheFuture<'a, ()> {
                (**self).put(key, entry, expires_in)
            }

            #[cfg(unix)]
            fn single_flight(&self) -> Option<&SingleFlight> {
                (**self).single_flight()
            }
        }
    )+};
}
forward!(&T, Box<T>, Arc<T>);
