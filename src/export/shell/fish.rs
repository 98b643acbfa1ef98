//! Statements for fish.

use super::RoleMemory;
use super::snapshot::{EnvSnapshot, RestorePoint, RestoreRule, ShellState};
use crate::export::identity::{ASSUMED_VARIABLES, IDENTITY_VARIABLES, RegionChange};

/// Refuses to change anything while an identity variable is universal and exported. Such a variable takes
/// effect as soon as no global one hides it, and erasing it would erase it in every other shell.
pub(super) fn guard_universal(text: &mut Vec<u8>) {
    let names = IDENTITY_VARIABLES.join("|");
    let universal = format!("set -nUx | string match -r '^(?:{names})$'");
    let refusal = format!(
        "if {universal} >/dev/null
    echo 'arl: exported universal variables name another identity, and would take effect when the role is dropped; to erase them: set -eU' ({universal}) >&2
    return 1
end
"
    );
    text.extend_from_slice(refusal.as_bytes());
}

/// Saves the previous variables in `__arl_restore`, the region alone in `__arl_region`, the refresh command
/// in `__arl_refresh`, and the arguments of this role and of the one before in `__arl_last` and
/// `__arl_previous`. None of them is exported.
pub(super) fn save_restore_point(
    text: &mut Vec<u8>,
    restore_point: &RestorePoint,
    region: &RegionChange,
    refresh: &[String],
    memory: &RoleMemory,
) {
    match restore_point {
        RestorePoint::Capture(snapshot) => {
            text.extend_from_slice(b"set -gu __arl_restore ");
            text.extend_from_slice(&quote_bytes(&restore(snapshot, region)));
            text.extend_from_slice(b"\nset -gu __arl_region ");
            text.extend_from_slice(&quote_bytes(&restore(&snapshot.only_region(), region)));
            text.push(b'\n');
        }
        RestorePoint::Existing(snapshot) if *region == RegionChange::Unset => {
            let undo = quote_bytes(&restore(snapshot, region));
            text.extend_from_slice(b"if test -n \"$__arl_restore\"\n");
            text.extend_from_slice(REGION_BACK.as_bytes());
            text.extend_from_slice(b"set -gu __arl_restore ");
            text.extend_from_slice(&undo);
            text.extend_from_slice(b"$__arl_restore\nset -gu __arl_region ");
            text.extend_from_slice(&undo);
            text.extend_from_slice(b"\"$__arl_region\"\nend\n");
            for (name, value) in snapshot.regions() {
                text.extend_from_slice(format!("test \"${name}\" = ").as_bytes());
                text.extend_from_slice(&quote_bytes(value));
                text.extend_from_slice(format!("; and set -eg {name}\n").as_bytes());
            }
        }
        RestorePoint::Existing(snapshot) if *region != RegionChange::Keep => {
            text.extend_from_slice(b"test -n \"$__arl_restore\"; and set -gu __arl_restore ");
            text.extend_from_slice(&quote_bytes(&restore(snapshot, region)));
            text.extend_from_slice(b"$__arl_restore\nset -gu __arl_region ");
            text.extend_from_slice(&quote_bytes(&restore(snapshot, region)));
            text.extend_from_slice(b"\"$__arl_region\"\n");
        }
        RestorePoint::Existing(_) => {}
        RestorePoint::Untrusted => text.extend_from_slice(b"set -eg __arl_restore; set -eg __arl_region\n"),
    }
    let quoted = |words: &[String]| words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    text.extend_from_slice(format!("set -gu __arl_refresh {}\n", quoted(refresh)).as_bytes());
    let last = format!("set -gu __arl_last {}\n", quoted(&memory.words));
    let shift = match memory.is_untrusted {
        true => format!("set -gu __arl_previous\n{last}"),
        // Assuming the same role again must not change `__arl_previous`.
        false => format!(
            "if test \"$__arl_last\" != {}\nset -gu __arl_previous $__arl_last\n{last}end\n",
            quote(&memory.words.join(" "))
        ),
    };
    text.extend_from_slice(shift.as_bytes());
}

pub(super) fn assume(text: &mut Vec<u8>, to_unset: &[&'static str], variables: &[(&'static str, String)]) {
    for name in to_unset {
        // Without `-g`, `set -e` would erase a universal variable if there is no global one.
        text.extend_from_slice(format!("set -eg {name};\n").as_bytes());
    }
    for (name, value) in variables {
        text.extend_from_slice(format!("set -gx {name} {};\n", quote(value)).as_bytes());
    }
    // `set` keeps the status of the command before it, and erasing an unset variable fails.
    text.extend_from_slice(b"true\n");
}

