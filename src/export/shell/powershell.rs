//! PowerShell: `arl assume ROLE | Out-String | Invoke-Expression`.

use super::simple::{SimpleSyntax, accepts_any, quote_each};

pub(super) const SYNTAX: SimpleSyntax = SimpleSyntax {
    set: |name, value| format!("$Env:{name} = {}", quote(value)),
    // Up to version 7.4, assigning an empty value removes a variable. Later versions keep it, so this uses
    // `Remove-Item`.
    unset: |name| format!("Remove-Item -LiteralPath Env:/{name} -ErrorAction SilentlyContinue"),
    failure: |status| format!("throw 'arl failed with status {status}'\n"),
    list: Some(|name, words| format!("${name} = @({})", quote_each(words, quote, ", "))),
    quote,
    accepts: accepts_any,
};

/// Quotes a value in single quotes. PowerShell accepts five characters as a single quote, so each is doubled.
fn quote(value: &str) -> String {
    let mut quoted = String::from("'");
    for c in value.chars() {
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(c);
        }
        quoted.push(c);
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_kind_of_single_quote_is_doubled() {
        assert_eq!(super::quote("a'b\u{2019}c$(x)"), "'a''b\u{2019}\u{2019}c$(x)'");
    }
}
