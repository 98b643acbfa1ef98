//! Lets the user choose the role if the command line names none.

mod candidates;
mod offered;
mod program;

use std::ffi::OsString;

use arl::internal::shell::Shell;
use arl::internal::{RoleProfile, SharedConfig};

use crate::cli::args::role::RoleArgs;
use crate::cli::env::context::Context;
use crate::cli::env::dirs::private_runtime_dir;
use crate::cli::env::program::arguments;
use crate::cli::env::shell;
use crate::cli::env::vars;
use crate::cli::plan::role_ref::only_assume_goes_back;
use crate::cli::process::signals::StopWatch;
use crate::cli::roles::needed::role_needed;
use crate::cli::session::choose::candidates::{Choice, candidates};
use crate::cli::ui::error::CliError;
use crate::cli::ui::output::Output;
use crate::cli::ui::picker;
use crate::cli::ui::picker::{Entry, List, Look, PickError, Picker};
use crate::cli::ui::terminal::has_terminal;
use crate::cli::ui::text::quote_words;

/// What a command line without a role means if there is no user to choose one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unattended {
    /// It is a usage error.
    Refused,
    /// It means the role of the profile that `AWS_PROFILE` names.
    AwsProfile,
}

/// The command that needs a role.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking {
    /// As typed: `arl exec`.
    pub(crate) command: &'static str,
    /// The text after the role in suggested command lines.
    pub(crate) behind: &'static str,
    pub(crate) unattended: Unattended,
}

/// Lets the user choose if the arguments name no role, and puts the choice into them. Returns the choice, if
/// the user made one.
///
/// # Errors
/// There is no terminal, the user leaves the picker, or a signal ends it.
pub(crate) fn choose_role(
    args: &mut RoleArgs,
    asking: Asking,
    output: &Output,
) -> Result<Option<String>, CliError> {
    if args.role.as_deref() == Some("-") {
        return Err(refuse_dash(asking));
    }
    if args.role.is_some() || args.account_id.is_some() {
        return Ok(None);
    }
    let is_attended = args.within.is_none() && has_terminal();
    if !is_attended && let Some(error) = role_as_source(args, asking)? {
        return Err(error);
    }
    let name = match asking.unattended {
        _ if is_attended => Chooser::new(asking, output)?.choose()?,
        Unattended::AwsProfile => role_of_the_environment(asking, output)?,
        Unattended::Refused => return Err(needed(asking)),
    };
    args.role = Some(name.clone());
    Ok(Some(name))
}

/// Returns the error for a command line that names no role.
fn needed(asking: Asking) -> CliError {
    role_needed(asking.command, &behind(asking))
}

/// Returns what follows the role: the command as typed, if there is one.
fn behind(asking: Asking) -> String {
    let words = arguments().iter().map(|word| word.to_string_lossy().into_owned());
    let command: Vec<String> = words.skip_while(|word| word != "--").skip(1).collect();
    match command.as_slice() {
        [] => asking.behind.to_owned(),
        command => format!(" -- {}", quote_words(Shell::Posix, command)),
    }
}

/// Returns the error for a command line that names the role with `--profile`, as the AWS CLI does.
fn role_as_source(args: &RoleArgs, asking: Asking) -> Result<Option<CliError>, CliError> {
    let Some(profile) = &args.profile else { return Ok(None) };
    let context = Context::read()?;
    let config = context.shared_config()?;
    let (command, behind) = (asking.command, behind(asking));
    let name = quote_words(Shell::Posix, std::slice::from_ref(profile));
    Ok(has_role(&config, profile).then(|| {
        CliError::usage(format!("`{command}` needs a role; --profile names where its credentials come from"))
            .hint(format!("to become the role of that profile: {command} {name}{behind}"))
    }))
}

/// Returns the command line with the chosen role appended.
pub(crate) fn with_choice(command_line: &[OsString], choice: Option<String>) -> Vec<OsString> {
    command_line.iter().cloned().chain(choice.map(OsString::from)).collect()
}

