//! Values that name a file: `file://PATH`, as in the AWS CLI.

use std::io;
use std::path::Path;

use arl::internal::files;

use crate::cli::ui::error::CliError;

const SCHEME: &str = "file://";

/// Returns the text of the file that a value names, or the value itself. `origin` is the flag or parameter
/// that the value comes from.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn read(origin: &str, value: String) -> Result<String, CliError> {
    let Some(path) = value.strip_prefix(SCHEME) else {
        let is_file = value.ends_with(".json") && Path::new(&value).is_file();
        return if is_file { Err(names_file(origin, &value)) } else { Ok(value) };
    };
    files::read_text(Path::new(path), files::MAX_DOCUMENT).map_err(|error| {
        CliError::usage(format!("{origin} names the file `{path}`, which cannot be read")).caused_by(error)
    })
}

/// The error for the name of a file without the scheme.
fn names_file(origin: &str, path: &str) -> CliError {
    let flag = if origin.starts_with("--") { format!("{origin} ") } else { String::new() };
    CliError::usage(format!("{origin} must be JSON, but `{path}` is the name of a file"))
        .hint(format!("to read the file: {flag}{SCHEME}{path}"))
}

/// Returns an argument that names the same file in every directory: `file://PATH`, or `--flag=file://PATH`.
///
/// # Errors
/// There is no current directory.
pub(crate) fn absolute(argument: &str) -> io::Result<String> {
    match argument.split_once(SCHEME) {
        Some((flag, path)) if flag.is_empty() || flag.ends_with('=') => {
            Ok(format!("{flag}{SCHEME}{}", std::path::absolute(path)?.display()))
        }
        _ => Ok(argument.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_paths_change() {
        let here = std::path::absolute("p.json").expect("a current directory");
        let here = here.display();
        for (argument, expected) in [
            ("file://p.json", format!("file://{here}")),
            ("--policy=file://./p.json", format!("--policy=file://{here}")),
            ("file:///etc/p.json", "file:///etc/p.json".to_owned()),
            ("a file://p.json", "a file://p.json".to_owned()),
            ("{}", "{}".to_owned()),
        ] {
            assert_eq!(absolute(argument).expect("a current directory"), expected);
        }
    }
}
