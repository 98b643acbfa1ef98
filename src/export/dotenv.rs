//! Identity variables as the lines of an env file.

use super::identity::{Identity, Unprintable};

/// `NAME=value` lines, without quotes: env files take them literally, and so does `export $(…)`.
///
/// # Errors
/// A value holds a character that some reader of such files would interpret. AWS issues none that does.
pub fn dotenv(identity: &Identity) -> Result<String, Unprintable> {
    let mut lines = String::new();
    for (name, value) in identity.variables() {
        if !value.chars().all(|c| c.is_ascii_alphanumeric() || "+/=_.:,@-".contains(c)) {
            return Err(Unprintable { name });
        }
        lines.push_str(name);
        lines.push('=');
        lines.push_str(&value);
        lines.push('\n');
    }
    Ok(lines)
}
