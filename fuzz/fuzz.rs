//! The fuzzer's program: `run.sh` starts it once for each target of `src/fuzz/`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

/// The target to run.
static TARGET: LazyLock<String> =
    LazyLock::new(|| std::env::var("ARL_FUZZ_TARGET").expect("ARL_FUZZ_TARGET names a target"));

fuzz_target!(|data: &[u8]| arl::fuzz::run(&TARGET, data));
