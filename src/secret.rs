//! Texts that must never be shown by accident.

use std::fmt;

use zeroize::Zeroizing;

/// A secret: neither printed nor logged, and wiped from memory when dropped.
///
/// The only way in is [`Secret::expose`], so that searching for it finds every place where a secret leaves.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself.
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
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", super::Secret::new("hunter2".into())), "Secret(…)");
    }
}
