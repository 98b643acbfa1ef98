//! The commands and flags of other tools for AWS credentials, with arl's names for them.

use crate::cli::args::services::SERVICES;
use crate::cli::commands::mistakes::line::{CommandLine, is_role, quoted, refs};

/// Names of a command in other tools, arl's command, and what the rest of the line means.
const VERBS: [(&[&str], &str, Rest); 22] = [
    (&["use", "switch", "sw", "activate", "assume-role", "become", "su", "role"], "arl assume", Rest::Role),
    (&["env", "export", "print", "creds", "credentials", "get", "process", "eval"], "arl assume", Rest::Role),
    (&["run", "execute", "do", "with", "shell"], "arl exec", Rest::Command),
    (
        &["unset", "unassume", "un", "deactivate", "reset", "off", "kill", "drop", "restore", "purge"],
        "arl clear",
        Rest::Dropped,
    ),
    (&["whoami", "who", "id", "identity", "caller", "verify"], "arl status --verify", Rest::Dropped),
    (&["current", "show", "info", "active", "st"], "arl status", Rest::Dropped),
    (&["doctor", "check", "debug", "why", "plan", "dry-run", "trace", "test"], "arl explain", Rest::Role),
    (&["version"], "arl --version", Rest::Dropped),
    (&["ls", "profiles", "roles", "ps", "accounts", "browse"], "arl list", Rest::Dropped),
    (&["open", "web", "browser", "url", "signin-url"], "arl console --open", Rest::Role),
    (&["sso-login", "signin", "sign-in", "auth", "authenticate"], "arl login", Rest::Session),
    (&["sso-logout", "signout", "sign-out"], "arl logout", Rest::Session),
    (&["generate", "populate", "config", "create", "set", "setup", "new"], "arl configure", Rest::Profile),
    (&["add", "import", "store"], "arl keys add", Rest::Key),
    (&["rotate", "rotate-keys"], "arl keys rotate", Rest::Key),
    (&["remove", "rm", "delete"], "arl keys remove", Rest::Key),
    (&["refresh", "renew", "update"], "arl assume --refresh", Rest::Role),
    (
        &["server", "serve", "ecs-server", "ec2-server", "proxy", "imds", "metadata"],
        "arl exec --server",
        Rest::Command,
    ),
    (&["sessions", "tokens", "session"], "arl cache list", Rest::Dropped),
    (&["flush"], "arl cache clear", Rest::Dropped),
    (
        &["hook", "install", "shell-init", "integrate", "integration", "activate-shell"],
        "arl init",
        Rest::Dropped,
    ),
    (&["foreach", "for-each", "all", "multi", "batch", "run-all"], "arl each", Rest::Command),
];

/// A subcommand of arl, the names that other tools give to one of its own subcommands, and arl's name for it.
const SUBCOMMANDS: [(&str, &[&str], &str); 8] = [
    ("keys", &["import", "new", "store", "create", "set"], "add"),
    ("keys", &["ls", "all"], "list"),
    ("keys", &["rm", "delete", "del", "unset"], "remove"),
    ("keys", &["get", "print", "info", "export"], "show"),
    ("keys", &["renew", "refresh", "roll", "update"], "rotate"),
    ("cache", &["ls", "show", "sessions"], "list"),
    ("cache", &["purge", "flush", "rm", "delete", "remove", "prune", "empty", "clean"], "clear"),
    ("cache", &["dir", "where", "directory"], "path"),
];

/// What the words after another tool's command mean.
#[derive(Clone, Copy)]
enum Rest {
    /// They name the role; `ROLE` is the placeholder if it is missing.
    Role,
    /// As [`Rest::Role`], and the profile to write must have a name.
    Profile,
    /// They name a stored key; `NAME` is the placeholder if it is missing.
    Key,
    /// They name a sign-in, perhaps with `--profile` before it.
    Session,
    /// They are a role and a command.
    Command,
    /// They mean nothing here.
    Dropped,
}