/// Returns the error for the role `-`. The shell functions replace `-` with the previous role if they know
/// one, so arl sees it only if they do not.
fn refuse_dash(asking: Asking) -> CliError {
    if asking.command != "arl assume" {
        return only_assume_goes_back();
    }
    let shell = shell::detect(None).ok();
    let choose = "to choose a role: arl assume";
    if let Some(shell) = shell.filter(|shell| matches!(shell, Shell::Tcsh | Shell::Cmd)) {
        return CliError::usage(format!("`arl assume -` is not available in {shell}"))
            .caused_by(format!("{shell} does not remember the previous role"))
            .hint(choose);
    }
    let refused =
        CliError::usage("there is no previous role: this shell has not had another role").hint(choose);
    // The shell functions set ARL_SHELL or pass --recall.
    let is_function =
        vars::get(vars::ARL_SHELL).is_some() || arguments().iter().any(|word| word == "--recall");
    let line = shell.filter(|_| !is_function).and_then(shell::startup_line);
    refused.hints(line.map(|(line, file)| {
        format!("only the shell integration remembers it; to install it, add to {file}: {line}")
    }))
}

fn role_of_the_environment(asking: Asking, output: &Output) -> Result<String, CliError> {
    let name = vars::get(vars::AWS_PROFILE).ok_or_else(|| needed(asking))?;
    let context = Context::read()?;
    let config = context.shared_config()?;
    if !has_role(&config, &name) {
        return Err(needed(asking));
    }
    output.note(&format!("using the role of AWS_PROFILE: {name}"));
    Ok(name)
}

fn has_role(config: &SharedConfig<'_>, name: &str) -> bool {
    config.profile(name).is_some_and(|section| {
        !matches!(RoleProfile::read(name, section), Ok(None)) || section.get("sso_role_name").is_some()
    })
}

/// How the user chooses.
enum Method {
    BuiltIn(Look),
    /// A program gets the lines and prints one of them.
    Program(String),
}

/// Asks the user for a role, in one or more steps.
struct Chooser<'a> {
    asking: Asking,
    context: Context,
    method: Method,
    output: &'a Output,
}

impl<'a> Chooser<'a> {
    fn new(asking: Asking, output: &'a Output) -> Result<Self, CliError> {
        let method = match vars::get(vars::ARL_PICKER) {
            None => Method::BuiltIn(Look::Screen),
            Some(plain) if plain == "plain" => Method::BuiltIn(Look::Numbered),
            Some(command) => Method::Program(command),
        };
        Ok(Self { asking, context: Context::read()?, method, output })
    }

    fn choose(&self) -> Result<String, CliError> {
        let (choices, entries) = candidates(&self.context)?;
        if choices.is_empty() {
            return Err(role_needed(self.asking.command, self.asking.behind)
                .hint("arl knows no role yet; to add one: arl configure ROLE --profile-name NAME"));
        }
        let index = self.pick("role>", entries)?;
        match choices.into_iter().nth(index) {
            Some(Choice::Offered(session)) => self.choose_offered(&session),
            Some(Choice::Role(name)) => Ok(name),
            None => Err(not_chosen()),
        }
    }

    /// Returns the index of the entry that the user picks.
    fn pick(&self, title: &str, entries: Vec<Entry>) -> Result<usize, CliError> {
        let watch = StopWatch::start()?;
        let stop_signal = || watch.signal();
        let locks = private_runtime_dir();
        let picked = match &self.method {
            Method::BuiltIn(look) => {
                let (look, output) = (*look, self.output);
                Picker { title, look, locks: &locks, output, stop_signal: &stop_signal }
                    .pick(List::new(entries))
            }
            Method::Program(command) => picker::take_turn(&locks, &stop_signal)
                .and_then(|_turn| program::pick(command, &entries, &stop_signal)),
        };
        picked.map_err(|error| match error {
            PickError::NoTerminal => role_needed(self.asking.command, self.asking.behind),
            PickError::Left => not_chosen(),
            PickError::Stopped(signal) => CliError::interrupted(signal),
            PickError::Io(error) => CliError::new("could not show the list of roles").caused_by(error),
            PickError::Program(cause) => {
                CliError::new("could not choose a role with the program of ARL_PICKER").caused_by(cause)
            }
        })
    }
}

fn not_chosen() -> CliError {
    CliError::new("no role was chosen")
}
