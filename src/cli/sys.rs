//! The few system calls that no safe crate offers. All of arl's unsafe code is here.
#![expect(
    unsafe_code,
    reason = "signal dispositions across execve, and macOS's way to find a process's file"
)]

use std::ffi::{CStr, CString, c_char};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether whoever started arl ignores SIGPIPE.
static CALLER_IGNORES_SIGPIPE: AtomicBool = AtomicBool::new(false);

/// Notes what the caller does with SIGPIPE, and ignores it: a write to a closed pipe is then an error that
/// can be handled. Must run before anything else, since nothing tells later what it was.
pub(super) fn ignore_sigpipe() {
    // SAFETY: `signal` with these constants touches no memory of ours, and no other thread runs yet.
    let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    CALLER_IGNORES_SIGPIPE.store(before == libc::SIG_IGN, Ordering::Relaxed);
}

/// Lets the command that comes next have SIGPIPE as arl's caller had it.
pub(super) fn restore_callers_sigpipe() {
    if !CALLER_IGNORES_SIGPIPE.load(Ordering::Relaxed) {
        // SAFETY: the default action touches no memory of ours.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
}

/// Replaces this process. Comes back only with the reason why not.
pub(super) fn execve(path: &CStr, arguments: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |texts: &[CString]| -> Vec<*const c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: both lists end with a null pointer, and their texts, which end with NUL, outlive the call.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// The signals that ask a program to stop.
pub(super) const STOPPING: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// Whether whoever started arl wants this signal to be ignored.
pub(super) fn is_ignored(signal: i32) -> bool {
    // SAFETY: without a new action the call only fills the structure, for which zeroes are a valid value.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
    }
}

/// Lets the signals that arl listened to do again what they do by default; the ignored ones stay ignored.
pub(super) fn stop_listening() {
    for signal in STOPPING.into_iter().filter(|&signal| !is_ignored(signal)) {
        // SAFETY: the default action touches no memory of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// The executable of a process.
#[cfg(not(target_os = "macos"))]
pub(super) fn executable(process: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{process}/exe")).ok()
}

/// The executable of a process.
#[cfg(target_os = "macos")]
pub(super) fn executable(process: u32) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let mut buffer = vec![0_u8; 4096];
    let (process, size) = (i32::try_from(process).ok()?, u32::try_from(buffer.len()).ok()?);
    // SAFETY: the buffer is as large as said, and the call writes no further.
    let length = unsafe { libc::proc_pidpath(process, buffer.as_mut_ptr().cast(), size) };
    buffer.truncate(usize::try_from(length).ok().filter(|&length| length > 0)?);
    Some(std::ffi::OsString::from_vec(buffer).into())
}
