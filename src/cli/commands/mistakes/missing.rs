//! Explains which arguments are missing.

use crate::cli::commands::mistakes::line::{CommandLine, is_role, quoted, refs};
use crate::cli::roles::needed::role_needed;
use crate::cli::ui::error::CliError;

impl CommandLine {
    pub(super) fn missing_argument(&self, missing: &[String]) -> CliError {
        let command = self.command();
        let names_role = missing
            .iter()
            .any(|name| ["ROLE", "--role-name", "--account-id"].iter().any(|role| name.contains(role)));
        if !names_role {
            let names: Vec<String> = missing.iter().map(|name| name.replace(['<', '>'], "")).collect();
            return CliError::usage(format!("`{command}` needs {}", names.join(" and ")))
                .hint(self.completed(&names));
        }
        if let Some(half) = ["--account-id", "--role-name"].into_iter().find(|flag| self.has_flag(flag)) {
            let other = if half == "--account-id" { "--role-name NAME" } else { "--account-id ID" };
            return CliError::usage(format!("`{half}` also needs {other}"))
                .hint(format!("arl {} {other}", quoted(&refs(&self.words))));
        }
        let behind = match (self.verb.as_deref(), self.behind_separator()) {
            (Some("exec" | "each"), Some(words)) => format!(" -- {}", quoted(&refs(words))),
            (Some("each"), None) => " -- COMMAND".to_owned(),
            (Some("configure"), _) => " --profile-name NAME".to_owned(),
            _ => String::new(),
        };
        role_needed(&command, &behind)
    }

    /// Returns the line with the missing arguments, or a hint about them.
    fn completed(&self, missing: &[String]) -> String {
        let rest = refs(self.rest());
        match (self.verb.as_deref(), rest.as_slice()) {
            (Some("configure"), ["list", ..]) => return "arl list".to_owned(),
            (Some("configure"), ["sso" | "sso-session", ..]) => {
                return "arl configure --sso SESSION --all".to_owned();
            }
            (Some("arn"), [role]) if role.contains('/') => {
                let role = role.replace("arn:aws:iam::", "").replace(":role", "");
                if let Some((account, name)) = role.split_once('/') {
                    return format!("arl arn {}", quoted(&[account, name]));
                }
            }
            (Some("arn"), [profile]) if is_role(profile) => {
                return format!("`arl explain {}` shows the ARN of a profile's role", quoted(&[profile]));
            }
            (Some("completions"), _) => {
                return "arl completions bash; or zsh, or fish".to_owned();
            }
            _ => {}
        }
        let behind = self.behind_separator().map(|words| format!(" -- {}", quoted(&refs(words))));
        format!("arl {} {}{}", quoted(&rest_of(self)), missing.join(" "), behind.unwrap_or_default())
    }
}

/// Returns the words before `--`.
fn rest_of(line: &CommandLine) -> Vec<&str> {
    refs(&line.words[..line.separator()])
}
