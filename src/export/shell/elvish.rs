//! elvish: `eval (arl assume ROLE | slurp)`.

use super::simple::{SimpleSyntax, accepts_any, quote_each};

pub(super) const SYNTAX: SimpleSyntax = SimpleSyntax {
    set: |name, value| format!("set-env {name} {}", quote(value)),
    unset: |name| format!("unset-env {name}"),
    failure: |status| format!("fail 'arl failed with status {status}'\n"),
    list: Some(|name, words| format!("var {name} = [{}]", quote_each(words, quote, " "))),
    quote,
    accepts: accepts_any,
};

/// Quotes a value in double quotes, with an escape for every byte that is not printable ASCII.
fn quote(value: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            0x20..=0x7e => quoted.push(char::from(byte)),
            _ => quoted.push_str(&format!("\\x{byte:02x}")),
        }
    }
    quoted.push('"');
    quoted
}
