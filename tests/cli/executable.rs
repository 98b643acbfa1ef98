//! How the program is linked.

use std::process::Command;

use crate::support::binary;

/// A credentials tool without address-space randomization of its own code fails every hardening scan. The
/// build for musl also loads no library, which is why it starts faster.
#[test]
fn the_program_is_position_independent() {
    let binary = binary();
    let output =
        Command::new("readelf").args(["-hlW"]).arg(&binary).output().expect("readelf, from binutils");
    let headers = String::from_utf8_lossy(&output.stdout);
    assert!(headers.contains("DYN (Position-Independent Executable file)"), "{headers}");
    if binary.to_string_lossy().contains("-unknown-linux-musl/") {
        assert!(!headers.contains("INTERP"), "{headers}");
    }
}
