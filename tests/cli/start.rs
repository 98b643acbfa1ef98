//! What `build.rs` does for a quick start, which nothing else would miss if it were lost.

use std::path::Path;

/// The paths in `build.rs`'s list that are arl's own, as words: `3arl3cli4plan` is arl, cli, plan.
fn own_paths() -> Vec<Vec<String>> {
    let script = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs")).unwrap();
    let mangled = script.lines().filter_map(|line| line.trim().strip_prefix("\"3arl")?.strip_suffix("\","));
    mangled.map(words).collect()
}

fn words(mut mangled: &str) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(end) = mangled.find(|c: char| !c.is_ascii_digit()).filter(|&end| end > 0) {
        let length: usize = mangled[..end].parse().unwrap();
        words.push(mangled[end..][..length].to_owned());
        mangled = &mangled[end + length..];
    }
    words
}

#[test]
fn every_module_that_is_listed_as_warm_exists() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let paths = own_paths();
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        // A function in a module, or a module that is a file or a directory.
        let is_module = |words: &[String]| {
            let place = source.join(words.join("/"));
            place.is_dir() || place.with_extension("rs").is_file()
        };
        let is_function = path.split_last().is_some_and(|(name, module)| {
            let text = |file: &str| std::fs::read_to_string(source.join(module.join("/")).join(file));
            let file = source.join(module.join("/")).with_extension("rs");
            let text = std::fs::read_to_string(file).or_else(|_| text("mod.rs")).unwrap_or_default();
            text.contains(&format!("fn {name}"))
        });
        assert!(is_module(&path) || is_function, "build.rs names {path:?}");
    }
}

/// With a linker of the person's own choice there is no such section, as `build.rs` says.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn what_a_warm_call_runs_lies_together() {
    let output = std::process::Command::new("readelf")
        .args(["--section-headers", "--wide", env!("CARGO_BIN_EXE_arl")])
        .output()
        .expect("readelf, from binutils");
    let headers = String::from_utf8_lossy(&output.stdout);
    let warm = headers.lines().find(|line| line.contains(" .text.warm "));
    let size = warm.and_then(|line| line.split_whitespace().rev().nth(5)).expect(&headers);
    let size = u64::from_str_radix(size, 16).expect(size);
    assert!((100_000..8_000_000).contains(&size), "{size} bytes");
}
