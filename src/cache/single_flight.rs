//! Lets one process at a time request a given session, while the others wait for its result.
//!
//! The kernel releases the lock when its holder dies. arl polls for the lock instead of blocking on it,
//! because a process that blocks on a lock in a network file system cannot be interrupted. The lock is
//! advisory: a process that cannot lock makes its own call, since a second call does no harm.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::key::CacheKey;
use super::lock_note::{LockNote, News, nanos};
use super::private_dir::{self, open_flags};

/// The pause between two attempts to lock, at first and at most.
const POLL_INTERVALS: (Duration, Duration) = (Duration::from_millis(4), Duration::from_millis(40));
/// The time in which any call ends.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(25);
/// How long a waiting process lets the lock holder's user or helper program take, even if the note says more.
const MAX_USER_TIME: Duration = Duration::from_secs(300);
/// The age at which an unused lock file is removed.
const STALE_LOCK_AGE: Duration = Duration::from_secs(24 * 3600);
/// The prefix of the lock files of terminals. The terminal's session ID follows.
const TERMINAL_LOCK_PREFIX: &str = "terminal-";
/// The most bytes that arl reads from a file with a time, which has fewer digits.
const MAX_TIME: u64 = 40;
/// The lock files in one directory.
#[derive(Debug, Clone)]
pub struct SingleFlight {
    directory: PathBuf,
}

/// How long this process has waited, and how long it may, over all hops of a chain.
#[derive(Debug, Clone)]
pub struct WaitBudget {
    waited: Duration,
    limit: Duration,
    /// The time of the last heartbeat that extended the limit.
    last_heartbeat: u128,
}

impl Default for WaitBudget {
    fn default() -> Self {
        Self { waited: Duration::ZERO, limit: CALL_TIMEOUT, last_heartbeat: 0 }
    }
}

/// The result of waiting.
#[derive(Debug)]
pub enum Acquired<T> {
    /// This process makes the call. If the call fails, it reports that with [`LeaderLock::report_failure`].
    Leader(LeaderLock),
    /// Another process made the call. Holds what the check of the cache returned.
    Cached(T),
    /// The lock holder for which this process waited has failed. Holds its error.
    Failed(String),
}

/// The lock of the process that makes the call, if locks are available. Dropping it lets the next process go
/// on.
#[derive(Debug)]
pub struct LeaderLock {
    file: Option<File>,
    /// Identifies this process in its notes.
    holder: String,
}

/// The result of an attempt to lock a terminal.
#[derive(Debug)]
pub enum TerminalLock {
    /// This process has the lock, or goes on without one because locks are not available.
    Own(LeaderLock),
    /// Another process has it.
    Busy,
}

impl SingleFlight {
    /// Uses lock files in this directory, which is created with the first one.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Waits until the session is cached, the lock holder has failed, or this process must request the
    /// session itself.
    ///
    /// `cached` checks the cache. `sleep` waits. `on_wait` is called after each pause with the time waited so
    /// far, over all hops.
    pub async fn acquire<T, C: Future<Output = Option<T>>, S: Future<Output = ()>>(
        &self,
        key: &CacheKey,
        started: SystemTime,
        wait_budget: &mut WaitBudget,
        cached: impl Fn() -> C,
        sleep: impl Fn(Duration) -> S,
        mut on_wait: impl FnMut(Duration),
    ) -> Acquired<T> {
        let path = self.directory.join(key.file_name());
        let (mut pause, last) = POLL_INTERVALS;
        // The lock holders that this process has waited for. The note of any other holder may be old, and its
        // time may be from a wrong clock, so it says nothing about this call.
        let mut awaited: Vec<String> = Vec::new();
        loop {
            match self.try_lock(&path) {
                TryLock::Locked(file) => {
                    // The holder may have finished or failed since the last check.
                    if let Some(found) = cached().await {
                        return Acquired::Cached(found);
                    }
                    let note = LockNote::read(&path).filter(|note| awaited.contains(&note.holder));
                    return match note.map(|note| note.news) {
                        // Keep the note and release the lock, so that the other waiting processes see it too.
                        Some(News::NotCached) => Acquired::Leader(LeaderLock::without_lock()),
                        Some(News::Failed { tag, text }) if tag == key.failure_scope() => {
                            Acquired::Failed(text)
                        }
                        _ => Acquired::Leader(LeaderLock::new(file, started)),
                    };
                }
                TryLock::Unavailable => return Acquired::Leader(LeaderLock::without_lock()),
                TryLock::Busy => {}
            }
            if let Some(found) = cached().await {
                return Acquired::Cached(found);
            }
            if let Some(note) = LockNote::read(&path)
                && let Some(acquired) = follow(note, key, wait_budget, &mut awaited)
            {
                return acquired;
            }
            if wait_budget.waited > wait_budget.limit {
                return Acquired::Leader(LeaderLock::without_lock());
            }
            sleep(pause).await;
            wait_budget.waited += pause;
            on_wait(wait_budget.waited);
            pause = (pause * 3 / 2).min(last);
        }
    }

