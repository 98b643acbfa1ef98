//! xonsh: `execx($(arl assume ROLE))`.

use super::simple::{Syntax, everything};

pub(super) const SYNTAX: Syntax = Syntax {
    set: |name, value| format!("__xonsh__.env['{name}'] = {}", quote(value)),
    unset: |name| format!("__xonsh__.env.pop('{name}', None)"),
    failure: |status| format!("raise RuntimeError('arl failed with status {status}')\n"),
    quote,
    can_hold: everything,
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
