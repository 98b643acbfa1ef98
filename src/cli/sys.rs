//! The few system calls that no safe crate offers. All of arl's unsafe code is here.
#![expect(
    unsafe_code,
    reason = "C's arguments, signal dispositions across execve, numbers of processes that may be 0, and macOS's way to find a file"
)]

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use rustix::process::Pid;

static ARGUMENTS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Returns the command line. `std::env::args_os` is empty in a program that is linked with musl and has C's `main`.
pub(crate) fn arguments() -> &'static [OsString] {
    ARGUMENTS.get().map_or(&[], Vec::as_slice)
}

/// Stores the command line for [`arguments`] and returns it.
///
/// # Safety
///
/// `argv` must point to `argc` pointers to strings that end with NUL and live as long as the process, as C promises
/// for the arguments of `main`.
pub(crate) unsafe fn set_arguments(argc: c_int, argv: *const *const c_char) -> &'static [OsString] {
    let argument = |index| {
        // SAFETY: `index` is below `argc`, and the caller promises the rest.
        let text = unsafe { CStr::from_ptr(*argv.add(index)) };
        OsStr::from_bytes(text.to_bytes()).to_owned()
    };
    ARGUMENTS.get_or_init(|| (0..usize::try_from(argc).unwrap_or(0)).map(argument).collect())
}

/// Whether whoever started arl ignores SIGPIPE.
static CALLER_IGNORES_SIGPIPE: AtomicBool = AtomicBool::new(false);

/// Notes what the caller does with SIGPIPE, and ignores it: a write to a closed pipe is then an error that
/// can be handled. Must run before anything else, since nothing tells later what it was.
pub(crate) fn ignore_sigpipe() {
    // SAFETY: `signal` with these constants touches no memory of ours, and no other thread runs yet.
    let caller_action = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    CALLER_IGNORES_SIGPIPE.store(caller_action == libc::SIG_IGN, Ordering::Relaxed);
}

/// Whether the limit of a file's size would have killed arl.
static CALLER_SIGXFSZ_DEFAULT: AtomicBool = AtomicBool::new(false);
/// Whether whoever started arl does not want to hear of processes that end.
static CALLER_IGNORES_SIGCHLD: AtomicBool = AtomicBool::new(false);

/// For whatever writes files or starts programs: a limit of a file's size is an error that can be handled, and programs
/// can be waited for. Must run before there is another thread.
pub(crate) fn install_signal_policy() {
    // SAFETY: `signal` with these constants touches no memory of ours.
    unsafe {
        if libc::signal(libc::SIGXFSZ, libc::SIG_IGN) == libc::SIG_DFL {
            CALLER_SIGXFSZ_DEFAULT.store(true, Ordering::Relaxed);
        }
        if is_ignored(libc::SIGCHLD) {
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            CALLER_IGNORES_SIGCHLD.store(true, Ordering::Relaxed);
        }
    }
}

/// Lets the command that comes next have the signals as arl's caller had them.
pub(crate) fn restore_signal_policy() {
    let set = |signal, action| {
        // SAFETY: async-signal-safe; neither action touches memory of ours.
        unsafe { libc::signal(signal, action) };
    };
    let pipe = if CALLER_IGNORES_SIGPIPE.load(Ordering::Relaxed) { libc::SIG_IGN } else { libc::SIG_DFL };
    set(libc::SIGPIPE, pipe);
    if CALLER_SIGXFSZ_DEFAULT.load(Ordering::Relaxed) {
        set(libc::SIGXFSZ, libc::SIG_DFL);
    }
    if CALLER_IGNORES_SIGCHLD.load(Ordering::Relaxed) {
        set(libc::SIGCHLD, libc::SIG_IGN);
    }
}

/// The same for a command that runs beside arl.
pub(crate) fn inherit_signal_policy(command: &mut Command) {
    let restore = || {
        restore_signal_policy();
        Ok(())
    };
    // SAFETY: the closure makes a few system calls and allocates nothing.
    unsafe { command.pre_exec(restore) };
}

/// What is passed on to a command that runs beside arl.
const FORWARDED: [i32; 11] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    // A timer or a descriptor that arl's process has from whoever started it: `perl -e 'alarm 9; exec @ARGV'`.
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGIO,
    // Whoever has stopped the command may know only arl's process.
    libc::SIGCONT,
];

/// The process that runs beside arl: what it sends to its group has reached it already.
static CHILD_PID: AtomicI32 = AtomicI32::new(0);

/// From now on signals of this process are not reported any more.
pub(crate) fn ignore_signals_from(child: Pid) {
    CHILD_PID.store(child.as_raw_nonzero().get(), Ordering::Relaxed);
}

/// Where [`on_signal`] writes to.
static SIGNAL_PIPE: AtomicI32 = AtomicI32::new(-1);

/// The last signal of [`TERMINATION`] that came from the terminal; 0 before.
static TERMINAL_STOP: AtomicI32 = AtomicI32::new(0);

/// The signal by which the person at the terminal has asked to stop, once [`forward_signals_to`] listens.
pub(crate) fn terminal_stop_signal() -> Option<i32> {
    Some(TERMINAL_STOP.load(Ordering::Relaxed)).filter(|&signal| signal != 0)
}

