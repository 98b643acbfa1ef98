//! cmd.exe: `for /f "delims=" %i in ('arl assume ROLE --shell cmd') do @%i`.

use super::simple::SimpleSyntax;

pub(super) const SYNTAX: SimpleSyntax = SimpleSyntax {
    set: |name, value| format!("set \"{name}={value}\""),
    unset: |name| format!("set \"{name}=\""),
    failure: |status| format!("exit /b {status}\n"),
    list: None,
    quote: |value| format!("\"{value}\""),
    accepts,
};

/// These characters cannot be quoted reliably in cmd.exe. AWS issues none of them.
fn accepts(value: &str) -> bool {
    !value.contains(['"', '%', '!', '^', '&', '|', '<', '>'])
}
