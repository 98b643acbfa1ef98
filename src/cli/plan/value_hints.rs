//! What to type in place of a parameter that arl cannot read.

use arl::internal::ProfileName;
use arl::internal::shell::Shell;

use crate::cli::ui::text::quote_words;

/// Returns the flag with the value that the user probably meant. `origin` is the flag that had the value
/// `text`.
pub(crate) fn value_hint(origin: &str, text: &str) -> Option<String> {
    let typed = |value: String| format!("{origin} {}", quote_words(Shell::Posix, &[value]));
    let is_name = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    match origin {
        "--policy" if !text.trim_start().starts_with('{') => {
            let path = if text.contains(['.', '/']) { text } else { "PATH" };
            Some(format!("to read it from a file: {}", typed(format!("file://{path}"))))
        }
        "--policy" => Some("to read it from a file: --policy file://PATH".to_owned()),
        "--tags" if is_name => Some(format!("a tag has a value: {}", typed(format!("{text}=VALUE")))),
        // The managed policies of AWS.
        "--policy-arns" if is_name => {
            Some(format!("did you mean `{}`?", typed(format!("arn:aws:iam::aws:policy/{text}"))))
        }
        "--additional-parameters" => {
            let (name, value) = text.split_once('=').unwrap_or(("NAME", "VALUE"));
            Some(format!("as JSON: {}", typed(serde_json::json!({ name: value }).to_string())))
        }
        _ => None,
    }
}

/// Returns a hint with a valid name for a profile that is similar to this text.
pub(crate) fn profile_name_hint(text: &str) -> Option<String> {
    let is_valid = |c: &char| c.to_string().parse::<ProfileName>().is_ok();
    let name: String = text.chars().map(|c| if is_valid(&c) { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    (name != text && name.parse::<ProfileName>().is_ok()).then(|| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_gets_a_similar_name() {
        for (text, hint) in [("a]b", Some("did you mean `a-b`?")), ("ok", None), ("]]", None), ("", None)] {
            assert_eq!(profile_name_hint(text).as_deref(), hint, "{text}");
        }
    }

    #[test]
    fn a_hint_has_the_value_that_the_flag_takes() {
        for (origin, text, hint) in [
            ("--policy", "p.json", Some("to read it from a file: --policy file://p.json")),
            ("--policy", "{\"Version\":", Some("to read it from a file: --policy file://PATH")),
            ("--tags", "Team", Some("a tag has a value: --tags Team=VALUE")),
            ("--tags", "{}", None),
            (
                "--policy-arns",
                "ReadOnlyAccess",
                Some("did you mean `--policy-arns arn:aws:iam::aws:policy/ReadOnlyAccess`?"),
            ),
            (
                "--additional-parameters",
                "Name=x",
                Some("as JSON: --additional-parameters '{\"Name\":\"x\"}'"),
            ),
            ("--external-id", "a b", None),
        ] {
            assert_eq!(value_hint(origin, text).as_deref(), hint, "{origin} {text}");
        }
    }
}
