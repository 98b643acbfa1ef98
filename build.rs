//! What a start costs on Linux with glibc, before `main`. Every shared library takes as long to load as the cache
//! to read, so the unwinder is linked into the program, where the compiler has it as an archive; and a program at a
//! fixed address has none of the SDK's 8,600 addresses to set right. Stack, heap and libraries stay at random ones.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(static_unwinder)");
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    let is_native = std::env::var("HOST").ok() == std::env::var("TARGET").ok();
    if target("OS") != "linux" || target("ENV") != "gnu" || !is_native {
        return;
    }
    println!("cargo:rustc-link-arg-bins=-no-pie");
    let found = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    let path =
        found.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    // The compiler repeats the bare name of what it does not have.
    if let Some(directory) = Path::new(&path).parent().filter(|_| Path::new(&path).is_absolute()) {
        println!("cargo:rustc-link-search=native={}", directory.display());
        println!("cargo:rustc-cfg=static_unwinder");
    }
}
