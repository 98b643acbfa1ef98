//! `arl assume`: prints the credentials.

use std::ffi::OsString;
use std::io::IsTerminal;

use arl::shell::{Dialect, Handover};
use arl::{Identity, Reader, dotenv, process_json};
use clap_complete::engine::ArgValueCandidates;

use super::arguments::RoleArgs;
use super::context::Context;
use super::held::memory;
use super::obtain::{self, OnSignal};
use super::report::Report;
use super::{Outcome, Output, complete, dialect};

const EXAMPLES: &str = "Examples:
  eval \"$(arl assume ROLE)\"                 bash, zsh, ksh, dash
  arl assume ROLE | source                  fish
  arl assume ROLE                           any of them, where the hook is installed (arl init)
  arl assume ROLE --profile dev --json      for credential_process
  arl assume ROLE --format dotenv           for tools that read env files

If it fails, the text it prints makes `eval` fail too, and changes nothing.";

/// Print a role's credentials for a shell or a program
#[derive(Debug, clap::Args)]
#[command(args_override_self = true, before_long_help = EXAMPLES, after_long_help = super::ENVIRONMENT)]
pub(super) struct AssumeArgs {
    #[command(flatten)]
    role: RoleArgs,
    /// Print shell statements for `eval` (the default)
    #[arg(long, help_heading = "Output", conflicts_with_all = ["json", "format"])]
    env: bool,
    /// Print JSON as `credential_process` wants it
    #[arg(long, help_heading = "Output", conflicts_with = "format")]
    json: bool,
    /// Print env (the default), json or dotenv
    #[arg(long, help_heading = "Output", value_name = "FORMAT", hide_possible_values = true)]
    format: Option<Format>,
    /// The shell to print for [default: ARL_SHELL, the parent process, SHELL]
    #[arg(long, help_heading = "Output", value_name = "SHELL")]
    #[arg(add = ArgValueCandidates::new(complete::dialects))]
    shell: Option<String>,
    /// Print secrets even to a terminal
    #[arg(long, help_heading = "Output")]
    show: bool,
}

impl AssumeArgs {
    /// What no other flag says otherwise.
    pub(super) fn plain(role: RoleArgs, json: bool) -> Self {
        Self { role, env: false, json, format: None, shell: None, show: false }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Env,
    Json,
    Dotenv,
}

pub(super) fn run(args: AssumeArgs, command_line: &[OsString], output: &Output) -> Outcome {
    let AssumeArgs { role, env: _, json, format, shell, show } = args;
    let format = if json { Format::Json } else { format.unwrap_or(Format::Env) };
    if format != Format::Env {
        if shell.is_some() {
            return Err(Report::usage("--shell is for shell statements, and this prints none"));
        }
        if std::io::stdout().is_terminal() && !show {
            return Err(Report::new("this would show secrets on the terminal")
                .hint("send the output to a program or a file, or insist with --show"));
        }
    }
    let text = match format {
        Format::Json => {
            let identity = obtain::identity(&role, Reader::CredentialProcess, OnSignal::Die, output)?;
            process_json(&identity.credentials).into_bytes()
        }
        Format::Dotenv => {
            let identity = obtain::identity(&role, Reader::Once, OnSignal::Die, output)?;
            dotenv(&identity).map_err(|error| Report::new(error.to_string()))?.into_bytes()
        }
        Format::Env => {
            let dialect = dialect::choose(shell.as_deref())?;
            check_on_expiry()?;
            if std::io::stdout().is_terminal() && !show {
                return Err(on_terminal(dialect, &same_words(command_line)));
            }
            let identity = obtain::identity(&role, Reader::Once, OnSignal::Report, output)?;
            let handover =
                Handover { identity: &identity, memory: memory(), refresh: refresh_words(command_line) };
            let text = dialect.assume(&handover).map_err(|error| Report::new(error.to_string()))?;
            output.success(&assumed(&identity));
            text
        }
    };
    output.data(&text)
}

/// The hooks take what they do not know for `clear`, and only when it is too late.
fn check_on_expiry() -> Outcome {
    match Context::var("ARL_ON_EXPIRY").as_deref() {
        None | Some("clear" | "restore" | "refresh") => Ok(()),
        Some(other) => {
            Err(Report::usage(format!("ARL_ON_EXPIRY must be clear, restore or refresh, not `{other}`")))
        }
    }
}

/// The words of a command line that gets the same role again, wherever the shell is then; none, if that
/// cannot be: a code of an MFA device works once, and the role that a chain started from is over as well.
fn refresh_words(command_line: &[OsString]) -> Vec<String> {
    let words = same_words(command_line);
    let is_spent = |word: &String| word == "--chain" || word.contains("TokenCode");
    let had_code = words.len() != same_words_with_code(command_line).len();
    if had_code || words.iter().any(is_spent) {
        return Vec::new();
    }
    let here = std::env::current_dir().unwrap_or_default();
    let absolute = |word: String| match word.split_once("file://") {
        Some((flag, path)) if !path.starts_with('/') && (flag.is_empty() || flag.ends_with('=')) => {
            format!("{flag}file://{}", here.join(path).display())
        }
        _ => word,
    };
    words.into_iter().map(absolute).collect()
}

const CODE_FLAGS: [&str; 3] = ["--token-code", "--mfa-code", "--TokenCode"];

/// The words without a code, and without what concerns this call's output only.
fn same_words(command_line: &[OsString]) -> Vec<String> {
    without_flags(same_words_with_code(command_line).into_iter(), &CODE_FLAGS)
}

fn same_words_with_code(command_line: &[OsString]) -> Vec<String> {
    let is_loud = |word: &String| {
        let cluster = word
            .strip_prefix('-')
            .is_some_and(|flags| !flags.is_empty() && flags.bytes().all(|flag| flag == b'v' || flag == b'q'));
        cluster || ["--verbose", "--quiet", "--show", "--"].contains(&word.as_str())
    };
    let words = command_line.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    without_flags(words.filter(|word| !is_loud(word)), &["--shell", "--color", "--within"])
}

/// Leaves flags and their values out.
fn without_flags(mut words: impl Iterator<Item = String>, flags: &[&str]) -> Vec<String> {
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        let has_value = |flag: &&str| word.strip_prefix(*flag).is_some_and(|rest| rest.starts_with('='));
        if flags.contains(&word.as_str()) {
            words.next();
        } else if !flags.iter().any(has_value) {
            kept.push(word);
        }
    }
    kept
}

