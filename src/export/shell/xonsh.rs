//! xonsh: `execx($(arl assume ROLE))`.

use super::simple::{SimpleSyntax, accepts_any, quote_each};

pub(super) const SYNTAX: SimpleSyntax = SimpleSyntax {
    set: |name, value| format!("__xonsh__.env['{name}'] = {}", quote(value)),
    unset: |name| format!("__xonsh__.env.pop('{name}', None)"),
    failure: |status| format!("raise RuntimeError('arl failed with status {status}')\n"),
    list: Some(|name, words| format!("{name} = [{}]", quote_each(words, quote, ", "))),
    quote,
    accepts: accepts_any,
};

/// Quotes a value as an ASCII string literal of Python.
fn quote(value: &str) -> String {
    let mut quoted = String::from("'");
    for c in value.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('\'');
    quoted
}
