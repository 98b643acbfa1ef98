//! POSIX shells, bash and zsh.

use std::borrow::Cow;

/// The backslash keeps an alias of that name from being expanded; the semicolon lets an unquoted
/// `eval $(arl …)`, which joins the lines, work as well.
pub(super) fn assume(absent: &[&'static str], variables: &[(&'static str, String)]) -> String {
    let mut text = format!("\\unset {};\n", absent.join(" "));
    for (name, value) in variables {
        text.push_str(&format!("\\export {name}={};\n", quote(value)));
    }
    text
}

/// A subshell, since a bare `exit` would end the shell that evaluates it and `return` is no POSIX statement there.
pub(super) fn failure(status: u8) -> String {
    format!("(exit {status});\n")
}

/// shell-escape leaves a harmless-looking word bare, and zsh expands `=cmd`: the quotes are added there.
pub(super) fn quote(value: &str) -> String {
    match shell_escape::unix::escape(Cow::Borrowed(value)) {
        Cow::Borrowed(bare) => format!("'{bare}'"),
        Cow::Owned(quoted) if quoted.starts_with('\'') => quoted,
        Cow::Owned(bare) => format!("'{bare}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_quoted() {
        for (value, quoted) in [
            ("plain", "'plain'"),
            ("=ls", "'=ls'"),
            ("", "''"),
            ("a'b", r"'a'\''b'"),
            ("'", r"''\'''"),
            ("$(x) `y` \\", r"'$(x) `y` \'"),
        ] {
            assert_eq!(quote(value), quoted, "{value}");
        }
    }
}
