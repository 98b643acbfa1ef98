//! Lets one process at a time request a given session, while the others wait for its result.
//!
//! The lock is released by the kernel when its holder dies. It is only tried, never waited for, because a
//! blocked lock on a network file system cannot be interrupted. It is advisory: a process that cannot lock
//! makes its own call, since a second call does no harm.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::key::CacheKey;
use super::lock_note::{LockNote, News, nanos};
use super::private_dir::{self, open_flags};

/// The pause between two attempts to lock, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(4), Duration::from_millis(40));
/// The time in which any call ends.
const CALL: Duration = Duration::from_secs(25);
/// The age at which an unused lock file is removed.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// The prefix of the lock files of terminals. The terminal's session ID follows.
const TURN: &str = "terminal-";
/// The lock files in one directory.
#[derive(Debug, Clone)]
pub struct SingleFlight {
    directory: PathBuf,
}

/// How long this process has waited, and how long it may, over all hops of a chain.
#[derive(Debug, Clone)]
pub struct Patience {
    waited: Duration,
    bound: Duration,
    /// The time of the last heartbeat that extended the limit.
    last_sign: u128,
}

impl Default for Patience {
    fn default() -> Self {
        Self { waited: Duration::ZERO, bound: CALL, last_sign: 0 }
    }
}

/// The result of waiting.
#[derive(Debug)]
pub enum Flight {
    /// This process is the one to make the call. If it fails, it reports that with [`Flying::failed`].
    Ahead(Flying),
    /// Another process made the call: the session is in the cache.
    Landed,
    /// Another process failed since this one started. Holds its error.
    Failed(String),
}

/// The lock, if there is one. Dropping it lets the next process go ahead.
#[derive(Debug)]
pub struct Flying {
    file: Option<File>,
    /// What tells this process from other holders in the notes that it leaves.
    holder: String,
}

impl SingleFlight {
    /// Uses lock files in this directory, which is created with the first one.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Waits until the session is cached, or this process is the one to request it.
    ///
    /// `landed` checks the cache. `waiting` is called after each check with the time waited so far, over all
    /// hops.
    pub async fn take_off(
        &self,
        key: &CacheKey,
        started: SystemTime,
        patience: &mut Patience,
        mut landed: impl FnMut() -> bool,
        mut waiting: impl FnMut(Duration),
    ) -> Flight {
        let path = self.directory.join(key.name());
        let (mut pause, last) = PAUSES;
        // The lock holders that this process has waited for. What another one has left says nothing about this call:
        // it may be from long ago, under a clock that was wrong.
        let mut awaited: Vec<String> = Vec::new();
        loop {
            match self.try_lock(&path) {
                Attempt::Locked(file) => {
                    // The holder may have finished or failed since the last check.
                    if landed() {
                        return Flight::Landed;
                    }
                    let note = LockNote::read(&path).filter(|note| awaited.contains(&note.holder));
                    return match note.map(|note| note.news) {
                        // Keep the note and release the lock, so that the other waiting processes see it too.
                        Some(News::NotCached) => Flight::Ahead(Flying::without_lock()),
                        Some(News::Failed { tag, text }) if tag == key.circumstances() => {
                            Flight::Failed(text)
                        }
                        _ => Flight::Ahead(Flying::begin(file, started)),
                    };
                }
                Attempt::Impossible => return Flight::Ahead(Flying::without_lock()),
                Attempt::Busy => {}
            }
            if landed() {
                return Flight::Landed;
            }
            if let Some(LockNote { holder, news }) = LockNote::read(&path) {
                let is_awaited = awaited.contains(&holder);
                match news {
                    News::Unwritable => return Flight::Ahead(Flying::without_lock()),
                    News::NotCached if is_awaited => return Flight::Ahead(Flying::without_lock()),
                    News::Failed { tag, text } if is_awaited && tag == key.circumstances() => {
                        return Flight::Failed(text);
                    }
                    News::NotCached | News::Failed { .. } => {}
                    News::Heartbeat { at, limit } if at != patience.last_sign => {
                        // The holder has begun another call, or asks a person, who is given their time.
                        patience.last_sign = at;
                        patience.bound = patience.waited + CALL + limit;
                        awaited.push(holder);
                    }
                    News::Held | News::Heartbeat { .. } => {
                        if !is_awaited {
                            awaited.push(holder);
                        }
                    }
                }
            }
            if patience.waited > patience.bound {
                return Flight::Ahead(Flying::without_lock());
            }
            tokio::time::sleep(pause).await;
            patience.waited += pause;
            waiting(patience.waited);
            pause = (pause * 3 / 2).min(last);
        }
    }

