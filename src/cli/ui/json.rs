//! JSON for programs, escaped for a terminal, because the output may go to one.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::ui::text::is_unsafe;

/// Returns a value as one line of JSON. It escapes every character that a terminal could obey; JSON itself
/// requires that only below U+0020. A program that reads the line gets the same value.
pub(crate) fn json_line(value: &Value) -> String {
    let json = value.to_string();
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_has_no_unsafe_character_and_keeps_its_value() {
        let value = json!({ "a\u{9b}b": ["\u{202e}\u{7f}\u{e0001}\u{1b}", "é 家 👩‍🚀"] });
        let line = json_line(&value);
        assert_eq!(line.chars().filter(|&c| is_unsafe(c)).collect::<String>(), "\n");
        assert!(line.contains("é 家"), "{line}");
        assert_eq!(line.parse::<Value>().expect("JSON"), value);
    }
}
