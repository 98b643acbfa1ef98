//! The note in a lock file, which tells the waiting processes what the lock holder is doing.
//!
//! | Note | Meaning |
//! | --- | --- |
//! | one byte, zero | The holder could not write a note, for instance on a full disk. |
//! | `held HOLDER⏎` | The holder has the lock and has begun no call yet. |
//! | `busy HOLDER AT SECONDS⏎` | A call begins at `AT`. A question before it may take up to `SECONDS`. |
//! | `unkept HOLDER⏎` | The session could not be cached: each waiting process makes its own call. |
//! | `failed HOLDER TAG LENGTH⏎TEXT⏎` | The call failed. `TEXT`, of `LENGTH` bytes, is the holder's error. |
//!
//! `HOLDER` names the process that holds the lock. A note counts only for the processes that waited for this
//! holder, because a note may be old, and a wrong clock makes times useless. `AT` is in nanoseconds since
//! 1970 and only distinguishes one heartbeat from the next. `TAG` is
//! [`CacheKey::failure_scope`](super::key::CacheKey::failure_scope): a process that would call with another
//! secret or through another network does not share the failure.
//!
//! A reader accepts only complete notes, because it may read while the holder writes.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::private_dir::open_flags;

/// The longest note that arl reads, in bytes. A failure has a few lines.
const MAX_NOTE: u64 = 16 * 1024;

/// A note and the process that left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockNote {
    pub(crate) holder: String,
    pub(crate) news: News,
}

/// The report of a lock holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    Unwritable,
    Held,
    Heartbeat { at: u128, limit: Duration },
    NotCached,
    Failed { tag: String, text: String },
}

impl LockNote {
    /// Reads the note of a lock file.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let file = OpenOptions::new().read(true).custom_flags(open_flags()).open(path).ok()?;
        let mut text = String::new();
        file.take(MAX_NOTE).read_to_string(&mut text).ok()?;
        Self::parse(&text)
    }

    /// Replaces the note of a lock file. If the disk is full, it sets the length of the file to 1, which
    /// leaves one zero byte and takes no disk space.
    pub(super) fn write(&self, mut file: &File) {
        let mut written = file.set_len(0).and_then(|()| file.rewind());
        written = written.and_then(|()| file.write_all(self.to_string().as_bytes()));
        if written.is_err() {
            let _ = file.set_len(0).and_then(|()| file.set_len(1));
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "\0" {
            return Some(Self { holder: String::new(), news: News::Unwritable });
        }
        let (head, rest) = text.split_once('\n')?;
        let mut fields = head.split(' ');
        let kind = fields.next()?;
        let holder = fields.next()?.to_owned();
        let news = match kind {
            "held" => News::Held,
            "busy" => {
                let at = fields.next()?.parse().ok()?;
                News::Heartbeat { at, limit: Duration::from_secs(fields.next()?.parse().ok()?) }
            }
            "unkept" => News::NotCached,
            "failed" => {
                let tag = fields.next()?.to_owned();
                let length: usize = fields.next()?.parse().ok()?;
                let text = rest.strip_suffix('\n').filter(|text| text.len() == length)?.to_owned();
                News::Failed { tag, text }
            }
            _ => return None,
        };
        Some(Self { holder, news })
    }
}

impl fmt::Display for LockNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { holder, news } = self;
        match news {
            News::Unwritable => f.write_str("\0"),
            News::Held => writeln!(f, "held {holder}"),
            News::Heartbeat { at, limit } => writeln!(f, "busy {holder} {at} {}", limit.as_secs()),
            News::NotCached => writeln!(f, "unkept {holder}"),
            News::Failed { tag, text } => writeln!(f, "failed {holder} {tag} {}\n{text}", text.len()),
        }
    }
}

/// Converts a time to the form that notes use.
pub(super) fn nanos(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_a_whole_or_not_at_all() {
        for news in [
            News::Held,
            News::Heartbeat { at: 1, limit: Duration::from_secs(60) },
            News::NotCached,
            News::Failed { tag: "ab".into(), text: "AccessDenied: no\n  hint".into() },
            News::Failed { tag: "ab".into(), text: String::new() },
        ] {
            let note = LockNote { holder: "77-1f".into(), news };
            let text = note.to_string();
            assert_eq!(LockNote::parse(&text), Some(note), "{text}");
            for end in 0..text.len() {
                assert_eq!(LockNote::parse(&text[..end]), None, "{:?}", &text[..end]);
            }
        }
    }
}
