//! `arl assume`: prints the credentials.

use std::ffi::OsString;
use std::io::IsTerminal;

use arl::shell::Dialect;
use arl::{Identity, dotenv, process_json};

use super::arguments::RoleArgs;
use super::context::Context;
use super::obtain::{self, OnSignal};
use super::report::Report;
use super::{Outcome, Output};

const EXAMPLES: &str = "Examples:
  eval \"$(arl assume prod-deploy)\"                   bash, zsh, ksh, dash
  arl assume prod-deploy | source                    fish
  arl assume 123456789012/Deploy --json              for credential_process
  arl assume prod-deploy --format dotenv > .env      for tools that read env files

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
    shell: Option<String>,
    /// Print secrets even to a terminal
    #[arg(long, help_heading = "Output")]
    show: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Env,
    Json,
    Dotenv,
}

pub(super) fn run(args: AssumeArgs, output: &Output) -> Outcome {
    let AssumeArgs { role, env: _, json, format, shell, show } = args;
    let format = if json { Format::Json } else { format.unwrap_or(Format::Env) };
    let text = match format {
        Format::Json => {
            let identity = obtain::identity(&role, OnSignal::Die, output)?;
            process_json(&identity.credentials)
        }
        Format::Dotenv => {
            let identity = obtain::identity(&role, OnSignal::Die, output)?;
            dotenv(&identity).map_err(|error| Report::new(error.to_string()))?
        }
        Format::Env => {
            let dialect = dialect(shell.as_deref())?;
            if std::io::stdout().is_terminal() && !show {
                return Err(on_terminal(dialect, role.role.as_deref().unwrap_or("ROLE")));
            }
            let identity = obtain::identity(&role, OnSignal::Report, output)?;
            let text = dialect.assume(&identity).map_err(|error| Report::new(error.to_string()))?;
            output.success(&assumed(&identity));
            text
        }
    };
    output.data(&text)
}

/// `--shell`, else `ARL_SHELL`, else the parent process, else `SHELL`, else POSIX.
fn dialect(flag: Option<&str>) -> Result<Dialect, Report> {
    let named = flag.map(|name| ("--shell", name.to_owned()));
    let named = named.or_else(|| Context::var("ARL_SHELL").map(|name| ("ARL_SHELL", name)));
    match named {
        Some((origin, name)) => name.parse().map_err(|error| Report::usage(format!("{origin}: {error}"))),
        None => Ok(parent_dialect()
            .or_else(|| Context::var("SHELL").and_then(|path| Dialect::of_executable(&path)))
            .unwrap_or(Dialect::Posix)),
    }
}

/// One level up and no further: in `$(…)` and pipes the parent is the shell itself.
fn parent_dialect() -> Option<Dialect> {
    let parent = std::os::unix::process::parent_id();
    let path = std::fs::read_link(format!("/proc/{parent}/exe")).ok()?;
    Dialect::of_executable(&path.to_string_lossy())
}

fn assumed(identity: &Identity) -> String {
    let who = match &identity.role_arn {
        Some(arn) => format!("role {} in {}", arn.role_name(), arn.account_id()),
        None => format!("the credentials of {}", identity.source),
    };
    let left = identity.credentials.expiration().and_then(|end| end.duration_since(Context::now()).ok());
    match left {
        Some(left) => format!("{who} for {}", obtain::in_words(left)),
        None => who,
    }
}

fn on_terminal(dialect: Dialect, role: &str) -> Report {
    let plain = role.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:@+=,".contains(&b));
    let role = if plain { role.to_owned() } else { dialect.quote(role) };
    let command = match dialect {
        Dialect::Fish => format!("arl assume {role} | source"),
        _ => format!("eval \"$(arl assume {role})\""),
    };
    Report::new("this would show secrets on the terminal, and change nothing in the shell")
        .hint(format!("to become the role in this shell: {command}"))
        .hint(format!("to run one command as the role: arl exec {role} -- COMMAND"))
        .hint("to see the secrets all the same: --show")
}

/// The dialect of the statement that must be printed if this command line fails, judged from the bare
/// arguments, since they may be what is wrong.
///
/// A misspelt verb counts as `assume`: `eval "$(arl asume …)"` must fail too.
pub(super) fn failing_statement(args: &[OsString]) -> Option<Dialect> {
    const OTHER_VERBS: [&str; 2] = ["exec", "arn"];
    if std::io::stdout().is_terminal() {
        return None;
    }
    let words: Vec<String> = args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let value_of = |flag: &str| {
        let joined = format!("{flag}=");
        words.iter().enumerate().find_map(|(index, word)| match word.strip_prefix(&joined) {
            Some(value) => Some(value.to_owned()),
            None if word == flag => words.get(index + 1).cloned(),
            None => None,
        })
    };
    let color_at = words.iter().position(|word| word == "--color");
    let verb = words
        .iter()
        .enumerate()
        .find(|(index, word)| !word.starts_with('-') && color_at.is_none_or(|at| at + 1 != *index))
        .map(|(_, word)| word.as_str());
    let is_data = words.iter().any(|word| word == "--json")
        || value_of("--format").is_some_and(|format| format == "json" || format == "dotenv");
    if is_data || verb.is_some_and(|verb| OTHER_VERBS.contains(&verb)) {
        return None;
    }
    // A name that is no dialect cannot be served; POSIX's statement then fails in most shells.
    Some(dialect(value_of("--shell").as_deref()).unwrap_or(Dialect::Posix))
}