    /// Waits for the lock of a terminal's session, up to `limit`. Goes on without it if it is not available.
    pub async fn turn(&self, terminal: u32, limit: Duration) -> Flying {
        let path = self.directory.join(format!("{TURN}{terminal}"));
        let (pause, mut waited) = (PAUSES.1, Duration::ZERO);
        loop {
            match self.try_lock(&path) {
                Attempt::Locked(file) => return Flying { file: Some(file), holder: String::new() },
                Attempt::Busy if waited < limit => {
                    tokio::time::sleep(pause).await;
                    waited += pause;
                }
                Attempt::Busy | Attempt::Impossible => return Flying::without_lock(),
            }
        }
    }

    /// Whether a process holds the lock of a terminal's session.
    pub fn is_turn_taken(&self, terminal: u32) -> bool {
        let open = OpenOptions::new()
            .read(true)
            .custom_flags(open_flags())
            .open(self.directory.join(format!("{TURN}{terminal}")));
        open.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn try_lock(&self, path: &Path) -> Attempt {
        if !is_usable(&self.directory) {
            return Attempt::Impossible;
        }
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(open_flags())
            .open(path);
        let Ok(file) = open else { return Attempt::Impossible };
        match file.try_lock() {
            Ok(()) => {
                // A sweep may have removed the file after it was opened. Then other processes lock another
                // file.
                let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
                match (file.metadata(), fs::symlink_metadata(path)) {
                    (Ok(a), Ok(b)) if same(&a, &b) => Attempt::Locked(file),
                    _ => Attempt::Busy,
                }
            }
            Err(TryLockError::WouldBlock) => Attempt::Busy,
            Err(TryLockError::Error(_)) => Attempt::Impossible,
        }
    }

    /// Removes lock files that no process has used for a day. Other files in the directory are left alone.
    pub fn sweep(&self, now: SystemTime) {
        let is_stale = |entry: &fs::DirEntry| {
            let age = entry.metadata().and_then(|found| found.modified()).ok();
            age.and_then(|made| now.duration_since(made).ok()).is_some_and(|age| age > STALE)
        };
        self.remove_unlocked(64, is_stale);
    }

    /// Removes every lock file that no process holds, with the note in it.
    pub fn clear(&self) {
        self.remove_unlocked(usize::MAX, |_| true);
    }

    fn remove_unlocked(&self, at_most: usize, is_wanted: impl Fn(&fs::DirEntry) -> bool) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        for entry in entries.flatten().filter(|entry| is_lock(&entry.file_name())).take(at_most) {
            if is_wanted(&entry)
                && let Attempt::Locked(_held) = self.try_lock(&entry.path())
            {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether the name is that of a lock: a key, or a terminal as in [`SingleFlight::turn`].
fn is_lock(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.len() == 64 && name.iter().all(u8::is_ascii_hexdigit)
        || name.strip_prefix(TURN.as_bytes()).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit))
}

#[derive(Debug)]
enum Attempt {
    Locked(File),
    Busy,
    Impossible,
}

impl Flying {
    fn without_lock() -> Self {
        Self { file: None, holder: String::new() }
    }

    fn begin(file: File, started: SystemTime) -> Self {
        let holder = format!("{}-{:x}", std::process::id(), nanos(started));
        let flying = Self { file: Some(file), holder };
        // Replaces what an earlier holder has left.
        flying.write(News::Held);
        flying
    }

    /// Tells the waiting processes that another call begins now. Before it a person, or a program of theirs, is asked
    /// for at most `limit`.
    pub fn busy(&mut self, now: SystemTime, limit: Duration) {
        self.write(News::Heartbeat { at: nanos(now), limit });
    }

    /// Tells the waiting processes that the session could not be cached: each makes its own call, all at once.
    pub fn unkept(self) {
        self.write(News::NotCached);
    }

    /// Tells the waiting processes that the call failed, so that they do not repeat it one after the other.
    pub fn failed(self, key: &CacheKey, text: &str) {
        let (tag, text) = (key.circumstances(), text.to_owned());
        self.write(News::Failed { tag, text });
    }

    fn write(&self, news: News) {
        if let Some(file) = &self.file {
            LockNote { holder: self.holder.clone(), news }.write(file);
        }
    }
}

/// Whether locks in this directory can be trusted: another user who may write to it could hold this one up.
fn is_usable(directory: &Path) -> bool {
    private_dir::ensure(directory).is_ok_and(|mode| mode & 0o022 == 0) && !is_remote(directory)
}

/// On NFS (0x6969, statfs(2)) even trying a lock may hang forever.
#[cfg(target_os = "linux")]
fn is_remote(directory: &Path) -> bool {
    rustix::fs::statfs(directory).is_ok_and(|found| found.f_type == 0x6969)
}

/// Remote file systems are detected on Linux only.
#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Path) -> bool {
    false
}
