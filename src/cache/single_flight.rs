//! Single flight: of all processes that want the same session, one gets it.
//!
//! The lock is the kernel's and dies with its holder. It is only ever tried, never waited for: a blocked lock
//! on a network file system cannot be interrupted. It is advisory: whoever cannot lock goes ahead alone, since
//! a second call does no harm.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::OFlags;

use super::key::CacheKey;
use super::private_dir::is_roots_in_a_home;

/// Between two looks at the lock, at first and at last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(4), Duration::from_millis(40));
/// A call ends before this.
const CALL: Duration = Duration::from_secs(25);
/// A lock file of this age is of no use to anybody.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// What the locks of terminals are called, before the terminal's session.
const TURN: &str = "terminal-";
/// A failure's text is a few lines.
const MAX_NOTE: u64 = 16 * 1024;

/// Where the locks are.
#[derive(Debug, Clone)]
pub struct SingleFlight {
    directory: PathBuf,
}

/// How long one process has waited for others, and may: one bound for all roles of a chain.
#[derive(Debug, Clone)]
pub struct Patience {
    waited: Duration,
    bound: Duration,
    /// The last sign of life that has moved the bound.
    last_sign: u128,
}

impl Default for Patience {
    fn default() -> Self {
        Self { waited: Duration::ZERO, bound: CALL, last_sign: 0 }
    }
}

/// What came of waiting.
#[derive(Debug)]
pub enum Flight {
    /// Nobody else is at it: go ahead, and tell by [`Flying::failed`] if it fails.
    Ahead(Flying),
    /// Somebody has it done: the session is in the cache.
    Landed,
    /// Somebody has tried since, and this is what they told of their failure.
    Failed(String),
}

/// The lock, if there is one. Dropping it lets the next one go ahead.
#[derive(Debug)]
pub struct Flying {
    file: Option<File>,
    /// What tells this holder from others in the notes that it leaves.
    holder: String,
}

