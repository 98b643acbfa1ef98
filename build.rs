//! What a start costs on Linux with glibc, before `main` and in it.
//!
//! Every shared library takes as long to load as the cache to read, so the unwinder is linked into the program, where
//! the compiler has it as an archive; and a program at a fixed address has none of the SDK's 8,600 addresses to set
//! right. Stack, heap and libraries stay at random ones. What a warm call runs lies together: the kernel maps a program
//! 64 KiB at a time, and functions that are spread over the SDK's four megabytes cost more to map than to run.

use std::path::Path;
use std::process::Command;

/// The functions that a warm call runs, by parts of their names as the compiler writes them (each name of a path after
/// its length, or between dots). What is not found costs time and nothing else; `make bench` shows how much.
const WARM: &[&str] = &[
    // arl's own, by module.
    "3arl3cli3run",
    "3arl3cli3hot",
    "3arl3cli4exec",
    "3arl3cli6assume",
    "3arl3cli6obtain8identity",
    "3arl3cli7context",
    "3arl3cli4plan",
    "3arl3cli4hops",
    "3arl3cli12sts_settings",
    "3arl3cli8endpoint",
    "3arl3cli6caches",
    "3arl3cli6output",
    "3arl3cli9core_dump",
    "3arl3cli3why3why",
    "3arl3cli3sys",
    "3arl6config",
    "3arl4role",
    "3arl12role_profile",
    "3arl3arn",
    "3arl6source",
    "3arl7request",
    "3arl12session_name",
    "3arl5cache",
    "3arl8encoding",
    "3arl11credentials",
    "3arl8identity",
    "3arl6render",
    "arl..arn",
    "arl..cache",
    "arl..cli..plan",
    "arl..cli..hops",
    "drop_in_place$LT$arl..cli..arguments",
    "arl..cli..context",
    "arl..config",
    "arl..credentials",
    "arl..identity",
    "arl..request",
    "arl..role",
    "arl..source",
    "arl..sts..StsSettings",
    "3arl3sts10handed_out4read",
    // The standard library's, with what it makes of arl's types.
    "3std3sys4args",
    "GenericShunt",
    "RF$T$u20$as$u20$core..fmt..D",
    "3std2fs4read5inner",
    "3std2fsNtB5_11OpenOptions",
    "3std2io19default_read_to_end",
    "3std2io5Write9write_all",
    "3std2io5stdio",
    "3std2io8buffered9bufwriter",
    "3std3env",
    "3std3sys2fs4unix",
    "3std3sys3env",
    "3std3sys3pal4unix4time",
    "3std3sys4sync4once5futex",
    "3std4path",
    "3std4sync9once_lock",
    "4core3fmt5write",
    "4core3fmtNtB*_9Formatter",
    "4core3fmt8builders",
    "4core3fmteNtB5_5Debug",
    "4core3net6parser",
    "4core6option15Option$LT$T$GT$11map_or_else",
    "4core3numt16from_ascii_radix",
    "4core3str",
    "4core4bstr",
    "4core4hash",
    "4core5slice6memchr",
    "5alloc11collections5btree3map",
    "5alloc3ffi",
    "5alloc3fmt",
    "5alloc3str",
    "5alloc6string",
    "5alloc7raw_vec",
    "7___rustc12",
    "alloc..collections..btree",
    "core..fmt..builders",
    "core..fmt..num",
    "core..hash..sip",
    "core..iter..adapters..chain",
    "core..option..Option$LT$T$GT$$u20$as$u20$core..fmt",
    "spec_from_iter",
    "into_iter..IntoIter$LT$alloc..string..String",
    // Of other packages.
    "10serde_core",
    "10serde_json",
    "4itoa",
    "4ring4hmac",
    "4ring6digest",
    "4ring8polyfill9once_cell",
    "9hashbrown3raw",
    "4Once15call_once_force",
    "humantime..date",
    "itoa..",
    "serde_json..",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(static_unwinder)");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let target = |part: &str| variable(&format!("CARGO_CFG_TARGET_{part}"));
    let is_native = variable("HOST") == variable("TARGET");
    if target("OS") != "linux" || target("ENV") != "gnu" || !is_native {
        return;
    }
    println!("cargo:rustc-link-arg-bins=-no-pie");
    put_warm_functions_together();
    let found = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    let path =
        found.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    // The compiler repeats the bare name of what it does not have.
    if let Some(directory) = Path::new(&path).parent().filter(|_| Path::new(&path).is_absolute()) {
        println!("cargo:rustc-link-search=native={}", directory.display());
        println!("cargo:rustc-cfg=static_unwinder");
    }
}

/// Adds a section for them, which GNU ld and LLVM's both understand; with a linker of the person's own choice nothing is
/// added.
fn put_warm_functions_together() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let is_chosen =
        variable("CARGO_ENCODED_RUSTFLAGS").contains("link") || !variable("RUSTC_LINKER").is_empty();
    if is_chosen {
        return;
    }
    let warm: String = WARM.iter().map(|part| format!("*(.text.*{part}*)\n")).collect();
    let start = "*crt1.o(.text)\n*(.text.main)";
    let script = format!("SECTIONS {{ .text.warm : {{\n{start}\n{warm}}} }} INSERT BEFORE .text;\n");
    let path = Path::new(&variable("OUT_DIR")).join("warm.ld");
    if std::fs::write(&path, script).is_ok() {
        println!("cargo:rustc-link-arg-bins=-Xlinker");
        println!("cargo:rustc-link-arg-bins=-T{}", path.display());
    }
}