/// Returns the statements that restore the previous variables. If `__arl_scope` is `-f`, they restore them
/// only inside the function that evaluates them. So the function can run arl as if the shell had no role, and
/// the shell keeps its role if arl fails.
fn restore(snapshot: &EnvSnapshot, region: &RegionChange) -> Vec<u8> {
    let mut text = b"switch \"$__arl_scope\"\n".to_vec();
    for (case, scope) in [("-f", "-f"), ("'*'", "-g")] {
        text.extend_from_slice(format!("case {case}\n").as_bytes());
        for (name, value, rule) in snapshot.rules(region) {
            let condition = match rule {
                RestoreRule::Always => "true".to_owned(),
                RestoreRule::IfUnset => format!("not set -q {name}"),
                RestoreRule::IfUnchanged(now) => format!("test \"${name}\" = {}", quote(now)),
            };
            text.extend_from_slice(format!("if {condition}; ").as_bytes());
            match (value.map(quote_bytes), scope) {
                (Some(value), "-f") => {
                    text.extend_from_slice(format!("set -fx {name} ").as_bytes());
                    text.extend_from_slice(&value);
                }
                (Some(value), _) => {
                    // The previous variable may have been universal. Then it takes effect again once the
                    // global one is erased.
                    text.extend_from_slice(format!("set -eg {name}; test \"${name}\" = ").as_bytes());
                    text.extend_from_slice(&value);
                    text.extend_from_slice(format!("; or set -gx {name} ").as_bytes());
                    text.extend_from_slice(&value);
                }
                // A local variable that is not exported hides the global one from child processes.
                (None, "-f") => text.extend_from_slice(format!("set -f {name}").as_bytes()),
                (None, _) => text.extend_from_slice(format!("set -eg {name}").as_bytes()),
            }
            text.extend_from_slice(b"; end\n");
        }
    }
    text.extend_from_slice(b"end\n");
    text
}

/// Erases the region that arl set for the role. Used where the previous region is not known.
const UNSET_ROLE_REGION: &str =
    "test -n \"$ARL_REGION\"; and test \"$AWS_REGION\" = \"$ARL_REGION\"; and set -eg AWS_REGION
test -n \"$ARL_REGION\"; and test \"$AWS_DEFAULT_REGION\" = \"$ARL_REGION\"; and set -eg AWS_DEFAULT_REGION
";

/// Restores the region from before the role, if the region is still the role's.
const REGION_BACK: &str = "set -g __arl_scope\neval $__arl_region\nset -eg __arl_scope\n";

pub(super) fn clear(state: ShellState, leftovers: &[&'static str]) -> String {
    let back = "set -g __arl_scope\n    eval $__arl_restore\n    set -eg __arl_scope";
    let region = region_back();
    let forget = "set -eg __arl_restore\nset -eg __arl_refresh\nset -eg __arl_region\n";
    let leftovers = unset(leftovers);
    let all = unset(&ASSUMED_VARIABLES);
    let text = match state {
        ShellState::Role { restore_is_untrusted: false } => {
            format!(
                "if set -qg __arl_restore; and test -n \"$__arl_restore\"\n    {back}\nelse\n{region}    {all}end\n{forget}"
            )
        }
        ShellState::Role { restore_is_untrusted: true } => format!("{UNSET_ROLE_REGION}{all}{forget}"),
        ShellState::NoKeys { restore_is_untrusted: false } => {
            format!(
                "if set -qg __arl_restore; and test -n \"$__arl_restore\"\n    {back}\nelse\n{UNSET_ROLE_REGION}end\n{leftovers}{forget}"
            )
        }
        ShellState::OtherKeys { restore_is_untrusted: false } => format!("{region}{leftovers}{forget}"),
        ShellState::OtherKeys { .. } | ShellState::NoKeys { .. } => {
            format!("{UNSET_ROLE_REGION}{leftovers}{forget}")
        }
    };
    text + "true\n"
}

/// Restores the region from before the role. If that is not known, erases the role's.
fn region_back() -> String {
    format!("if test -n \"$__arl_region\"\n{REGION_BACK}else\n{UNSET_ROLE_REGION}end\n")
}

/// Unsets variables of the role and its region, and keeps the restore point.
pub(super) fn expire(state: ShellState, names: &[&'static str]) -> String {
    let region = if state.restore_is_untrusted() { UNSET_ROLE_REGION.to_owned() } else { region_back() };
    format!("{region}set -eg __arl_region\n{}", unset(names))
}

/// One statement per name, because `set -e` stops at the first unset variable.
pub(super) fn unset(names: &[&'static str]) -> String {
    let mut text: String = names.iter().map(|name| format!("set -eg {name};")).collect();
    text.push_str("true\n");
    text
}

pub(super) fn failure(status: u8) -> String {
    format!("return {status}\n")
}

/// Quotes a value in single quotes, in which fish knows two escapes: `\\` and `\'`.
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

/// As [`quote`], for values that may not be UTF-8.
fn quote_bytes(value: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for &byte in value {
        if byte == b'\'' || byte == b'\\' {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_cannot_swallow_the_closing_quote() {
        assert_eq!(quote(r"x\"), r"'x\\'");
        assert_eq!(quote(r"\';touch X;#"), r"'\\\';touch X;#'");
        assert_eq!(quote_bytes(br"\';touch X;#"), br"'\\\';touch X;#'");
    }
}
