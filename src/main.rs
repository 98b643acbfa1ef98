//! `arl`: assumes AWS IAM roles and hands the temporary credentials to a shell, a command, a file or a
//! program.
//!
//! The entry point is C's `main` rather than Rust's. Before Rust's `main` runs, the standard library ignores
//! SIGPIPE and opens `/dev/null` for each of the descriptors 0, 1 and 2 that is closed. `arl exec` replaces
//! itself with the command, which would inherit both changes and behave differently from the same command
//! started without arl. The README promises that it behaves the same. arl does both in its own way, which no
//! command inherits: see `process/signals.rs` and `process/standard_streams.rs`.

#![cfg_attr(not(test), no_main)]

mod cli;

use std::ffi::{c_char, c_int};

/// musl's allocator returns each free page to the kernel at once and soon asks for it again. That accounted
/// for 20 of the 49 system calls of a cached `arl exec`; see decision 0032.
#[cfg(all(target_env = "musl", not(test)))]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[cfg_attr(not(test), unsafe(no_mangle))]
#[expect(unsafe_code, reason = "the C runtime calls `main` by its name, with raw pointers")]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: these are the arguments that the C runtime passes to `main`.
    let arguments = unsafe { cli::sys::arguments_of_main(argc, argv) };
    cli::run(arguments).into()
}
