//! The commands and flags of other tools for AWS credentials, with arl's names for them.

use arl::internal::shell::Shell;

use crate::cli::ui::text::quote_words;

/// Names of a command in other tools, arl's command, and what the rest of the line means.
const VERBS: [(&[&str], &str, Rest); 20] = [
    (&["use", "switch", "sw", "activate", "assume-role", "become", "su", "role"], "arl assume", Rest::Role),
    (&["env", "export", "print", "creds", "credentials", "get", "process"], "arl assume", Rest::Role),
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
    (&["profiles", "roles", "ps", "accounts", "browse"], "arl list", Rest::Dropped),
    (&["open", "web", "browser", "url", "signin-url"], "arl console --open", Rest::Role),
    (&["sso-login", "sso", "signin", "sign-in", "auth", "authenticate"], "arl login", Rest::Dropped),
    (&["generate", "populate", "config", "create", "set", "setup", "new"], "arl configure", Rest::Role),
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
    (
        &["hook", "install", "shell-init", "integrate", "integration", "activate-shell"],
        "arl init",
        Rest::Dropped,
    ),
    (&["foreach", "for-each", "all", "multi", "batch", "run-all"], "arl each", Rest::Command),
];

/// What the words after another tool's command mean.
#[derive(Clone, Copy)]
enum Rest {
    /// They name the role; `ROLE` stands for a missing one.
    Role,
    /// They name a stored key; `NAME` stands for a missing one.
    Key,
    /// They are a role and a command.
    Command,
    /// They mean nothing here.
    Dropped,
}

/// Returns arl's command for a command of another tool.
pub(super) fn verb_of_other_tools(verb: &str, rest: &[String]) -> Option<String> {
    let (_, command, kind) = VERBS.iter().find(|(words, ..)| words.contains(&verb))?;
    let words = |words: &[String]| quote_words(Shell::Posix, words);
    let rest = match kind {
        Rest::Dropped => return Some((*command).to_owned()),
        Rest::Role if rest.is_empty() => "ROLE".to_owned(),
        Rest::Key if rest.is_empty() => "NAME".to_owned(),
        Rest::Role | Rest::Key => words(rest),
        Rest::Command => match rest.iter().position(|word| word == "--") {
            Some(at) => format!("{} -- {}", words(&rest[..at]), words(&rest[at + 1..])),
            None => match rest {
                [] => "ROLE -- COMMAND".to_owned(),
                [role] => words(std::slice::from_ref(role)),
                [role, command @ ..] => {
                    format!("{} -- {}", words(std::slice::from_ref(role)), words(command))
                }
            },
        },
    };
    Some(format!("{command} {rest}"))
}

/// Flags of other tools, and the text to use instead, in which `{role}` and `{verb}` are replaced.
const FLAGS: [(&[&str], &str); 24] = [
    (&["--mfa", "--mfa-token", "--mfa-code-value", "--otp", "--token", "-t"], "--token-code CODE"),
    (&["--console", "-c", "--url", "--browser"], "arl console {role}"),
    (&["--output", "-o", "--output-json", "--raw"], "--json"),
    (&["--session-name", "--role-session", "--session"], "--role-session-name NAME"),
    (&["--role", "--role-arn", "--arn"], "the role is an argument: arl {verb} ARN"),
    (&["--account", "--account-number"], "--account-id ID --role-name NAME, or ACCOUNT/NAME as the role"),
    (&["--session-duration", "--ttl", "--assume-role-ttl", "--session-ttl", "--expiration"], "--duration 2h"),
    (&["--no-session", "-n", "--skip-cache", "--nocache"], "--no-cache"),
    (&["--force-refresh", "--force", "-f", "--renew"], "--refresh"),
    (
        &["--server", "--ecs-server", "--ec2-server", "-s", "--ecs", "--ec2"],
        "arl exec {role} --server -- COMMAND",
    ),
    (&["--un", "--unset", "-u", "--unset-variables", "--clear"], "arl clear"),
    (&["--list", "-l", "--list-profiles"], "arl list"),
    (&["--export", "-e", "-x", "-ex", "--env-file"], "arl write {role} --profile-name NAME"),
    (&["--exec", "--cmd", "--command"], "arl exec {role} -- COMMAND"),
    (&["--debug", "--trace"], "--verbose"),
    (&["--silent", "--no-output"], "--quiet"),
    (&["--auto-refresh", "-a", "--autoawsume"], "export ARL_ON_EXPIRY=refresh"),
    (&["--kill", "-k"], "arl cache clear"),
    (&["--stdout"], "--show"),
    (&["--whoami", "-w"], "arl status --verify"),
    (&["--source-profile", "--aws-profile"], "--profile NAME"),
    (&["--region-name", "--aws-region", "--default-region"], "--region REGION"),
    (&["--no-verify-ssl", "--ca-bundle"], "export AWS_CA_BUNDLE=FILE"),
    (
        &["--sso", "--sso-start-url", "--sso-region"],
        "`arl configure --help` shows profiles for IAM Identity Center",
    ),
];

/// Returns the text to use instead of a flag of another tool.
pub(super) fn flag_of_other_tools(flag: &str, verb: &str, role: &str) -> Option<String> {
    let flag = flag.split('=').next().unwrap_or(flag);
    let (_, instead) = FLAGS.iter().find(|(flags, _)| flags.contains(&flag))?;
    let verb = if verb.is_empty() { "assume" } else { verb };
    let instead = instead.replace("{role}", role).replace("{verb}", verb);
    Some(if instead.starts_with('-') { format!("use `{instead}`") } else { instead })
}