    /// Waits for the lock of a terminal's session, up to `limit`. Goes on without it if it is not available.
    pub async fn lock_terminal(&self, terminal: u32, limit: Duration) -> LeaderLock {
        let (pause, mut waited) = (POLL_INTERVALS.1, Duration::ZERO);
        loop {
            match self.try_lock_terminal(terminal) {
                TerminalLock::Own(lock) => return lock,
                TerminalLock::Busy if waited < limit => {
                    tokio::time::sleep(pause).await;
                    waited += pause;
                }
                TerminalLock::Busy => return LeaderLock::without_lock(),
            }
        }
    }

    /// Takes the lock of a terminal's session, unless another process holds it.
    pub fn try_lock_terminal(&self, terminal: u32) -> TerminalLock {
        match self.try_lock(&self.directory.join(format!("{TERMINAL_LOCK_PREFIX}{terminal}"))) {
            TryLock::Locked(file) => {
                TerminalLock::Own(LeaderLock { file: Some(file), holder: String::new() })
            }
            TryLock::Busy => TerminalLock::Busy,
            TryLock::Unavailable => TerminalLock::Own(LeaderLock::without_lock()),
        }
    }

    /// Waits for the lock with this file name, up to `limit`. Goes on without it if it is not available.
    ///
    /// # Errors
    /// The value that `done` returns while another process holds the lock.
    pub async fn lock_named<T>(
        &self,
        name: &str,
        limit: Duration,
        mut done: impl FnMut() -> Option<T>,
    ) -> Result<LeaderLock, T> {
        let path = self.directory.join(name);
        let ((mut pause, last), mut waited) = (POLL_INTERVALS, Duration::ZERO);
        loop {
            match self.try_lock(&path) {
                TryLock::Locked(file) => return Ok(LeaderLock { file: Some(file), holder: String::new() }),
                TryLock::Busy if waited < limit => {}
                TryLock::Busy | TryLock::Unavailable => return Ok(LeaderLock::without_lock()),
            }
            if let Some(done) = done() {
                return Err(done);
            }
            tokio::time::sleep(pause).await;
            waited += pause;
            pause = (pause * 3 / 2).min(last);
        }
    }

    fn try_lock(&self, path: &Path) -> TryLock {
        if !is_usable(&self.directory) {
            return TryLock::Unavailable;
        }
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(open_flags())
            .open(path);
        let Ok(file) = open else { return TryLock::Unavailable };
        match file.try_lock() {
            Ok(()) => {
                // A sweep may have removed the file after it was opened. Then other processes lock another
                // file.
                let is_same_file =
                    |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
                match (file.metadata(), fs::symlink_metadata(path)) {
                    (Ok(a), Ok(b)) if is_same_file(&a, &b) => TryLock::Locked(file),
                    _ => TryLock::Busy,
                }
            }
            Err(TryLockError::WouldBlock) => TryLock::Busy,
            Err(TryLockError::Error(_)) => TryLock::Unavailable,
        }
    }

