//! The layout of `--help`, and the texts that several subcommands show in it.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Write as _;

use clap::Command;
use clap::builder::StyledStr;
use clap::builder::styling::{AnsiColor, Styles};

use crate::cli::ui::text::hang;

/// The subcommands, in groups by purpose. A test compares them with the command line. The last group has no
/// descriptions in `arl -h`, so that it fits on a screen.
pub(crate) const GROUPS: [(&str, &[&str]); 4] = [
    ("Use a role", &["assume", "exec", "each", "console", "clear"]),
    ("Inspect", &["list", "status", "explain"]),
    ("Set up", &["init", "login", "configure"]),
    ("More", &["keys", "logout", "write", "cache", "arn", "completions", "help"]),
];

/// clap breaks the lines of help at this width, or at that of the terminal if it is narrower.
pub(crate) const MAX_HELP_COLUMNS: usize = 100;

/// The examples come before the usage, because most users need nothing else.
pub(crate) const TEMPLATE: &str =
    "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// One style for all commands. Errors and hints have the same colors.
pub(crate) const STYLES: Styles = Styles::styled()
    .header(AnsiColor::BrightWhite.on_default().bold())
    .usage(AnsiColor::BrightWhite.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::White.on_default());

// Users may `eval` this text by accident, so it must not name a real role or contain a redirection.
pub(crate) const SHORT_EXAMPLES: &str = "  \
  arl assume ROLE                     switch this shell to the role
  arl exec ROLE -- terraform plan     run one command as the role";

pub(crate) const EXAMPLES: &str = "Examples:
  arl assume ROLE                                   switch this shell to the role (after arl init)
  eval \"$(arl assume ROLE)\"                         the same without the shell integration
  arl exec ROLE -- terraform plan                   run one command as the role
  arl assume ROLE --profile dev --json              print JSON for credential_process

ROLE is a role ARN, ACCOUNT/NAME (123456789012/Deploy), SESSION:ACCOUNT/NAME for a role of \
the [sso-session SESSION], or a profile in ~/.aws/config.";

pub(crate) const ENVIRONMENT_HELP: &str = "Environment:
  ARL_DURATION, ARL_ROLE_SESSION_NAME   defaults for --duration and --role-session-name
  ARL_MIN_TTL, ARL_MFA_PROCESS          defaults for --min-ttl and --mfa-process
  ARL_MFA_SESSION                       1: use --mfa-session for long-term keys that have an MFA device
  ARL_ON_EXPIRY                         when a role expires: clear (default), restore or refresh
  ARL_LOGIN                             if a sign-in is needed: ask (default), always or never
  ARL_LOGIN_FLOW                        how `arl login` signs in: browser, paste or device
  ARL_BROWSER                           the command for `arl console --open`; %u is the address
  ARL_PICKER                            how to choose a role: plain (by number), or a command such as fzf
  ARL_SHELL                             default for --shell
  ARL_CACHE                             where to cache sessions: file (default), keyring or none
  ARL_CACHE_DIR                         the directory for the cache
  ARL_KEY_STORE                         the keychain for `arl keys`, such as pass or osxkeychain
  NO_COLOR                              any value turns colors off

arl also reads these variables of the AWS CLI, with the same meaning: AWS_PROFILE, AWS_REGION, AWS_CONFIG_FILE, \
AWS_SHARED_CREDENTIALS_FILE, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_STS, AWS_CA_BUNDLE, HTTPS_PROXY, \
NO_PROXY, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT, AWS_MAX_ATTEMPTS, AWS_RETRY_MODE, \
AWS_EC2_METADATA_DISABLED and others.

Exit status:
  0  success
  1  failure
  2  a mistake on the command line, or an invalid value
  3  arl must ask for something, such as an MFA code or a sign-in, and there is no terminal
  exec: the command's status; 125 instead of 1 if arl failed, 126 if the command cannot run, 127 if it was \
   not found
  each: the highest status of the commands; 125 instead of 1 if arl failed for a role
  status: 0 if this shell has a role that has not expired, else 1";

/// Which help the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HelpLength {
    /// `-h`, which fits on a screen.
    Short,
    /// `--help`.
    Long,
}

impl HelpLength {
    /// Returns the help that a command line asks for, if it asks for any.
    pub(crate) fn asked_for(args: &[OsString]) -> Option<Self> {
        let words = args.iter().skip(1).take_while(|word| *word != "--").map(|word| word.to_string_lossy());
        let length = |word: Cow<'_, str>| match &*word {
            "--help" | "help" => Some(Self::Long),
            // `-h`, perhaps among other short flags.
            word if word.starts_with('-') && !word.starts_with("--") && word.contains('h') => {
                Some(Self::Short)
            }
            _ => None,
        };
        let lengths: Vec<Self> = words.filter_map(length).collect();
        if lengths.contains(&Self::Long) { Some(Self::Long) } else { lengths.first().copied() }
    }
}

/// Breaks the lines of examples and tables at this width. A description continues below its own beginning;
/// clap would continue it at the left edge.
pub(crate) fn with_hanging_lines(mut command: Command, columns: usize) -> Command {
    let fit = |text: Option<&StyledStr>| {
        let text = text?.to_string();
        Some(text.lines().map(|line| hang(line, columns)).collect::<Vec<_>>().join("\n"))
    };
    if let Some(text) = fit(command.get_before_help()) {
        command = command.before_help(text);
    }
    if let Some(text) = fit(command.get_before_long_help()) {
        command = command.before_long_help(text);
    }
    if let Some(text) = fit(command.get_after_long_help()) {
        command = command.after_long_help(text);
    }
    command.mut_subcommands(|subcommand| with_hanging_lines(subcommand, columns))
}

/// Shows the commands in groups, those of the last one with descriptions in the long help only.
pub(crate) fn with_groups(command: Command, length: HelpLength, columns: usize) -> Command {
    let (heading, literal) = (STYLES.get_header(), STYLES.get_literal());
    let width = if length == HelpLength::Short { 9 } else { 11 };
    let mut text = String::new();
    for (group, verbs) in GROUPS {
        if group == "More" && length == HelpLength::Short {
            let names = beside(12, &verbs.join(", "), columns);
            let _ = writeln!(text, "{heading}{group:<10}{heading:#}  {literal}{names}{literal:#}");
            continue;
        }
        for (index, verb) in verbs.iter().enumerate() {
            let group = if index == 0 { group } else { "" };
            let about = command.find_subcommand(verb).and_then(Command::get_about);
            let about = about.map_or_else(|| "Print the help of a command".to_owned(), ToString::to_string);
            let about = beside(width + 14, &about, columns);
            let line =
                format!("{heading}{group:<10}{heading:#}  {literal}{verb:<width$}{literal:#}  {about}");
            let _ = writeln!(text, "{line}");
        }
    }
    command.help_template(format!(
        "{{about-with-newline}}\n{{before-help}}{{usage-heading}} {{usage}}\n\n{text}\n\
         {heading}Options:{heading:#}\n{{options}}{{after-help}}"
    ))
}

/// Breaks a text that begins at column `place` of a line.
fn beside(place: usize, text: &str, columns: usize) -> String {
    let line = hang(&format!("{:<place$}{text}", "  -"), columns);
    line.get(place..).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::commands::Cli;

    #[test]
    fn every_command_is_in_one_group() {
        let mut command = Cli::command();
        command.build();
        let mut names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied()).collect();
        names.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(names, grouped);
    }
}
