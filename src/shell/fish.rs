//! fish.

/// A universal variable that is exported shines through wherever no global one of that name stands, and
/// erasing it would erase it in every other shell: then nothing is changed.
pub(super) fn assume(absent: &[&'static str], variables: &[(&'static str, String)]) -> String {
    let universal = format!("set -nUx | string match -r '^(?:{})$'", absent.join("|"));
    let mut text = format!(
        "if {universal} >/dev/null
    echo 'arl: universal variables name another identity and cannot be hidden; erase them with: set -eU' ({universal}) >&2
    return 1
end
"
    );
    for name in absent {
        // Never a bare `set -e`, which reaches for the universal variable where there is no other.
        text.push_str(&format!("set -eg {name};\n"));
    }
    for (name, value) in variables {
        text.push_str(&format!("set -gx {name} {};\n", quote(value)));
    }
    // `set` passes the status before it on, and erasing what was not there is a failure.
    text.push_str("true\n");
    text
}

pub(super) fn failure(status: u8) -> String {
    format!("return {status}\n")
}

/// Between single quotes fish knows two escapes: `\\` and `\'`.
pub(super) fn quote(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('\'');
    for c in value.chars() {
        if c == '\'' || c == '\\' {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_cannot_swallow_the_closing_quote() {
        assert_eq!(quote(r"x\"), r"'x\\'");
        assert_eq!(quote(r"\';touch X;#"), r"'\\\';touch X;#'");
    }
}