/// Returns arl's command for a command of another tool.
pub(super) fn verb_of_other_tools(verb: &str, line: &CommandLine) -> Option<String> {
    let rest = refs(line.rest());
    match (verb, rest.as_slice()) {
        ("sts", ["get-caller-identity", ..]) => return Some("arl status --verify".to_owned()),
        ("sts", [call, rest @ ..]) if call.starts_with("assume-role") => {
            return Some(of_aws_cli("assume", rest));
        }
        ("sso", ["login", rest @ ..]) => return Some(of_aws_cli("login", rest)),
        ("sso", ["logout", ..]) => return Some("arl logout".to_owned()),
        ("sso", ["populate" | "generate" | "configure", ..]) => {
            return Some("arl configure --sso SESSION --all".to_owned());
        }
        ("sso", rest) => return Some(of_aws_cli("login", rest)),
        ("assume-role", rest) => return Some(of_aws_cli("assume", rest)),
        _ => {}
    }
    let Some((_, command, kind)) = VERBS.iter().find(|(words, ..)| words.contains(&verb)) else {
        return aws_service(verb, &rest);
    };
    let behind = match kind {
        Rest::Dropped => return Some((*command).to_owned()),
        Rest::Session => return Some(of_aws_cli(command.trim_start_matches("arl "), &rest)),
        Rest::Role if rest.is_empty() => "ROLE".to_owned(),
        Rest::Key if rest.is_empty() => "NAME".to_owned(),
        Rest::Role if names_role_by_flag(&rest) => {
            return Some(of_aws_cli(command.trim_start_matches("arl "), &rest));
        }
        Rest::Profile => {
            let role =
                rest.iter().find(|word| is_role(word)).map_or("ROLE".to_owned(), |role| quoted(&[role]));
            format!("{role} --profile-name NAME")
        }
        Rest::Role | Rest::Key => quoted(&rest),
        Rest::Command => match rest.iter().position(|word| *word == "--") {
            Some(at) => format!("{} -- {}", quoted(&rest[..at]), quoted(&rest[at + 1..])),
            None => match rest.as_slice() {
                [] => "ROLE -- COMMAND".to_owned(),
                [role] => quoted(&[role]),
                [role, command @ ..] => format!("{} -- {}", quoted(&[role]), quoted(command)),
            },
        },
    };
    Some(format!("{command} {behind}"))
}

/// The flags of other tools that name a role, a session or a profile.
const NAMES: [&str; 7] = ["--role-arn", "--role", "--arn", "-a", "--profile", "--sso-session", "--session"];

/// Whether only flags name the role.
fn names_role_by_flag(words: &[&str]) -> bool {
    let is_named = |at: usize| at.checked_sub(1).is_some_and(|before| NAMES.contains(&words[before]));
    let mut roles = words.iter().enumerate().filter(|(_, word)| is_role(word)).peekable();
    roles.peek().is_some() && roles.all(|(at, _)| is_named(at))
}

/// Returns arl's command for words of the AWS CLI. The role, session or profile becomes an argument.
fn of_aws_cli(verb: &str, words: &[&str]) -> String {
    let mut kept = Vec::new();
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let (flag, value) = word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value)));
        if NAMES.contains(&flag) {
            kept.extend(value.or_else(|| words.next()));
        } else {
            kept.push(word);
        }
    }
    if kept.is_empty() && verb == "assume" {
        kept.push("ROLE");
    }
    format!("arl {verb} {}", quoted(&kept)).trim_end().to_owned()
}

