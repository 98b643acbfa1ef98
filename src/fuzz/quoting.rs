//! The quoting of each dialect, against a model of how its shell reads a quoted word.

use super::text_parts;
use crate::credentials::Credentials;
use crate::export::shell::{RestorePoint, RoleMemory, Shell, ShellUpdate};
use crate::export::{Identity, RegionChange, dotenv};
use crate::secret::Secret;

/// Checks that each shell reads a quoted value as one word with that value, and that `assume` refuses control
/// characters.
pub(super) fn quoting(data: &[u8]) {
    let Some([value]) = text_parts::<1>(data) else { return };
    for shell in Shell::ALL {
        if can_quote(shell, value) {
            let quoted = shell.quote(value);
            assert_eq!(read_back(shell, &quoted).as_deref(), Some(value), "{shell:?}: {quoted}");
        }
        assume(shell, value);
    }
    let _ = dotenv(&identity(value)).map(|lines| assert_eq!(lines.lines().count(), 2));
}

/// Whether `assume` may have to quote the value.
fn can_quote(shell: Shell, value: &str) -> bool {
    match shell {
        Shell::Tcsh | Shell::PowerShell => !value.chars().any(char::is_control),
        Shell::Cmd => !value.chars().any(|c| c.is_control() || "\"%!^&|<>".contains(c)),
        _ => !value.contains('\0'),
    }
}

fn identity(value: &str) -> Identity {
    let keys = Credentials::new("ASIAX".into(), Secret::new("secret".into()), None, None).expect("keys");
    let source = value.to_owned();
    Identity {
        credentials: keys,
        name: None,
        role_arn: None,
        source,
        region: RegionChange::Keep,
        user_region: None,
    }
}

fn assume(shell: Shell, value: &str) {
    let refresh = vec!["assume".to_owned(), value.to_owned()];
    let identity = identity(value);
    let memory = RoleMemory { words: refresh.clone(), is_untrusted: false, is_for_function: true };
    let restore_point = RestorePoint::Untrusted;
    let update = ShellUpdate { identity: &identity, restore_point, refresh, memory };
    let Ok(text) = shell.assume(&update) else { return };
    let text = String::from_utf8(text).expect("a value that is text");
    assert!(!value.chars().any(char::is_control), "{shell:?} takes a control character: {value:?}");
    assert!(can_quote(shell, value), "{shell:?} takes {value:?}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{shell:?} prints a control character");
    match shell {
        Shell::Nushell => {
            let object: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(object["ARL_SOURCE"], value);
        }
        Shell::Cmd => assert!(text.contains(&format!("set \"ARL_SOURCE={value}\"\n"))),
        _ => assert!(text.contains(&shell.quote(value)), "{shell:?}: {text}"),
    }
}

/// Returns the value that the shell reads from a quoted word. `None` if the text is not one quoted word.
fn read_back(shell: Shell, quoted: &str) -> Option<String> {
    let inner = |quote: char| quoted.strip_prefix(quote)?.strip_suffix(quote);
    match shell {
        Shell::Posix | Shell::Bash | Shell::Zsh | Shell::Tcsh => posix(quoted, shell == Shell::Tcsh),
        Shell::Fish => escaped(inner('\'')?, '\'', &|_| None),
        Shell::Nushell => serde_json::from_str(quoted).ok(),
        Shell::Elvish => elvish(inner('"')?),
        Shell::Xonsh => escaped(inner('\'')?, '\'', &|digits| {
            let code = digits.strip_prefix('U')?.get(..8)?;
            Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, 9))
        }),
        Shell::PowerShell => doubled(inner('\'')?),
        Shell::Cmd => Some(inner('"')?.to_owned()),
    }
}

/// Reads single-quoted parts, and between them backslashes that quote one character each. In csh `!` is
/// special even in single quotes.
fn posix(quoted: &str, is_csh: bool) -> Option<String> {
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => loop {
                match chars.next()? {
                    '\'' => break,
                    '!' if is_csh => return None,
                    c => value.push(c),
                }
            },
            '\\' => value.push(chars.next().filter(|&c| c != '\n')?),
            _ => return None,
        }
    }
    (!quoted.is_empty()).then_some(value)
}

/// Reads a string in which a backslash quotes itself and the quote. `more` reads other escapes and returns
/// the character and the number of bytes. `None` for a backslash before anything else.
fn escaped(inner: &str, quote: char, more: &dyn Fn(&str) -> Option<(char, usize)>) -> Option<String> {
    let mut value = String::new();
    let mut rest = inner;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        value.push(match c {
            '\\' => {
                let next = rest.chars().next()?;
                let (c, length) = if next == '\\' || next == quote { (next, 1) } else { more(rest)? };
                rest = &rest[length..];
                c
            }
            c if c == quote => return None,
            c => c,
        });
    }
    Some(value)
}

/// Reads a double-quoted string of elvish, in which `\xNN` is a byte.
fn elvish(inner: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'"' => return None,
            b'\\' => match rest.next()? {
                byte @ (b'"' | b'\\') => byte,
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                _ => return None,
            },
            byte if byte.is_ascii() && !byte.is_ascii_control() => byte,
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Reads a string of PowerShell, to which five characters are a single quote. Any of them ends the string
/// unless another one follows.
fn doubled(inner: &str) -> Option<String> {
    let is_quote = |c: &char| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
    let mut value = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if is_quote(&c) {
            // The first of the two is the value.
            chars.next().filter(is_quote)?;
        }
        value.push(c);
    }
    Some(value)
}
