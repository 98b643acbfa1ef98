//! Text that must never be printed by accident.

use std::fmt;

use zeroize::Zeroizing;

/// A secret. It is neither printed nor logged, and it is wiped from memory when dropped.
///
/// [`Secret::expose`] is the only way to read it, so a search for that name finds every place where a secret
/// is used.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Returns the secret.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn debug_output_is_redacted() {
        assert_eq!(format!("{:?}", super::Secret::new("hunter2".into())), "Secret(…)");
    }
}
