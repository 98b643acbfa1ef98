//! The system calls that no safe crate offers, each behind a thin wrapper. All of arl's unsafe code is here,
//! apart from the entry point in `main.rs`. `process/signals.rs` decides what to do with signals.
#![expect(
    unsafe_code,
    reason = "C's arguments, signal dispositions across execve, numbers of processes that may be 0, the user's time zone, and macOS's way to find a file"
)]

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::process::Pid;

/// Returns the command line. `std::env::args_os` is empty in a program that is linked with musl and has C's
/// `main`.
///
/// # Safety
///
/// `argv` must point to `argc` pointers to strings that end with NUL, as C promises for the arguments of
/// `main`.
pub(crate) unsafe fn arguments_of_main(argc: c_int, argv: *const *const c_char) -> Vec<OsString> {
    let argument = |index| {
        // SAFETY: `index` is below `argc`, and the caller promises the rest.
        let text = unsafe { CStr::from_ptr(*argv.add(index)) };
        OsStr::from_bytes(text.to_bytes()).to_owned()
    };
    (0..usize::try_from(argc).unwrap_or(0)).map(argument).collect()
}

/// What a process does with a signal for which it has no handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    Default,
    Ignore,
}

/// Sets what this process does with a signal. May be called in a signal handler and between `fork` and
/// `execve`.
pub(crate) fn set_disposition(signal: c_int, disposition: Disposition) {
    let action = match disposition {
        Disposition::Default => libc::SIG_DFL,
        Disposition::Ignore => libc::SIG_IGN,
    };
    // SAFETY: async-signal-safe; neither action touches memory of ours.
    unsafe { libc::signal(signal, action) };
}

/// Whether this process ignores a signal.
pub(crate) fn is_ignored(signal: c_int) -> bool {
    // SAFETY: without a new action the call only fills the structure, for which zeroes are a valid value.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
    }
}

/// Sets what a command does with signals when it starts.
pub(crate) fn set_dispositions_of(command: &mut Command, dispositions: Vec<(c_int, Disposition)>) {
    let set = move || {
        dispositions.iter().for_each(|(signal, disposition)| set_disposition(*signal, *disposition));
        Ok(())
    };
    // SAFETY: the closure makes a few system calls and allocates nothing.
    unsafe { command.pre_exec(set) };
}

