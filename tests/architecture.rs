//! The layers of `src/`: which folder may use which, and that no two files use each other in a circle. Files and
//! comments have a limit, too.
//!
//! ARCHITECTURE.md explains the layers. A new arrow that breaks them fails here with its file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The library's modules. Each may use only what stands before it, and itself.
const LIBRARY: [&str; 22] = [
    "encoding",
    "files",
    "links",
    "error",
    "digest",
    "secret",
    "arn",
    "credentials",
    "lambda",
    "request",
    "process",
    "keys",
    "profiles",
    "source",
    "sts",
    "cache",
    "provider",
    "console",
    "endpoint",
    "login",
    "export",
    "fuzz",
];

/// The folders of the command line. Each may use the library, and of these only what stands before it, and
/// itself.
const CLI: [&str; 11] =
    ["sys", "ui", "env", "roles", "eval", "process", "args", "plan", "session", "serve", "commands"];

/// Where the process's environment, home directory, clock and terminal may be touched.
const OUTSIDE: [&str; 3] = ["src/cli/env/", "src/cli/sys.rs", "src/cli/ui/"];
const TOUCHES: [&str; 8] = [
    "std::env::",
    "SystemTime::now",
    ".is_terminal()",
    "\"/dev/tty\"",
    "current_exe()",
    "temp_dir()",
    "Utc::now",
    "termios",
];

/// Where types of the AWS SDK may be named.
const SDK: [&str; 2] = ["src/sts/", "src/provider/"];

/// One use of a module by a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: String,
    line: usize,
    to: String,
}

/// Every source file with its text: comments, strings' contents and unit tests blanked out, line by line.
fn sources() -> BTreeMap<String, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = BTreeMap::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of src").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                let name = path.strip_prefix(root).expect("below the root").display().to_string();
                let end = text.find("\nmod tests {").unwrap_or(text.len());
                let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
                // `https://` in a string would look like a comment; nothing that matters stands behind one.
                sources.insert(name, text[..end].lines().map(code).collect());
            }
        }
    }
    sources
}

/// The module that a file is: `cli::plan::hop` for `src/cli/plan/hop.rs`.
fn module_of(file: &str) -> Vec<String> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib" || last == "main") {
        parts.pop();
    }
    parts
}

/// The paths that a text uses, with groups taken apart: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expand(path: &str) -> Vec<String> {
    let path = path.trim();
    let Some(open) = path.find('{') else {
        return vec![path.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let (prefix, group) = (&path[..open], path[open + 1..].trim_end_matches(['}', ' ', '\n']));
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    let group = format!("{group},");
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(group[start..index].trim().to_owned());
                start = index + 1;
            }
            _ => {}
        }
    }
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.flat_map(|part| expand(&format!("{prefix}{part}"))).collect()
}

/// All arrows between files of `src`, from `use` items and from paths that are written out.
fn arrows(sources: &BTreeMap<String, Vec<String>>) -> Vec<Arrow> {
    let files: BTreeMap<Vec<String>, &String> =
        sources.keys().filter(|file| *file != "src/main.rs").map(|file| (module_of(file), file)).collect();
    let mut arrows = BTreeSet::new();
    for (file, lines) in sources {
        let own = module_of(file);
        let is_folder = file.ends_with("/mod.rs") || own.is_empty();
        let children: Vec<&str> = lines.iter().filter_map(|line| child(line)).collect();
        let mut index = 0;
        while index < lines.len() {
            let line = index + 1;
            let trimmed = lines[index].trim_start();
            let visible = trimmed.strip_prefix("pub").map_or(trimmed, |rest| {
                rest.trim_start_matches("(crate)").trim_start_matches("(super)").trim_start()
            });
            let mut paths = Vec::new();
            if let Some(rest) = visible.strip_prefix("use ") {
                let mut text = rest.to_owned();
                while !text.contains(';') && index + 1 < lines.len() {
                    index += 1;
                    text.push_str(&lines[index]);
                }
                paths.extend(expand(text.split(';').next().unwrap_or_default()));
            } else {
                for marker in ["crate::", "super::"] {
                    for (at, _) in trimmed.match_indices(marker) {
                        if !trimmed[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                            let end =
                                trimmed[at..].find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
                            paths.push(trimmed[at..end.map_or(trimmed.len(), |end| at + end)].to_owned());
                        }
                    }
                }
            }
            index += 1;
            for path in paths {
                let mut parts: Vec<String> = path.split("::").map(str::to_owned).collect();
                let mut base = Vec::new();
                match parts[0].as_str() {
                    "crate" => {
                        parts.remove(0);
                    }
                    "super" => {
                        base = own.clone();
                        while parts.first().is_some_and(|part| part == "super") {
                            parts.remove(0);
                            base.pop();
                        }
                    }
                    "self" => {
                        parts.remove(0);
                        base = own.clone();
                    }
                    first if children.contains(&first) => base = own.clone(),
                    _ => continue,
                }
                base.extend(parts);
                // The longest beginning that is a file; what follows is an item in it.
                while !files.contains_key(&base) && !base.is_empty() {
                    base.pop();
                }
                let Some(to) = files.get(&base) else { continue };
                if *to != file && !(is_folder && base == own) {
                    arrows.insert(Arrow { from: file.clone(), line, to: (*to).clone() });
                }
            }
        }
    }
    arrows.into_iter().collect()
}

/// The module that a line declares.
fn child(line: &str) -> Option<&str> {
    let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
    line.strip_prefix("mod ")?.strip_suffix(';')
}