impl SingleFlight {
    /// Locks in this directory, which is made when the first one is taken.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Waits until the session has landed, or it is this process's turn to get it.
    ///
    /// `landed` looks for the session; `waiting` is called after each look with the time spent so far, on this lock and
    /// others before it.
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
                    // It may have landed, or come down, between the last look and the lock.
                    if landed() {
                        return Flight::Landed;
                    }
                    return match note(&path).filter(|note| awaited.contains(&note.holder)) {
                        // Left as it is, and the lock given back, for the others who wait.
                        Some(Note { news: News::Unkept, .. }) => Flight::Ahead(Flying::none()),
                        Some(Note { news: News::Failed { circumstances, text }, .. })
                            if circumstances == key.circumstances() =>
                        {
                            Flight::Failed(text)
                        }
                        _ => Flight::Ahead(Flying::begin(file, started)),
                    };
                }
                Attempt::Impossible => return Flight::Ahead(Flying::none()),
                Attempt::Busy => {}
            }
            if landed() {
                return Flight::Landed;
            }
            if let Some(Note { holder, at, news }) = note(&path) {
                let is_awaited = awaited.contains(&holder);
                match news {
                    News::Mute => return Flight::Ahead(Flying::none()),
                    News::Busy { limit } => {
                        if !is_awaited {
                            awaited.push(holder);
                        }
                        if at != patience.last_sign {
                            // Another call has begun, or a person has been asked, who is given their time.
                            patience.last_sign = at;
                            patience.bound = patience.waited + CALL + limit;
                        }
                    }
                    News::Unkept if is_awaited => return Flight::Ahead(Flying::none()),
                    News::Failed { circumstances, text }
                        if is_awaited && circumstances == key.circumstances() =>
                    {
                        return Flight::Failed(text);
                    }
                    News::Unkept | News::Failed { .. } => {}
                }
            }
            if patience.waited > patience.bound {
                return Flight::Ahead(Flying::none());
            }
            tokio::time::sleep(pause).await;
            patience.waited += pause;
            waiting(patience.waited);
            pause = (pause * 3 / 2).min(last);
        }
    }

    /// Waits for the turn of a terminal's session, for as long as `limit`; without one where none can be had.
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
                Attempt::Busy | Attempt::Impossible => return Flying::none(),
            }
        }
    }

    /// Whether somebody has the turn of a terminal's session now.
    pub fn is_turn_taken(&self, terminal: u32) -> bool {
        let open = OpenOptions::new()
            .read(true)
            .custom_flags(unfollowed())
            .open(self.directory.join(format!("{TURN}{terminal}")));
        open.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn try_lock(&self, path: &Path) -> Attempt {
        if prepare(&self.directory).is_none() {
            return Attempt::Impossible;
        }
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(unfollowed())
            .open(path);
        let Ok(file) = open else { return Attempt::Impossible };
        match file.try_lock() {
            Ok(()) => {
                // A sweep may have taken the file away after it was opened; then others lock another one.
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

    /// Takes lock files away that nobody has used for a day. Others' files in the directory are left alone.
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

/// Whether the name is a key's, or that of a [`SingleFlight::turn`].
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
    fn none() -> Self {
        Self { file: None, holder: String::new() }
    }

    fn begin(file: File, started: SystemTime) -> Self {
        let holder = format!("{}-{:x}", std::process::id(), nanos(started));
        let mut flying = Self { file: Some(file), holder };
        // Takes the place of what an earlier holder has left, and tells those who wait whom they wait for.
        flying.busy(started, Duration::ZERO);
        flying
    }

    /// Lets those who wait know that another call begins now, before which a person, or a program of theirs, is asked for
    /// up to this long.
    pub fn busy(&mut self, now: SystemTime, limit: Duration) {
        // Without the note they may give up too early.
        self.write("busy", now, &format!(" {}\n", limit.as_secs()));
    }

    /// Tells those who wait that the session is there and could not be kept for them: each has to get its own, and
    /// not one after the other.
    pub fn unkept(mut self, now: SystemTime) {
        self.write("unkept", now, "\n");
    }

    /// Tells those who wait that it has failed, so that they do not all try the same one after the other.
    pub fn failed(mut self, key: &CacheKey, now: SystemTime, text: &str) {
        let tag = key.circumstances();
        self.write("failed", now, &format!(" {tag} {}\n{text}\n", text.len()));
    }

    /// Replaces the note. Readers take a note as a whole or not at all. Where the disk has no room for one, the file
    /// becomes one byte that was never written and needs no room: waiting for this holder would tell nothing.
    fn write(&mut self, kind: &str, now: SystemTime, rest: &str) {
        let Some(file) = &mut self.file else { return };
        let text = format!("{kind} {} {}{rest}", self.holder, nanos(now));
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
        if written.is_err() {
            let _ = file.set_len(0).and_then(|()| file.set_len(1));
        }
    }
}

/// Neither a link is followed, nor a pipe waited for.
fn unfollowed() -> i32 {
    i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default()
}

fn nanos(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}

/// What a lock holder lets the waiting processes know: `KIND HOLDER AT …`, see [`Note::parse`].
#[derive(Debug)]
struct Note {
    holder: String,
    /// Nanoseconds since 1970, by the holder's clock. Only tells one note from the next.
    at: u128,
    news: News,
}

#[derive(Debug)]
enum News {
    /// The holder could not write a note.
    Mute,
    /// A call begins; before it a person or a program is asked for up to `limit`.
    Busy { limit: Duration },
    /// The session could not be cached.
    Unkept,
    /// The call failed. `circumstances` stands for the secret key and the way to the network.
    Failed { circumstances: String, text: String },
}

impl Note {
    fn parse(text: &str) -> Option<Self> {
        if text == "\0" {
            return Some(Self { holder: String::new(), at: 0, news: News::Mute });
        }
        let (head, rest) = text.split_once('\n')?;
        let mut words = head.split(' ');
        let kind = words.next()?;
        let holder = words.next()?.to_owned();
        let at = words.next()?.parse().ok()?;
        let news = match kind {
            "busy" => News::Busy { limit: Duration::from_secs(words.next()?.parse().ok()?) },
            "unkept" => News::Unkept,
            "failed" => {
                let circumstances = words.next()?.to_owned();
                let length: usize = words.next()?.parse().ok()?;
                let text = rest.strip_suffix('\n')?.to_owned();
                if text.len() != length {
                    return None;
                }
                News::Failed { circumstances, text }
            }
            _ => return None,
        };
        Some(Self { holder, at, news })
    }
}

fn note(path: &Path) -> Option<Note> {
    let mut text = String::new();
    let mut file = OpenOptions::new().read(true).custom_flags(unfollowed()).open(path).ok()?;
    Read::by_ref(&mut file).take(MAX_NOTE).read_to_string(&mut text).ok()?;
    Note::parse(&text)
}

/// A directory of our own, or nothing: whoever may write to it could hold us up.
fn prepare(directory: &Path) -> Option<()> {
    if is_roots_in_a_home(directory)
        || DirBuilder::new().recursive(true).mode(0o700).create(directory).is_err()
    {
        return None;
    }
    let found = fs::symlink_metadata(directory).ok()?;
    let is_ours =
        found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0;
    (is_ours && !is_remote(directory)).then_some(())
}

/// On NFS (0x6969, statfs(2)) even trying a lock may hang for good.
#[cfg(target_os = "linux")]
fn is_remote(directory: &Path) -> bool {
    rustix::fs::statfs(directory).is_ok_and(|found| found.f_type == 0x6969)
}

/// Elsewhere nobody has told us how to see it.
#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Path) -> bool {
    false
}