/// The signals that ask a program to stop.
pub(crate) const TERMINATION: [c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// The descriptor that [`on_signal`] writes to.
static SIGNAL_PIPE: AtomicI32 = AtomicI32::new(-1);
/// The process whose signals [`on_signal`] does not report; 0 if there is none.
static UNREPORTED_SENDER: AtomicI32 = AtomicI32::new(0);
/// The last signal of [`TERMINATION`] that came from the terminal; 0 if there was none.
static TERMINAL_STOP: AtomicI32 = AtomicI32::new(0);

/// Sets the pipe into which [`on_signal`] writes the number of each signal, as one byte.
pub(crate) fn set_signal_pipe(pipe: UnixStream) {
    // The pipe is never closed, because a signal may come at any time.
    SIGNAL_PIPE.store(pipe.into_raw_fd(), Ordering::Relaxed);
}

/// Stops reporting the signals that `sender` sends.
pub(crate) fn ignore_signals_from(sender: Pid) {
    UNREPORTED_SENDER.store(sender.as_raw_nonzero().get(), Ordering::Relaxed);
}

/// Returns the last signal with which the terminal asked arl to stop, if [`report_signal`] was called for it.
pub(crate) fn terminal_stop_signal() -> Option<c_int> {
    Some(TERMINAL_STOP.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
}

/// Installs the handler for a signal, which writes it into the pipe of [`set_signal_pipe`]. It does not write
/// a signal of the terminal, which reaches the whole process group directly.
pub(crate) fn report_signal(signal: c_int) {
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_signal;
    // SAFETY: zeroes are a valid value of the structure, and the handler takes three arguments, as the flag
    // says.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigemptyset(&raw mut action.sa_mask);
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

/// Handles a signal. A handler must neither allocate nor lock, and must preserve `errno` for the code that it
/// interrupts.
extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel passes a valid structure, which says who sent the signal if a process did.
    let (code, sender) = unsafe { ((*info).si_code, (*info).si_pid()) };
    // SAFETY: the location is always valid.
    let errno = unsafe { *errno_location() };
    handle(signal, code, sender);
    // SAFETY: as above.
    unsafe { *errno_location() = errno };
}

fn handle(signal: c_int, code: c_int, sender: c_int) {
    if is_from_terminal(signal, code) {
        if TERMINATION.contains(&signal) {
            TERMINAL_STOP.store(signal, Ordering::Relaxed);
        }
    } else if sender != UNREPORTED_SENDER.load(Ordering::Relaxed) {
        let number = [signal.to_le_bytes()[0]];
        // SAFETY: `write` is async-signal-safe, and the buffer has one byte. If the pipe is full, the signal
        // is lost, but enough others wait in it.
        unsafe { libc::write(SIGNAL_PIPE.load(Ordering::Relaxed), number.as_ptr().cast(), 1) };
    }
}

#[cfg(target_os = "linux")]
unsafe fn errno_location() -> *mut c_int {
    // SAFETY: always allowed.
    unsafe { libc::__errno_location() }
}

#[cfg(not(target_os = "linux"))]
unsafe fn errno_location() -> *mut c_int {
    // SAFETY: always allowed.
    unsafe { libc::__error() }
}

/// The signals that a terminal sends to its foreground process group, or when it closes.
const TERMINAL_SIGNALS: [i32; 5] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGCONT];

/// Whether the kernel sent the signal for the terminal. Source: sigaction(2): the kernel's own codes are
/// above `SI_USER`.
#[cfg(target_os = "linux")]
fn is_from_terminal(signal: c_int, code: c_int) -> bool {
    code > libc::SI_USER && TERMINAL_SIGNALS.contains(&signal)
}

/// Whether the terminal probably sent the signal. macOS gives every signal the same code, and names the
/// process at the other end of the terminal as the sender. So a terminal signal counts as the terminal's
/// while arl is in the foreground process group.
#[cfg(not(target_os = "linux"))]
fn is_from_terminal(signal: c_int, _: c_int) -> bool {
    // SAFETY: all of these calls are async-signal-safe, and the name ends with NUL.
    unsafe {
        let terminal = libc::open(c"/dev/tty".as_ptr(), libc::O_RDONLY | libc::O_NOCTTY | libc::O_CLOEXEC);
        let in_foreground = terminal >= 0 && libc::tcgetpgrp(terminal) == libc::getpgrp();
        libc::close(terminal);
        // A hangup and a continuation are left out, because the command may receive them twice without harm.
        in_foreground
            && TERMINAL_SIGNALS.contains(&signal)
            && ![libc::SIGHUP, libc::SIGCONT].contains(&signal)
    }
}

/// Dies by a signal, as if arl had not caught it. Returns only if that fails.
pub(crate) fn kill_self(signal: i32) {
    // SAFETY: the default action touches no memory of ours, and an empty set of signals is a valid one.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        libc::kill(libc::getpid(), signal);
    }
}

/// Returns the entries of the environment, without copying them.
pub(crate) fn environment() -> Vec<&'static CStr> {
    let mut entries = Vec::new();
    // SAFETY: the list ends with a null pointer. Its strings end with NUL and live as long as the process,
    // because arl never changes its environment.
    unsafe {
        let mut entry = environ();
        while !entry.is_null() && !(*entry).is_null() {
            entries.push(CStr::from_ptr(*entry));
            entry = entry.add(1);
        }
    }
    entries
}

#[cfg(not(target_os = "macos"))]
unsafe fn environ() -> *const *const c_char {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    // SAFETY: every C library has this variable, and no thread changes it.
    unsafe { environ }
}

#[cfg(target_os = "macos")]
unsafe fn environ() -> *const *const c_char {
    // SAFETY: always allowed.
    unsafe { (*libc::_NSGetEnviron()).cast_const().cast() }
}