/// Where a file stands: the layer's number, and the name of its folder.
fn layer(file: &str) -> Option<(usize, String)> {
    let module = module_of(file);
    let first = module.first()?;
    if first != "cli" {
        let number = LIBRARY.iter().position(|layer| layer == first);
        return Some((number.unwrap_or_else(|| panic!("{file} is in no layer")), first.clone()));
    }
    let Some(folder) = module.get(1) else { return Some((usize::MAX, "cli".into())) };
    let number = CLI.iter().position(|layer| layer == folder);
    Some((100 + number.unwrap_or_else(|| panic!("{file} is in no layer")), format!("cli/{folder}")))
}

#[test]
fn every_folder_uses_only_what_stands_before_it() {
    let sources = sources();
    let is_upward = |arrow: &&Arrow| {
        // The root of the library names everything.
        let (Some((from, _)), Some((to, _))) = (layer(&arrow.from), layer(&arrow.to)) else { return false };
        to > from
    };
    let arrows = arrows(&sources);
    assert!(arrows.len() > 300, "only {} arrows were found", arrows.len());
    let wrong: Vec<String> = arrows
        .iter()
        .filter(is_upward)
        .map(|arrow| format!("{}:{} uses {}", arrow.from, arrow.line, arrow.to))
        .collect();
    assert!(wrong.is_empty(), "lower layers use upper ones:\n{}", wrong.join("\n"));
    let of_library: Vec<String> = sources
        .iter()
        .filter(|(file, _)| !file.starts_with("src/cli/") && *file != "src/main.rs")
        .flat_map(|(file, lines)| {
            lines
                .iter()
                .enumerate()
                .filter(|(_, line)| line.contains("cli::"))
                .map(move |(i, _)| format!("{file}:{}", i + 1))
        })
        .collect();
    assert!(of_library.is_empty(), "the library names the command line: {of_library:?}");
}

#[test]
fn no_two_files_use_each_other_in_a_circle() {
    let sources = sources();
    let arrows = arrows(&sources);
    // Takes away the files that use nothing that is left, until only circles are left.
    let mut left: BTreeSet<&String> = sources.keys().collect();
    loop {
        let ground: Vec<&String> = left
            .iter()
            .filter(|file| !arrows.iter().any(|arrow| &arrow.from == **file && left.contains(&arrow.to)))
            .copied()
            .collect();
        if ground.is_empty() {
            break;
        }
        left.retain(|file| !ground.contains(file));
    }
    // And those that only lead into a circle.
    loop {
        let top: Vec<&String> = left
            .iter()
            .filter(|file| !arrows.iter().any(|arrow| &arrow.to == **file && left.contains(&arrow.from)))
            .copied()
            .collect();
        if top.is_empty() {
            break;
        }
        left.retain(|file| !top.contains(file));
    }
    let circle = arrows.iter().filter(|arrow| left.contains(&arrow.from) && left.contains(&arrow.to));
    let circle: Vec<String> =
        circle.map(|arrow| format!("{}:{} uses {}", arrow.from, arrow.line, arrow.to)).collect();
    assert!(circle.is_empty(), "files use each other in a circle:\n{}", circle.join("\n"));
}

/// What a reader sees at once is short.
#[test]
fn files_and_lines_of_comments_have_a_limit() {
    let scripts = fs::read_dir("shell").expect("the scripts").flatten();
    let mut files: Vec<PathBuf> = scripts.map(|entry| entry.path()).collect();
    files.extend(sources().into_keys().map(PathBuf::from));
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        let (name, count) = (file.display(), text.lines().count());
        if name.to_string().starts_with("src") && count > 400 {
            wrong.push(format!("{name} has {count} lines"));
        }
        for (index, line) in text.lines().enumerate() {
            let is_comment = line.trim_start().starts_with("//")
                || (line.trim_start().starts_with('#') && !line.trim_start().starts_with("#["));
            if is_comment && line.chars().count() > 110 {
                wrong.push(format!("{name}:{} has {} columns", index + 1, line.chars().count()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lines_of_documents_have_a_limit() {
    let mut wrong = Vec::new();
    for directory in [".", "docs", "docs/decisions"] {
        for entry in fs::read_dir(directory).expect("the documents").flatten() {
            let file = entry.path();
            if file.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let text = fs::read_to_string(&file).expect("a document");
            // A table and an address cannot be broken, and code has rules of its own.
            let mut is_code = false;
            for (index, line) in text.lines().enumerate() {
                is_code ^= line.starts_with("```");
                let is_prose = !is_code && !line.starts_with('|') && !line.contains("://");
                if is_prose && line.chars().count() > 110 {
                    wrong.push(format!("{}:{}", file.display(), index + 1));
                }
            }
            if file.ends_with("ARCHITECTURE.md") && text.lines().count() > 150 {
                wrong.push("ARCHITECTURE.md has more than 150 lines".to_owned());
            }
        }
    }
    assert!(wrong.is_empty(), "lines of more than 110 columns:\n{}", wrong.join("\n"));
}

#[test]
fn the_outside_is_touched_in_few_places() {
    let mut wrong = Vec::new();
    let mut sources = sources();
    // Tests: one writes the manual pages, the other has a variable for its size.
    sources.remove("src/cli/commands/man.rs");
    sources.remove("src/fuzz/smoke.rs");
    for (file, lines) in sources {
        for (index, line) in lines.iter().enumerate() {
            let place = format!("{file}:{} {}", index + 1, line.trim());
            if !OUTSIDE.iter().any(|place| file.starts_with(place))
                && TOUCHES.iter().any(|touch| line.contains(touch))
            {
                wrong.push(format!("environment, clock or terminal: {place}"));
            }
            let is_sdk = line.contains("aws_") && line.contains("::") && !line.contains('"');
            if is_sdk && !SDK.iter().any(|place| file.starts_with(place)) {
                wrong.push(format!("the AWS SDK: {place}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
