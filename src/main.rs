//! `arl`: assumes AWS IAM roles and hands the temporary credentials to whatever needs them.
//!
//! Rust's usual start-up would ignore SIGPIPE and open closed descriptors before anybody could look, and the
//! command that `arl exec` becomes would differ from one that is run bare; so this is C's `main`.
#![cfg_attr(not(test), no_main)]

mod cli;

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

#[cfg_attr(not(test), unsafe(no_mangle))]
#[expect(unsafe_code, reason = "C's main is handed raw pointers")]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let count = usize::try_from(argc).unwrap_or(0);
    let argument = |index| {
        // SAFETY: C promises `argc` pointers to texts that end with NUL and live as long as the process.
        let text = unsafe { CStr::from_ptr(*argv.add(index)) };
        OsStr::from_bytes(text.to_bytes()).to_owned()
    };
    let arguments: Vec<OsString> = (0..count).map(argument).collect();
    cli::run(arguments).into()
}

// Puts the unwinder into the program, which then loads one shared library less (`build.rs`).
#[cfg(static_unwinder)]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
#[expect(unsafe_code, reason = "a block of foreign functions, though an empty one")]
unsafe extern "C" {}

/// The SDK's pauses between attempts are the only user of the C library's mathematics, which would be loaded at
/// every start.
#[cfg(static_unwinder)]
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "takes the place of C's function of this name")]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}