/// Replaces this process. Returns only if that fails, with the reason.
pub(crate) fn execve(path: &CStr, arguments: &[CString], environment: &[Cow<'static, CStr>]) -> io::Error {
    let arguments: Vec<*const c_char> =
        arguments.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
    let environment: Vec<*const c_char> =
        environment.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
    // SAFETY: both lists end with a null pointer, and their texts, which end with NUL, outlive the call.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Returns the session and the process group of a process, or of this one for 0. Each is 0 if it began
/// outside of this PID namespace, as in `unshare --pid` and some containers. Safe wrappers do not allow for
/// that value.
pub(crate) fn session_and_group(process: i32) -> Option<(i32, i32)> {
    // SAFETY: always allowed.
    let (session, group) = unsafe { (libc::getsid(process), libc::getpgid(process)) };
    (session >= 0 && group >= 0).then_some((session, group))
}

/// Returns the session of a terminal. It is 0 if it began outside of this PID namespace.
pub(crate) fn terminal_session_id(terminal: &impl AsRawFd) -> Option<u32> {
    // SAFETY: always allowed.
    unsafe { libc::tcgetsid(terminal.as_raw_fd()) }.try_into().ok()
}

/// A time in the user's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalTime {
    /// Year, month (from 1) and day.
    pub(crate) date: (i32, u8, u8),
    /// Hour and minute.
    pub(crate) clock: (u8, u8),
    /// The name of the zone at that time, such as `EST`.
    pub(crate) zone: String,
    /// How far the zone is ahead of UTC, in seconds.
    pub(crate) offset: i64,
}

/// The largest file of a time zone that the C library may read. A real one has a few KiB.
const MAX_ZONE_FILE: u64 = 1024 * 1024;

/// Converts a time, in seconds since 1970, to `zone`, which is the value of TZ, else to the zone of
/// `/etc/localtime`. The C library reads both, and takes a zone that it does not know for UTC. Returns `None`
/// if the zone's file is not a regular file of a usual size, because the C library would read it without a
/// limit.
pub(crate) fn local_time(seconds: i64, zone: Option<&OsStr>) -> Option<LocalTime> {
    let path = match zone {
        None => Some(Path::new("/etc/localtime")),
        Some(zone) => {
            let zone = zone.as_bytes();
            Some(Path::new(OsStr::from_bytes(zone.strip_prefix(b":").unwrap_or(zone))))
                .filter(|path| path.is_absolute())
        }
    };
    // The C library takes a missing file for UTC.
    if let Some(Ok(file)) = path.map(std::fs::metadata)
        && !(file.is_file() && file.len() <= MAX_ZONE_FILE)
    {
        return None;
    }
    let seconds = whole(seconds)?;
    // SAFETY: zeroes are a valid value of the structure, which the call fills. No thread of arl changes the
    // environment, which the call reads.
    let time = unsafe {
        let mut time: libc::tm = std::mem::zeroed();
        (!libc::localtime_r(&raw const seconds, &raw mut time).is_null()).then_some(time)?
    };
    // SAFETY: unless it is null, the C library points at a name that it keeps until the zone changes.
    let zone = (!time.tm_zone.is_null()).then(|| unsafe { CStr::from_ptr(time.tm_zone) });
    Some(LocalTime {
        date: (time.tm_year.checked_add(1900)?, whole(time.tm_mon + 1)?, whole(time.tm_mday)?),
        clock: (whole(time.tm_hour)?, whole(time.tm_min)?),
        zone: zone.unwrap_or_default().to_string_lossy().into_owned(),
        offset: whole(time.tm_gmtoff)?,
    })
}

/// Converts a number to one of C's types, whose size depends on the system.
fn whole<N, C: TryFrom<N>>(number: N) -> Option<C> {
    C::try_from(number).ok()
}

/// Returns the executable of a process.
#[cfg(not(target_os = "macos"))]
pub(crate) fn process_executable(process: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{process}/exe")).ok()
}

/// Returns the executable of a process.
#[cfg(target_os = "macos")]
pub(crate) fn process_executable(process: u32) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let mut buffer = vec![0_u8; 4096];
    let (process, size) = (i32::try_from(process).ok()?, u32::try_from(buffer.len()).ok()?);
    // SAFETY: the buffer is as large as said, and the call writes no further.
    let length = unsafe { libc::proc_pidpath(process, buffer.as_mut_ptr().cast(), size) };
    buffer.truncate(usize::try_from(length).ok().filter(|&length| length > 0)?);
    Some(std::ffi::OsString::from_vec(buffer).into())
}

/// Returns the parent of a process.
#[cfg(not(target_os = "macos"))]
pub(crate) fn parent_process(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program, in parentheses, may contain any characters.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// Returns the parent of a process.
#[cfg(target_os = "macos")]
pub(crate) fn parent_process(process: u32) -> Option<u32> {
    let process = i32::try_from(process).ok()?;
    let size = i32::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
    // SAFETY: zeroes are a valid value of the structure, and the call writes no more than its size.
    unsafe {
        let mut info: libc::proc_bsdinfo = std::mem::zeroed();
        let filled =
            libc::proc_pidinfo(process, libc::PROC_PIDTBSDINFO, 0, (&raw mut info).cast(), size) == size;
        filled.then_some(info.pbi_ppid)
    }
}

/// Returns the arguments of a process, the program's name first. Empty without `/proc`.
pub(crate) fn process_arguments(process: u32) -> Vec<String> {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    line.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Returns the children of this process that have ended and that it has not waited for. Empty without
/// `/proc`.
pub(crate) fn ended_children() -> Vec<i32> {
    let own_id = std::process::id().to_string();
    let is_ended_child = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let mut fields = stat.rsplit_once(") ").map(|(_, fields)| fields.split(' ')).into_iter().flatten();
        fields.next() == Some("Z") && fields.next() == Some(&own_id)
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.filter(is_ended_child).collect()
}
