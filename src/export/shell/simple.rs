//! Dialects whose statements stand one in a line, with nothing to remember: the shell's own hook does that.

/// How such a shell spells things.
pub(super) struct Syntax {
    /// Sets and exports a variable.
    pub(super) set: fn(&str, &str) -> String,
    /// Unsets a variable, which may be unset already.
    pub(super) unset: fn(&str) -> String,
    /// Fails with a status.
    pub(super) failure: fn(u8) -> String,
    /// Quotes a value.
    pub(super) quote: fn(&str) -> String,
    /// Whether the shell has a spelling for the value.
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

/// For shells that can hold whatever gets this far.
pub(super) fn everything(_: &str) -> bool {
    true
}
