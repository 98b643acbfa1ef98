//! Dialects with one statement per line that save nothing: their hooks do that.

/// How a dialect spells its statements.
pub(super) struct Syntax {
    /// Sets and exports a variable.
    pub(super) set: fn(&str, &str) -> String,
    /// Unsets a variable, which may be unset already.
    pub(super) unset: fn(&str) -> String,
    /// Fails with a status.
    pub(super) failure: fn(u8) -> String,
    /// Quotes a value.
    pub(super) quote: fn(&str) -> String,
    /// Whether the dialect can express a value.
    pub(super) can_hold: fn(&str) -> bool,
}

impl Syntax {
    pub(super) fn assume(&self, absent: &[&'static str], variables: &[(&'static str, String)]) -> String {
        let set = variables.iter().map(|(name, value)| (self.set)(name, value) + "\n");
        self.unset(absent).into_iter().chain(set).collect()
    }

    pub(super) fn unset(&self, names: &[&'static str]) -> Vec<String> {
        names.iter().map(|name| (self.unset)(name) + "\n").collect()
    }
}

/// For dialects that can express every value.
pub(super) fn everything(_: &str) -> bool {
    true
}
