//! Identity variables as the lines of an env file.

use super::identity::{Identity, UnsupportedValue};

/// Returns `NAME=value` lines without quotes, because readers of env files, and `export $(…)`, take quotes
/// literally. It leaves out arl's own variables, because an arl in a container that gets the file would look
/// for a source that exists only on this host.
///
/// # Errors
/// A value contains a character that some readers would interpret. Credentials that AWS issues do not.
pub fn dotenv(identity: &Identity) -> Result<String, UnsupportedValue> {
    let mut lines = String::new();
    for (name, value) in identity.variables().into_iter().filter(|(name, _)| name.starts_with("AWS_")) {
        if !value.chars().all(|c| c.is_ascii_alphanumeric() || "+/=_.:,@-".contains(c)) {
            return Err(UnsupportedValue { name });
        }
        lines.push_str(name);
        lines.push('=');
        lines.push_str(&value);
        lines.push('\n');
    }
    Ok(lines)
}
