//! Patterns that select roles: a part of a name, or a whole name with `*`.

/// A pattern of the user's: a part of a text, or a whole text in which `*` matches any part. Case does not
/// matter.
pub(crate) struct Pattern(Vec<String>, bool);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        let is_whole = text.contains('*');
        Self(text.to_lowercase().split('*').map(str::to_owned).collect(), is_whole)
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        let Self(parts, is_whole) = self;
        let text = text.to_lowercase();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return true };
        if !is_whole {
            return text.contains(first.as_str());
        }
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for part in &parts[1..parts.len() - 1] {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last.as_str())
    }
}
