//! The public names, compared with a snapshot: a change of the API is a decision, not an accident.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the names that a module makes public, each with the condition under which it exists.
fn names(path: &str, text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut condition = String::new();
    let mut is_hidden = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(cfg) = line.strip_prefix("#[cfg(") {
            condition = format!("    if {}", cfg.trim_end_matches(")]"));
            continue;
        }
        if line == "#[doc(hidden)]" {
            is_hidden = true;
            continue;
        }
        if line.starts_with("#[") || line.starts_with("///") {
            continue;
        }
        let mut add = |name: &str| {
            if !is_hidden {
                names.push(format!("{path}::{name}{condition}"));
            }
        };
        if let Some(used) = line.strip_prefix("pub use ") {
            let mut used = used.to_owned();
            while !used.contains(';') {
                used.push_str(lines.next().unwrap());
            }
            let used = used.trim_end_matches(';');
            match used.split_once('{') {
                Some((_, group)) => {
                    group
                        .trim_end_matches('}')
                        .split(',')
                        .map(str::trim)
                        .filter(|name| !name.is_empty())
                        .for_each(add);
                }
                None => add(used.rsplit("::").next().unwrap()),
            }
        } else if let Some(item) = line.strip_prefix("pub ") {
            let mut words = item.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            match (words.next().unwrap(), words.next().unwrap()) {
                ("mod", name) if !is_hidden => {
                    let path = format!("{path}::{name}");
                    let inside = self::names(&path, &module(name));
                    names.extend(inside.into_iter().map(|inside| format!("{inside}{condition}")));
                }
                (_, name) => add(name),
            }
        }
        condition.clear();
        is_hidden = false;
    }
    names
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Returns the text of a module without its unit tests.
fn module(name: &str) -> String {
    let folder = root().join("src");
    let text = fs::read_to_string(folder.join(name).join("mod.rs"))
        .or_else(|_| fs::read_to_string(folder.join(format!("{name}.rs"))))
        .unwrap();
    text.split("\nmod tests {").next().unwrap().to_owned()
}

#[test]
fn the_public_names_are_those_of_the_snapshot() {
    let mut names = names("arl", &module("lib"));
    names.sort();
    let snapshot = root().join("tests/library/public_api.txt");
    let text = names.join("\n") + "\n";
    if std::env::var_os("ARL_TEST_UPDATE").is_some() {
        fs::write(&snapshot, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(snapshot).unwrap(), "ARL_TEST_UPDATE=1 accepts the new names");
}

#[test]
fn every_public_type_has_one_path() {
    let names = names("arl", &module("lib"));
    let mut types: Vec<&str> =
        names.iter().map(|name| name.split(' ').next().unwrap().rsplit("::").next().unwrap()).collect();
    let count = types.len();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types.len(), count, "{names:#?}");
    assert!(count > 20, "{names:#?}");
}

#[test]
fn the_readme_shows_the_example_that_the_documentation_compiles() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split("## Library").nth(1).unwrap().split("\n## ").next().unwrap();
    let code: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert!(code.len() > 5, "{section}");
    let guide = fs::read_to_string(root().join("docs/library.md")).unwrap();
    let block = guide.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    let documentation = module("lib");
    for line in code.into_iter().chain(block.lines().filter(|line| !line.is_empty())) {
        assert!(documentation.contains(&format!("//! {line}\n")), "src/lib.rs does not have `{line}`");
    }
}