/// Returns the command that runs the AWS CLI as a role, for a line that begins with an AWS service.
fn aws_service(word: &str, rest: &[&str]) -> Option<String> {
    let is_service = word != "config" && SERVICES.iter().any(|(name, ..)| *name == word);
    if !is_service || rest.is_empty() {
        return None;
    }
    let profile = rest.iter().position(|word| *word == "--profile");
    let role = profile.and_then(|at| rest.get(at + 1)).filter(|role| is_role(role));
    let (role, rest) = match (profile, role) {
        (Some(at), Some(role)) => (quoted(&[role]), [&rest[..at], &rest[at + 2..]].concat()),
        _ => ("ROLE".to_owned(), rest.to_vec()),
    };
    Some(format!("arl exec {role} -- aws {word} {}", quoted(&rest)))
}

/// Returns arl's name for what another tool calls `word` below the subcommand `verb`.
pub(super) fn subcommand_of_other_tools(verb: &str, word: &str) -> Option<&'static str> {
    let found = SUBCOMMANDS.iter().find(|(of, words, _)| *of == verb && words.contains(&word));
    found.map(|(.., command)| *command)
}

/// What arl has in place of a flag of another tool.
#[derive(Clone, Copy)]
enum Here {
    /// A flag with the same value. The text is the placeholder if the value is missing.
    Flag(&'static str, &'static str),
    /// A flag without a value.
    Switch(&'static str),
    /// The value is an argument.
    Argument,
    /// Nothing: arl has no such flag, or does this anyway.
    Nothing,
    /// Another command, in which `{role}` and `{value}` are filled in.
    Line(&'static str),
}

/// The subcommands for which a flag of another tool is recognized.
#[derive(Clone, Copy)]
enum At {
    /// Those with a role, and a line that begins with the flag.
    Role,
    /// These.
    Only(&'static [&'static str]),
    /// All.
    All,
}

use At::{All, Only, Role};
use Here::{Argument, Flag, Line, Nothing, Switch};

const ROLE_VERBS: [&str; 6] = ["assume", "exec", "each", "console", "write", "explain"];
const NO_VALUE: &str = "";

/// Flags of other tools, for which subcommands arl recognizes them, and what arl has instead. The first
/// entry that fits counts.
const FLAGS: [(&[&str], At, Here); 47] = [
    // Of single commands.
    (&["--profile", "--sso-session", "-p", "--session"], Only(&["login", "logout"]), Argument),
    (&["--use-device-code"], Only(&["login"]), Switch("--device-code")),
    (&["--role", "--role-arn", "--pattern", "--filter", "-f", "-P"], Only(&["list"]), Argument),
    (
        &["--profiles", "--all", "-a", "-l", "-A"],
        Only(&["list", "status", "clear", "cache", "keys"]),
        Nothing,
    ),
    (&["--all", "-a"], Only(&["each"]), Switch("*")),
    (&["--yes", "-y", "--no-input"], Only(&["keys", "configure", "write"]), Switch("--force")),
    (&["--name", "-n"], Only(&["configure", "write"]), Flag("--profile-name", "NAME")),
    (&["--firefox"], Only(&["console"]), Switch("--container")),
    (&["--print", "--stdout", "--url", "--link", "--no-open"], Only(&["console"]), Nothing),
    (&["--browser"], Only(&["console"]), Switch("--open")),
    (&["--shell", "-c"], Only(&["exec"]), Line("arl exec {role} -- {value}")),
    (&["-c"], Only(&["each"]), Line("arl each {role} -- {value}")),
    (&["-it", "-i", "-t", "--tty", "--interactive"], Only(&["exec"]), Nothing),
    // Of all commands with a role.
    (
        &["--mfa", "--mfa-token", "--mfa-code-value", "--otp", "--token", "-t"],
        Role,
        Flag("--token-code", "CODE"),
    ),
    (&["--console", "-c", "--url", "--browser"], Role, Line("arl console {role}")),
    (&["--session-name", "--role-session", "--session"], Role, Flag("--role-session-name", "NAME")),
    (&["--role", "--role-arn", "--arn"], Role, Argument),
    (&["--account", "--account-number", "-A"], Role, Flag("--account-id", "ID")),
    (&["-R"], Role, Flag("--role-name", "NAME")),
    (
        &["--session-duration", "--ttl", "--assume-role-ttl", "--session-ttl", "--expiration"],
        Role,
        Flag("--duration", "2h"),
    ),
    (&["--no-session", "-n", "--skip-cache", "--nocache"], Role, Switch("--no-cache")),
    (&["--force-refresh", "--force", "-f", "--renew"], Role, Switch("--refresh")),
    (
        &["--server", "--ecs-server", "--ec2-server", "-s", "--ecs", "--ec2"],
        Role,
        Line("arl exec {role} --server -- COMMAND"),
    ),
    (&["--un", "--unset", "-u", "-un", "--unset-variables", "--clear"], Role, Line("arl clear")),
    (&["--list", "-l", "--list-profiles"], Role, Line("arl list")),
    (
        &["--export", "-e", "-x", "-ex", "--ex", "--env-file"],
        Role,
        Line("arl write {role} --profile-name NAME"),
    ),
    (&["--exec", "--cmd", "--command"], Role, Line("arl exec {role} -- {value}")),
    (&["--auto-refresh", "-a", "-ar", "--autoawsume"], Role, Line("export ARL_ON_EXPIRY=refresh")),
    (&["--kill", "-k"], Role, Line("arl cache clear")),
    (&["--stdout"], Role, Switch("--show")),
    (&["--whoami", "-w", "--verify"], Role, Line("arl status --verify")),
    (&["--source-profile", "--aws-profile"], Role, Flag("--profile", "NAME")),
    (&["--query"], Role, Line("arl assume {role} --json | jq .")),
    // Of any command.
    (&["--region-name", "--aws-region", "--default-region"], All, Flag("--region", "REGION")),
    (&["--no-verify-ssl", "--ca-bundle"], All, Line("export AWS_CA_BUNDLE=FILE")),
    (&["--sso", "--sso-start-url", "--sso-region"], Role, Line("arl configure --sso SESSION --all")),
    (&["--output", "-o", "--output-json", "--raw"], All, Switch("--json")),
    (&["--debug", "--trace"], All, Switch("--verbose")),
    (&["--silent", "--no-output"], All, Switch("--quiet")),
    (&["--no-color", "--nocolor", "--no-colour"], All, Switch("--color=never")),
    (&["--cli-read-timeout", "--cli-connect-timeout", "--cli-binary-format"], All, Argument),
    (&["--no-cli-pager", "--no-paginate", "--no-cli-auto-prompt", "--no-sign-request"], All, Nothing),
    (&["--bash"], Only(&["init", "completions"]), Switch("bash")),
    (&["--zsh"], Only(&["init", "completions"]), Switch("zsh")),
    (&["--fish"], Only(&["init", "completions"]), Switch("fish")),
    (&["--help-all", "-?"], All, Switch("--help")),
    (&["--yes", "-y", "--no-input"], All, Nothing),
];

/// Returns the corrected line for one with a flag of another tool. Replaces all such flags in it.
pub(super) fn line_of_other_tools(flag: &str, line: &CommandLine) -> Option<String> {
    let place = line.place_of(flag)?;
    let typed = &line.words[place];
    let here = find(typed, line).or_else(|| find(flag, line))?;
    let value = value_at(place, line);
    if flag == "-a" && value.as_ref().is_some_and(|value| is_account(value)) {
        return Some(replaced(line, &[("-a", Flag("--account-id", "ID"))]));
    }
    if flag == "-s" && value.as_ref().is_some_and(|value| is_service(value)) {
        let value = value.unwrap_or_default();
        return Some(format!("arl console {} --service {value}", line.role()));
    }
    if flag == "-f" && value.as_ref().is_some_and(|value| ["env", "json", "dotenv"].contains(&value.as_str()))
    {
        return Some(replaced(line, &[("-f", Flag("--format", "json"))]));
    }
    match here {
        Line(text) => {
            let value = value.filter(|value| !is_role(value)).unwrap_or_else(|| "COMMAND".to_owned());
            let command: Vec<&str> = value.split_whitespace().collect();
            let plain = command.iter().all(|word| quoted(&[word]) == **word);
            let command = if plain { value.clone() } else { format!("sh -c {}", quoted(&[&value])) };
            Some(text.replace("{role}", &line.role()).replace("{value}", &command))
        }
        _ => Some(replaced(line, &[(typed, here)])),
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_service(text: &str) -> bool {
    SERVICES.iter().any(|(name, ..)| *name == text)
}

/// Returns what arl has in place of a flag of another tool, for this subcommand.
fn find(flag: &str, line: &CommandLine) -> Option<Here> {
    let name = flag.split('=').next().unwrap_or(flag);
    let verb = line.verb.as_deref();
    let is_there = |at: &At| match at {
        Role => verb.is_none_or(|verb| ROLE_VERBS.contains(&verb) || verb == "configure"),
        Only(verbs) => verb.is_some_and(|verb| verbs.contains(&verb)),
        All => true,
    };
    FLAGS.iter().find(|(flags, at, _)| flags.contains(&name) && is_there(at)).map(|(.., here)| *here)
}

/// Returns the value of a flag, if the next word may be one.
fn value_at(place: usize, line: &CommandLine) -> Option<String> {
    match line.words[place].split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None => line.words[..line.separator()].get(place + 1).filter(|word| !word.starts_with('-')).cloned(),
    }
}

/// Returns the line with arl's flags in place of those of other tools.
fn replaced(line: &CommandLine, more: &[(&str, Here)]) -> String {
    let end = line.separator();
    let known = |word: &str| line.described().is_some_and(|command| has_flag(&command, word));
    let mut words: Vec<String> = Vec::new();
    let mut place = 0;
    while place < end {
        let word = &line.words[place];
        let here = more.iter().find(|(flag, _)| flag == word).map(|(_, here)| *here);
        let here = here.or_else(|| find(word, line).filter(|_| word.starts_with('-') && !known(word)));
        let joined = word.split_once('=').map(|(_, value)| value.to_owned());
        let behind = value_at(place, line).filter(|_| joined.is_none());
        let mut take = |or: &str| {
            if let Some(value) = &joined {
                return value.clone();
            }
            place += usize::from(behind.is_some());
            behind.clone().unwrap_or_else(|| or.to_owned())
        };
        match here {
            Some(Flag(flag, or)) => {
                let value = take(or);
                words.extend([flag.to_owned(), value]);
            }
            Some(Argument) => words.extend(Some(take(NO_VALUE)).filter(|value| !value.is_empty())),
            Some(Switch(flag)) => {
                // Skip the value of `--output json`, but not a role after `-o`.
                if behind.as_ref().is_some_and(|value| !is_role(value)) && flag == "--json" {
                    place += 1;
                }
                words.push(flag.to_owned());
            }
            Some(Nothing) => {}
            Some(Line(_)) | None => words.push(word.clone()),
        }
        place += 1;
    }
    if line.verb.is_none() {
        words.insert(0, "assume".to_owned());
    }
    let command = line.verb.as_deref().filter(|verb| ["exec", "each"].contains(verb));
    if command.is_some() && end == line.words.len() {
        return CommandLine::of_words(&words).as_exec_if_it_has_a_command();
    }
    line.with(0..end, &refs(&words))
}

/// Whether clap's command has a flag, by one of its names.
fn has_flag(command: &clap::Command, word: &str) -> bool {
    let name = word.split('=').next().unwrap_or(word);
    command.get_arguments().any(|argument| match name.strip_prefix("--") {
        Some(long) => {
            let aliases = argument.get_all_aliases().unwrap_or_default();
            argument.get_long() == Some(long) || aliases.contains(&long)
        }
        None => argument.get_short().is_some_and(|short| name == format!("-{short}")),
    })
}