/// Writes the number of each signal that a process sends to arl into `pipe`. The terminal's are left out, as they
/// reach the whole process group; with `stops`, a stop is reported too, and does nothing by itself. Ignored signals stay ignored.
pub(crate) fn forward_signals_to(pipe: UnixStream, stops: bool) {
    // Kept open to the end of the process: a signal may come at any time.
    SIGNAL_PIPE.store(pipe.into_raw_fd(), Ordering::Relaxed);
    for signal in
        FORWARDED.into_iter().chain(stops.then_some(libc::SIGTSTP)).filter(|&signal| !is_ignored(signal))
    {
        let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_signal;
        // SAFETY: zeroes are a valid value of the structure, and the handler is one that takes three arguments, as the
        // flag says.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            libc::sigemptyset(&raw mut action.sa_mask);
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Neither allocates nor locks, as a handler must not, and calls only what a handler may.
extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel hands in a valid structure, which says who has sent the signal if a process has.
    let (code, sender) = unsafe { ((*info).si_code, (*info).si_pid()) };
    // SAFETY: always valid. The interrupted code keeps its `errno`.
    let errno = unsafe { *errno_location() };
    if is_from_terminal(signal, code) {
        if TERMINATION.contains(&signal) {
            TERMINAL_STOP.store(signal, Ordering::Relaxed);
        }
    } else if sender != CHILD_PID.load(Ordering::Relaxed) {
        let number = [signal.to_le_bytes()[0]];
        // SAFETY: the descriptor stays open, and one byte is there to be read. A full pipe holds signals enough.
        unsafe { libc::write(SIGNAL_PIPE.load(Ordering::Relaxed), number.as_ptr().cast(), 1) };
    }
    // SAFETY: as above.
    unsafe { *errno_location() = errno };
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

/// What a terminal sends to its foreground group, or at its end.
const TERMINAL_SIGNALS: [i32; 5] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGCONT];

/// Source: sigaction(2); the kernel's own codes are above `SI_USER`.
#[cfg(target_os = "linux")]
fn is_from_terminal(signal: c_int, code: c_int) -> bool {
    code > libc::SI_USER && TERMINAL_SIGNALS.contains(&signal)
}

/// macOS gives every signal the same code, and the sender of the terminal's is whoever holds the other end of it. They
/// go to the group in the foreground, so in there they are taken for the terminal's.
#[cfg(not(target_os = "linux"))]
fn is_from_terminal(signal: c_int, _: c_int) -> bool {
    // SAFETY: async-signal-safe, all of them; the name ends with NUL.
    unsafe {
        let terminal = libc::open(c"/dev/tty".as_ptr(), libc::O_RDONLY | libc::O_NOCTTY | libc::O_CLOEXEC);
        let in_foreground = terminal >= 0 && libc::tcgetpgrp(terminal) == libc::getpgrp();
        libc::close(terminal);
        // A hangup is harmless if it comes twice, and so is a continuation.
        in_foreground
            && TERMINAL_SIGNALS.contains(&signal)
            && ![libc::SIGHUP, libc::SIGCONT].contains(&signal)
    }
}

/// Dies by a signal, as if arl had not caught it. Comes back only if that cannot be done.
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
    // SAFETY: the list ends with a null pointer. Its strings end with NUL and live as long as the process, because arl
    // never changes its environment.
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

/// Replaces this process. Comes back only with the reason why not.
pub(crate) fn execve(path: &CStr, arguments: &[CString], environment: &[Cow<'static, CStr>]) -> io::Error {
    let arguments: Vec<*const c_char> =
        arguments.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
    let environment: Vec<*const c_char> =
        environment.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
    // SAFETY: both lists end with a null pointer, and their texts, which end with NUL, outlive the call.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// The signals that ask a program to stop.
pub(crate) const TERMINATION: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// Whether whoever started arl wants this signal to be ignored.
pub(crate) fn is_ignored(signal: i32) -> bool {
    // SAFETY: without a new action the call only fills the structure, for which zeroes are a valid value.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
    }
}

/// Lets the signals that arl listened to do again what they do by default; the ignored ones stay ignored.
pub(crate) fn restore_defaults() {
    for signal in TERMINATION.into_iter().filter(|&signal| !is_ignored(signal)) {
        // SAFETY: the default action touches no memory of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// The session and the process group of a process, or of this one for 0. Each is 0 where it began outside of this PID
/// namespace, as in `unshare --pid` and some containers; safe crates take that for impossible.
pub(crate) fn session_and_group(process: i32) -> Option<(i32, i32)> {
    // SAFETY: always allowed.
    let (session, group) = unsafe { (libc::getsid(process), libc::getpgid(process)) };
    (session >= 0 && group >= 0).then_some((session, group))
}

/// The session of a terminal, 0 as above.
pub(crate) fn terminal_session_id(terminal: &impl AsRawFd) -> Option<u32> {
    // SAFETY: always allowed.
    unsafe { libc::tcgetsid(terminal.as_raw_fd()) }.try_into().ok()
}

/// The executable of a process.
#[cfg(not(target_os = "macos"))]
pub(crate) fn process_executable(process: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{process}/exe")).ok()
}

/// The executable of a process.
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
