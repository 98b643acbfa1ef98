//! Commands with placeholders that the user configures, such as `ARL_BROWSER`.

/// A command line, split into arguments. No shell reads it, so the value of a placeholder is never code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandTemplate(Vec<String>);

impl CommandTemplate {
    /// Splits a command line at whitespace. Quotes and backslashes work as in a shell; no other character is
    /// special.
    ///
    /// # Errors
    /// There is no word, or a quote is not closed. The error says which.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            match (quote, char) {
                (None, char) if char.is_whitespace() => words.extend(word.take()),
                (None, '\'' | '"') => {
                    quote = Some(char);
                    word.get_or_insert_default();
                }
                (Some(open), char) if open == char => quote = None,
                (None | Some('"'), '\\') => {
                    let escaped = chars.next().ok_or("ends with a backslash")?;
                    let word = word.get_or_insert_default();
                    // Between double quotes a backslash before any other character is literal.
                    if quote.is_some() && !"\"\\$`".contains(escaped) {
                        word.push('\\');
                    }
                    word.push(escaped);
                }
                (_, char) => word.get_or_insert_default().push(char),
            }
        }
        if quote.is_some() {
            return Err("has a quote that is not closed");
        }
        words.extend(word);
        if words.first().is_none_or(String::is_empty) { Err("names no program") } else { Ok(Self(words)) }
    }

    /// Returns the arguments with the placeholders replaced. A placeholder is a `%` and its letter; `%%` is a
    /// `%`. If the template does not contain the first of `values`, that value is appended as the last
    /// argument.
    ///
    /// # Errors
    /// The template has a placeholder that is not listed. The error names it.
    pub(crate) fn fill(&self, values: &[(char, &str)]) -> Result<Vec<String>, String> {
        let mut argv = Vec::with_capacity(self.0.len() + 1);
        let mut has_first = false;
        for word in &self.0 {
            let mut filled = String::with_capacity(word.len());
            let mut chars = word.chars();
            while let Some(char) = chars.next() {
                if char != '%' {
                    filled.push(char);
                    continue;
                }
                let letter = chars.next();
                match values.iter().position(|(name, _)| Some(*name) == letter) {
                    Some(index) => {
                        has_first |= index == 0;
                        filled.push_str(values[index].1);
                    }
                    None if letter == Some('%') => filled.push('%'),
                    None => return Err(format!("%{}", letter.map(String::from).unwrap_or_default())),
                }
            }
            argv.push(filled);
        }
        if let Some((_, first)) = values.first().filter(|_| !has_first) {
            argv.push((*first).to_owned());
        }
        Ok(argv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_would_and_nothing_is_expanded() {
        for (text, expected) in [
            ("firefox", &["firefox"][..]),
            ("  chrome\t--profile-directory=%n  %u ", &["chrome", "--profile-directory=%n", "%u"]),
            ("open -na 'Google Chrome' --args", &["open", "-na", "Google Chrome", "--args"]),
            (r#"a "b \" \\ \c $HOME" ''"#, &["a", r#"b " \ \c $HOME"#, ""]),
            (r"a\ b *.txt $(id) ; ~", &["a b", "*.txt", "$(id)", ";", "~"]),
            ("x='a b'c", &["x=a bc"]),
        ] {
            let words = CommandTemplate::parse(text).map(|template| template.0);
            assert_eq!(words, Ok(expected.iter().map(|word| (*word).to_owned()).collect()), "{text}");
        }
        for text in ["", "  ", "''", "a 'b", "a \"b", "a \\"] {
            assert!(CommandTemplate::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn placeholders_are_filled_once_and_the_first_is_never_lost() {
        for (text, expected) in [
            ("b --p=%n %u", Ok("b|--p=a b|http://x/%n")),
            ("b --p=%n", Ok("b|--p=a b|http://x/%n")),
            ("b 100%% %u", Ok("b|100%|http://x/%n")),
            ("b %s", Err("%s")),
            ("b 100%", Err("%")),
        ] {
            let template = CommandTemplate::parse(text).expect(text);
            let filled = template.fill(&[('u', "http://x/%n"), ('n', "a b")]).map(|argv| argv.join("|"));
            assert_eq!(filled.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }
}
