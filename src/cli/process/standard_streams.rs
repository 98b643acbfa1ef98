//! Standard streams that arl's caller has closed.

use std::io;
use std::os::fd::{AsFd, IntoRawFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Opens `/dev/null` as each of the descriptors 0, 1 and 2 that is closed. Otherwise the next socket or file
/// that arl opens would get its number, and arl would write its output, perhaps a secret, there.
///
/// Reading from standard input and writing to the other two fail as before, because each is open for the
/// opposite direction. A command that arl runs does not inherit it. Must run before anything else is opened.
pub(crate) fn reserve_closed() {
    reserve(&io::stdin(), OFlags::WRONLY);
    reserve(&io::stdout(), OFlags::RDONLY);
    reserve(&io::stderr(), OFlags::RDONLY);
}

/// The system gives the lowest number that is free, so the streams must be passed in their order.
fn reserve(stream: &impl AsFd, direction: OFlags) {
    if rustix::io::fcntl_getfd(stream) == Err(Errno::BADF)
        && let Ok(device) = rustix::fs::open("/dev/null", direction | OFlags::CLOEXEC, Mode::empty())
    {
        // Open to the end of the process.
        let _ = device.into_raw_fd();
    }
}