fn assumed(identity: &Identity) -> String {
    let who = match &identity.role_arn {
        Some(arn) => format!("role {} in {}", arn.role_name(), arn.account_id()),
        None => format!("the credentials of {}", identity.source),
    };
    let left = identity.credentials.expiration().and_then(|end| end.duration_since(Context::now()).ok());
    match left {
        Some(left) => format!("{who} for {}", obtain::in_words(left)),
        None => format!("{who}, which are long-term keys"),
    }
}

fn on_terminal(dialect: Dialect, words: &[String]) -> Report {
    let quoted = |word: &String| {
        let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:@+=,".contains(&b));
        if plain && !word.is_empty() { word.clone() } else { dialect.quote(word) }
    };
    let typed = words.iter().map(quoted).collect::<Vec<_>>().join(" ");
    let command = match dialect {
        Dialect::Fish => format!("arl {typed} | source"),
        _ => format!("eval \"$(arl {typed})\""),
    };
    Report::new("this would show secrets on the terminal, and change nothing in the shell")
        .hint(format!("to become the role in this shell: {command}"))
        .hint(format!("to have `arl assume` do that by itself: arl init {dialect}"))
        .hint("to see the secrets all the same: --show")
}

/// The verb of a command line that may be wrong otherwise.
pub(super) fn verb(args: &[OsString]) -> Option<String> {
    let mut words = args.iter().skip(1).map(|arg| arg.to_string_lossy());
    loop {
        let word = words.next()?;
        if word == "--color" {
            words.next();
        } else if !word.starts_with('-') {
            return Some(word.into_owned());
        }
    }
}

/// The dialect of the statement that must be printed if this command line fails, judged from the bare
/// arguments, since they may be what is wrong.
///
/// A misspelt verb counts as `assume`: `eval "$(arl asume …)"` must fail too.
pub(super) fn failing_statement(args: &[OsString]) -> Option<Dialect> {
    const OTHER_VERBS: [&str; 12] = [
        "exec",
        "each",
        "help",
        "write",
        "configure",
        "console",
        "explain",
        "status",
        "list",
        "cache",
        "arn",
        "completions",
    ];
    if std::io::stdout().is_terminal() {
        return None;
    }
    let words: Vec<String> = args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let value_of = |flag: &str| {
        let joined = format!("{flag}=");
        words.iter().enumerate().rev().find_map(|(index, word)| match word.strip_prefix(&joined) {
            Some(value) => Some(value.to_owned()),
            None if word == flag => words.get(index + 1).cloned(),
            None => None,
        })
    };
    let has = |flag: &str| words.iter().any(|word| word == flag);
    // Where the flags contradict each other, the text may be meant for `eval`.
    let is_data = match value_of("--format") {
        Some(format) => format != "env" && !has("--env"),
        None => has("--json") && !has("--env"),
    };
    if is_data || verb(args).is_some_and(|verb| OTHER_VERBS.contains(&verb.as_str())) {
        return None;
    }
    // A name that is no dialect cannot be served; POSIX's statement then fails in most shells.
    Some(dialect::choose(value_of("--shell").as_deref()).unwrap_or(Dialect::Posix))
}
