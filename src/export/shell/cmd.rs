//! cmd.exe: `for /f "delims=" %i in ('arl assume ROLE --shell cmd') do @%i`.

use super::simple::Syntax;

pub(super) const SYNTAX: Syntax = Syntax {
    set: |name, value| format!("set \"{name}={value}\""),
    unset: |name| format!("set \"{name}=\""),
    failure: |status| format!("exit /b {status}\n"),
    quote: |value| format!("\"{value}\""),
    can_hold,
};

/// These characters cannot be quoted reliably in cmd.exe. AWS issues none of them.
fn can_hold(value: &str) -> bool {
    !value.contains(['"', '%', '!', '^', '&', '|', '<', '>'])
}
