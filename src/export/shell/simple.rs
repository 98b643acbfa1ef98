//! Dialects with one statement per line. They save no restore point, because their hooks do that.

/// How a dialect spells its statements.
pub(super) struct SimpleSyntax {
    /// Sets and exports a variable.
    pub(super) set: fn(&str, &str) -> String,
    /// Unsets a variable, which may be unset already.
    pub(super) unset: fn(&str) -> String,
    /// Fails with a status.
    pub(super) failure: fn(u8) -> String,
    /// Sets a variable of the shell, which is not exported, to a list. `None` if arl has no function for the
    /// shell.
    pub(super) list: Option<fn(&str, &[String]) -> String>,
    /// Quotes a value.
    pub(super) quote: fn(&str) -> String,
    /// Whether the dialect can express a value.
    pub(super) accepts: fn(&str) -> bool,
}

impl SimpleSyntax {
    pub(super) fn assume(&self, to_unset: &[&'static str], variables: &[(&'static str, String)]) -> String {
        let set = variables.iter().map(|(name, value)| (self.set)(name, value) + "\n");
        self.unset(to_unset).into_iter().chain(set).collect()
    }

    pub(super) fn unset(&self, names: &[&'static str]) -> Vec<String> {
        names.iter().map(|name| (self.unset)(name) + "\n").collect()
    }
}

/// Quotes each word.
pub(super) fn quote_each(words: &[String], quote: fn(&str) -> String, separator: &str) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(separator)
}

/// For dialects that can express every value.
pub(super) fn accepts_any(_: &str) -> bool {
    true
}