    /// Removes lock files that no process has used for a day. Other files in the directory are left alone.
    pub fn remove_stale(&self, now: SystemTime) {
        let is_stale = |entry: &fs::DirEntry| {
            let age = entry.metadata().and_then(|metadata| metadata.modified()).ok();
            age.and_then(|modified| now.duration_since(modified).ok()).is_some_and(|age| age > STALE_LOCK_AGE)
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
                && let TryLock::Locked(_held) = self.try_lock(&entry.path())
            {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Acts on the note of a holder that this process waits for. `None` means to keep waiting.
fn follow<T>(
    LockNote { holder, news }: LockNote,
    key: &CacheKey,
    wait_budget: &mut WaitBudget,
    awaited: &mut Vec<String>,
) -> Option<Acquired<T>> {
    let is_awaited = awaited.contains(&holder);
    match news {
        News::Unwritable => return Some(Acquired::Leader(LeaderLock::without_lock())),
        News::NotCached if is_awaited => return Some(Acquired::Leader(LeaderLock::without_lock())),
        News::Failed { tag, text } if is_awaited && tag == key.failure_scope() => {
            return Some(Acquired::Failed(text));
        }
        News::NotCached | News::Failed { .. } => {}
        News::Heartbeat { at, limit } if at != wait_budget.last_heartbeat => {
            // The holder begins another call, or asks the user first. Extend the limit by the time that this
            // may take.
            wait_budget.last_heartbeat = at;
            wait_budget.limit = wait_budget.waited + CALL_TIMEOUT + limit.min(MAX_USER_TIME);
            awaited.push(holder);
        }
        News::Held | News::Heartbeat { .. } if !is_awaited => awaited.push(holder),
        News::Held | News::Heartbeat { .. } => {}
    }
    None
}

/// Whether the name is that of a lock: a key, or a terminal as in [`SingleFlight::lock_terminal`].
fn is_lock(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.len() == 64 && name.iter().all(u8::is_ascii_hexdigit)
        || name
            .strip_prefix(TERMINAL_LOCK_PREFIX.as_bytes())
            .is_some_and(|rest| rest.iter().all(u8::is_ascii_digit))
}

#[derive(Debug)]
enum TryLock {
    Locked(File),
    Busy,
    Unavailable,
}

impl LeaderLock {
    fn without_lock() -> Self {
        Self { file: None, holder: String::new() }
    }

    fn new(file: File, started: SystemTime) -> Self {
        let holder = format!("{}-{:x}", std::process::id(), nanos(started));
        let lock = Self { file: Some(file), holder };
        // Replaces the note of an earlier holder.
        lock.write(News::Held);
        lock
    }

    /// Leaves a time in the file of a lock from [`SingleFlight::lock_named`], for the next holder.
    pub fn leave_time(&self, time: SystemTime) {
        let Some(mut file) = self.file.as_ref() else { return };
        let text = nanos(time).to_string();
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
    }

    /// Returns the time that the last holder left.
    pub fn left_time(&self) -> Option<SystemTime> {
        let mut text = String::new();
        let mut file = self.file.as_ref()?;
        file.rewind().ok()?;
        file.take(MAX_TIME).read_to_string(&mut text).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(text.parse().ok()?))
    }

    /// Tells the waiting processes that another call begins now. Before the call, the user or a helper
    /// program may take up to `limit`.
    pub fn heartbeat(&mut self, now: SystemTime, limit: Duration) {
        self.write(News::Heartbeat { at: nanos(now), limit });
    }

    /// Tells the waiting processes that the session could not be cached: each makes its own call, all at
    /// once.
    pub fn report_not_cached(self) {
        self.write(News::NotCached);
    }

    /// Tells the waiting processes that the call failed, so that they do not repeat it one after the other.
    pub fn report_failure(self, key: &CacheKey, message: &str) {
        let (failure_scope, text) = (key.failure_scope(), message.to_owned());
        self.write(News::Failed { tag: failure_scope, text });
    }

    fn write(&self, news: News) {
        if let Some(file) = &self.file {
            LockNote { holder: self.holder.clone(), news }.write(file);
        }
    }
}

/// Whether locks in this directory can be trusted. Another user with write permission could hold a lock
/// forever.
fn is_usable(directory: &Path) -> bool {
    private_dir::ensure(directory).is_ok_and(|mode| mode & 0o022 == 0) && !is_remote(directory)
}

/// On NFS (0x6969, statfs(2)) even an attempt to lock may hang forever.
#[cfg(target_os = "linux")]
fn is_remote(directory: &Path) -> bool {
    rustix::fs::statfs(directory).is_ok_and(|stat| stat.f_type == 0x6969)
}

/// Remote file systems are detected on Linux only.
#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Path) -> bool {
    false
}
