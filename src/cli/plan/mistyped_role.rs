//! Finds what the user probably meant by a text that names no role.

use arl::internal::shell::Shell;
use arl::internal::{AccountId, Partition, RoleRef, SharedConfig};

use crate::cli::args::services::SERVICES;
use crate::cli::env::program;
use crate::cli::ui::text::{is_unsafe, quote_words};

/// Returns hints about a text that names no role. There are none if it resembles nothing.
pub(crate) fn hints(text: &str, config: &SharedConfig<'_>) -> Vec<String> {
    let plain = without_decoration(text);
    if plain != text && names_role(&plain, config) {
        return vec![did_you_mean(&plain)];
    }
    let hint = several_words(text, config)
        .or_else(|| sign_in(&plain, config))
        .or_else(|| wrong_account(&plain))
        .or_else(|| role_in(&plain).map(|role| did_you_mean(&role)))
        .or_else(|| other_arn(&plain))
        .or_else(|| account_only(&plain))
        .or_else(|| no_name(&plain));
    hint.into_iter().collect()
}

/// Returns the ARN that the user probably meant by the value of a profile's `role_arn`.
pub(crate) fn meant_arn(value: &str) -> Option<String> {
    let plain = without_decoration(value);
    if plain != value && matches!(RoleRef::parse(&plain), Ok(RoleRef::Arn(_))) {
        return Some(plain);
    }
    let role = RoleRef::parse(&role_in(&plain)?).ok()?;
    role.arn(&Partition::for_region("")).ok().flatten().map(|arn| arn.to_string())
}

/// Whether a text names a role, or a profile that exists.
fn names_role(text: &str, config: &SharedConfig<'_>) -> bool {
    match RoleRef::parse(text) {
        Ok(RoleRef::Profile(name)) => config.profile(&name).is_some(),
        Ok(_) => true,
        Err(_) => false,
    }
}

fn did_you_mean(role: &str) -> String {
    format!("did you mean `{role}`?")
}

/// Returns `arl VERB WORDS`, with the verb of this command line.
fn command(words: &[&str]) -> String {
    format!("arl {} {}", verb(), quoted(words))
}

/// Returns the verb of this command line.
fn verb() -> String {
    let verb = program::arguments().get(1).map(|verb| verb.to_string_lossy().into_owned());
    verb.filter(|verb| !verb.starts_with('-')).unwrap_or_else(|| "assume".to_owned())
}

/// Returns the command after `--`, or `COMMAND`.
fn typed_command() -> String {
    let words = program::arguments().iter().map(|word| word.to_string_lossy().into_owned());
    let command: Vec<String> = words.skip_while(|word| word != "--").skip(1).collect();
    if command.is_empty() { "COMMAND".to_owned() } else { quote_words(Shell::Posix, &command) }
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    quote_words(Shell::Posix, &words)
}

/// Removes what web pages and word processors put around a word: quotes, brackets, spaces and invisible
/// characters. Also removes a prefix such as `profile=`, and replaces typographic dashes with `-`.
pub(crate) fn without_decoration(text: &str) -> String {
    let seen = with_plain_dashes(text);
    let is_around = |c: char| c.is_whitespace() || "\"'`<>[](){}“”‘’«»„".contains(c);
    let mut plain = seen.trim_matches(is_around);
    for prefix in ["profile ", "profile=", "profile:", "role=", "role_arn=", "role_arn =", "--profile="] {
        plain = plain.strip_prefix(prefix).unwrap_or(plain).trim_matches(is_around);
    }
    match plain.split_at_checked(4) {
        Some((head, tail)) if head.eq_ignore_ascii_case("arn:") => format!("arn:{tail}"),
        _ => plain.to_owned(),
    }
}

/// Replaces characters similar to `-` with `-`, and removes invisible characters.
pub(crate) fn with_plain_dashes(text: &str) -> String {
    let plain = |c: char| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
        _ => c,
    };
    text.chars().filter(|&c| !is_unsafe(c)).map(plain).collect()
}

/// Returns a hint for a role whose account ID has too few or too many digits.
fn wrong_account(text: &str) -> Option<String> {
    let (account, _) = text.split_once('/').or_else(|| text.split_once(':'))?;
    let digits: String = account.chars().filter(|&c| c != '-').collect();
    if digits.len() == 12 || digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let rule = format!("an account ID has 12 digits, `{account}` has {}", digits.len());
    Some(match role_in(text) {
        Some(role) => format!("{rule}; {}", did_you_mean(&role)),
        None => rule,
    })
}

/// Returns the role that a text names in another notation: `123456789012:role/Deploy`, `Deploy@123456789012`,
/// an ARN with a region or with a dashed account (`1234-5678-9012`, as the console shows it), or the address
/// of the console's page for switching roles.
fn role_in(text: &str) -> Option<String> {
    if let Some((_, query)) = text.split_once("/switchrole?") {
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name));
        let (account, name) = (value("account=")?, value("roleName=")?);
        return account.parse::<AccountId>().ok().map(|account| format!("{account}/{name}"));
    }
    let words: Vec<&str> =
        text.split([':', '/', '@', ' ']).filter(|word| !word.is_empty() && *word != "role").collect();
    let account = |word: &&str| {
        let digits: String = word.chars().filter(|&c| c != '-').collect();
        let is_number = digits.bytes().all(|b| b.is_ascii_digit());
        match digits.len() {
            12 if is_number => Some(digits),
            // A spreadsheet drops leading zeros.
            10 | 11 if is_number && *word == digits => Some(format!("{digits:0>12}")),
            _ => None,
        }
    };
    let at = words.iter().position(|word| account(word).is_some())?;
    let account = words.get(at).and_then(account)?;
    let (before, after) = (&words[..at], &words[at + 1..]);
    let is_of_iam = before.iter().all(|word| *word == "arn" || *word == "iam" || word.starts_with("aws"));
    let name = match (before, after) {
        ([name], []) => (*name).to_owned(),
        (_, [_, ..]) if is_of_iam || matches!(before, [.., region] if region.contains('-')) => {
            after.join("/")
        }
        _ => return None,
    };
    let partition = before.iter().find_map(|word| word.parse::<Partition>().ok());
    let partition = partition.unwrap_or_else(|| Partition::for_region(""));
    let role = format!("{account}/{name}");
    let is_other_kind = OTHER_KINDS.iter().any(|(kind, _)| name.starts_with(kind));
    let arn = RoleRef::parse(&role).ok()?.arn(&partition).ok()??;
    let is_arn = text.starts_with("arn:");
    (!is_other_kind && role != text).then(|| if is_arn { arn.to_string() } else { role })
}

/// The kinds of other ARNs of IAM, with a hint for each.
const OTHER_KINDS: [(&str, &str); 8] = [
    ("user/", "arl can start from the keys of a user: name their profile with --profile"),
    ("assumed-role/AWSReservedSSO_", SSO_ROLE),
    (
        "instance-profile/",
        "an instance profile contains a role, often of the same name: `arl list` shows roles",
    ),
    ("policy/", "--policy-arns limits a session by a policy; `arl list` shows the roles"),
    ("mfa/", "that is an MFA device: pass it with --serial-number; `arl list` shows the roles"),
    ("group/", "a group contains users, and cannot be assumed; `arl list` shows the roles"),
    ("root", "the root user of an account cannot be assumed; `arl list` shows the roles"),
    ("oidc-provider/", "that is an identity provider; `arl list` shows the roles"),
];

/// What to do with a role that IAM Identity Center created.
pub(crate) const SSO_ROLE: &str = "only IAM Identity Center gives out this role; sign in, and name it SESSION:ACCOUNT/NAME; `arl list --sso` shows your roles";

/// Returns a hint for an ARN that is not a role's.
fn other_arn(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let &["arn", partition, service, _, account, resource] = parts.as_slice() else { return None };
    if service == "sso" {
        return Some(SSO_ROLE.to_owned());
    }
    if let Some((_, hint)) = OTHER_KINDS.iter().find(|(kind, _)| resource.starts_with(kind)) {
        return Some((*hint).to_owned());
    }
    match resource.strip_prefix("assumed-role/").and_then(|session| session.split('/').next()) {
        Some(role) => Some(did_you_mean(&format!("arn:{partition}:iam::{account}:role/{role}"))),
        None => Some("`arl list` shows the roles".to_owned()),
    }
}

/// Returns a hint for an account without a role.
fn account_only(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|&c| c != '-').collect();
    let account: AccountId = digits.parse().ok()?;
    Some(format!(
        "that is an account; name the role too, such as {account}/Deploy; `arl list {account}` shows its roles"
    ))
}

/// Returns a hint for the name or start URL of a sign-in, or for a misspelled `SESSION:ACCOUNT/NAME`.
pub(crate) fn sign_in(text: &str, config: &SharedConfig<'_>) -> Option<String> {
    let sessions = config.sso_session_names();
    if text.starts_with("https://") {
        let url = |session: &&&str| {
            let url = config.sso_session(session).and_then(|section| section.get("sso_start_url"));
            url.is_some_and(|url| text.starts_with(url.trim_end_matches(['/', '#'])))
        };
        return sessions
            .iter()
            .find(url)
            .map(|session| format!("to sign in there: arl login {}", quoted(&[session])));
    }
    let mut words = text.split([':', '/']);
    let session = words.next().filter(|session| sessions.contains(session))?;
    let name = quoted(&[session]);
    let session = match (words.next(), words.next(), words.next()) {
        (Some(account), Some(role), None) if account.parse::<AccountId>().is_ok() => {
            return Some(did_you_mean(&format!("{session}:{account}/{role}")));
        }
        (None, ..) => format!("`{session}` is an [sso-session]; to sign in: arl login {name}"),
        _ => format!("write a role of the [sso-session] `{session}` as {session}:ACCOUNT/NAME"),
    };
    Some(format!("{session}; `arl list --sso` shows its roles"))
}

/// Returns a hint for several words that quotes, commas or no-break spaces join into one.
fn several_words(text: &str, config: &SharedConfig<'_>) -> Option<String> {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c == ',').collect();
    let is_role = |word: &&str| names_role(word, config);
    let [first, _, ..] = words.as_slice() else { return None };
    if !is_role(first) {
        return None;
    }
    if text.contains(',') && words.iter().all(is_role) {
        return Some(format!("for several roles: arl each {} -- {}", quoted(&words), typed_command()));
    }
    (!text.contains(',')).then(|| format!("that is one word; as separate words: {}", command(&words)))
}

/// Returns a hint for a text that is no name at all.
fn no_name(text: &str) -> Option<String> {
    if let Some(variable) = text.strip_prefix('$').filter(|name| !name.is_empty()) {
        let line = format!("arl {} \"${variable}\"", verb());
        return Some(format!("the shell fills in a variable between double quotes: {line}"));
    }
    if ["ROLE", "ROLE_ARN", "PROFILE", "NAME", "ARN", "ACCOUNT/NAME", "your-profile", "my-role"]
        .contains(&text)
    {
        return Some(format!("{text} is a placeholder for one of your roles: `arl list` shows them"));
    }
    if text == "help" {
        return Some(command(&["--help"]));
    }
    if verb() == "console" && SERVICES.iter().any(|(name, ..)| *name == text) {
        return Some(format!("`{text}` is a service: arl console ROLE --service {text}"));
    }
    if text == "all" && verb() == "each" {
        return Some(format!("for all profiles with a role: arl each '*' -- {}", typed_command()));
    }
    if text.contains(['*', '?']) {
        let pattern = quoted(&[text]);
        return Some(format!("only `arl each` and `arl list` take a pattern: arl each {pattern} -- COMMAND"));
    }
    let is_id =
        |prefix: &str| text.starts_with(prefix) && (16..=128).contains(&text.len()) && !text.contains('-');
    if ["AKIA", "ASIA"].into_iter().any(is_id) {
        return Some(
            "that is the ID of an access key; to start from a key, name its profile with --profile".into(),
        );
    }
    is_id("AROA").then(|| "that is the ID of a role; arl takes its ARN, or ACCOUNT/NAME".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[profile prod-deploy]\nrole_arn = arn:aws:iam::123456789012:role/Deploy\n\
        [profile dev]\n[profile my profile]\n\
        [sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n";

    fn hint(text: &str) -> String {
        let config = SharedConfig::parse(CONFIG, "").expect("a config");
        hints(text, &config).join("\n")
    }

    #[test]
    fn a_decorated_name_is_found_without_what_is_around_it() {
        for text in [
            "\"prod-deploy\"",
            "'prod-deploy",
            "`prod-deploy`",
            "“prod-deploy”",
            "<prod-deploy>",
            "[profile prod-deploy]",
            "profile=prod-deploy",
            "role=prod-deploy",
            " prod-deploy ",
            "prod\u{2011}deploy",
            "prod\u{2013}deploy",
            "prod-deploy\u{200b}",
            "\u{a0}prod-deploy",
        ] {
            assert_eq!(hint(text), "did you mean `prod-deploy`?", "{text}");
        }
        assert_eq!(
            hint("ARN:aws:iam::123456789012:role/X"),
            "did you mean `arn:aws:iam::123456789012:role/X`?"
        );
        assert_eq!(hint("'123456789012/X'"), "did you mean `123456789012/X`?");
    }

    #[test]
    fn every_notation_of_a_role_is_turned_into_one_that_arl_takes() {
        for (text, role) in [
            ("1234-5678-9012/Deploy", "123456789012/Deploy"),
            ("123456789012:Deploy", "123456789012/Deploy"),
            ("123456789012:role/Deploy", "123456789012/Deploy"),
            ("123456789012 Deploy", "123456789012/Deploy"),
            ("Deploy@123456789012", "123456789012/Deploy"),
            ("Deploy/123456789012", "123456789012/Deploy"),
            ("iam::123456789012:role/team/Deploy", "123456789012/team/Deploy"),
            (
                "https://signin.aws.amazon.com/switchrole?roleName=Deploy&account=123456789012",
                "123456789012/Deploy",
            ),
            ("arn:aws:iam::1234-5678-9012:role/Deploy", "arn:aws:iam::123456789012:role/Deploy"),
            ("arn:aws:iam:us-east-1:123456789012:role/Deploy", "arn:aws:iam::123456789012:role/Deploy"),
            ("arn:aws-cn:iam:123456789012:role/Deploy", "arn:aws-cn:iam::123456789012:role/Deploy"),
            ("arn:aws:iam::123456789012/role/a/Deploy", "arn:aws:iam::123456789012:role/a/Deploy"),
            ("arn:aws:iam::123456789012:Deploy", "arn:aws:iam::123456789012:role/Deploy"),
            ("corp/123456789012/Dev", "corp:123456789012/Dev"),
            ("corp:123456789012:Dev", "corp:123456789012/Dev"),
        ] {
            assert_eq!(hint(text), format!("did you mean `{role}`?"), "{text}");
        }
    }

    #[test]
    fn what_is_no_role_is_named_with_what_to_do() {
        for (text, said) in [
            ("arn:aws:iam::123456789012:user/ann", "--profile"),
            ("arn:aws:iam::123456789012:policy/P", "--policy-arns"),
            ("arn:aws:iam::123456789012:instance-profile/P", "contains a role"),
            ("arn:aws:iam::123456789012:mfa/ann", "--serial-number"),
            ("arn:aws:iam::123456789012:root", "root user"),
            ("arn:aws:iam::123456789012:role", "`arl list`"),
            ("arn:aws:s3:::bucket", "`arl list`"),
            ("arn:aws:sso:::permissionSet/ssoins-1/ps-1", "`arl list --sso`"),
            ("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0/ann", "`arl list --sso`"),
            (
                "arn:aws-cn:sts::123456789012:assumed-role/Deploy/ann",
                "did you mean `arn:aws-cn:iam::123456789012:role/Deploy`?",
            ),
            ("12345678901/X", "has 12 digits, `12345678901` has 11; did you mean `012345678901/X`?"),
            ("1234567890123/X", "has 12 digits, `1234567890123` has 13"),
            ("123456789012", "`arl list 123456789012`"),
            ("1234-5678-9012", "`arl list 123456789012`"),
            ("corp", "arl login corp"),
            ("corp:Dev", "corp:ACCOUNT/NAME"),
            ("corp:123456789012", "corp:ACCOUNT/NAME"),
            ("https://corp.awsapps.com/start/#/", "arl login corp"),
            ("$ROLE", "arl assume \"$ROLE\""),
            ("<ROLE>", "`arl list`"),
            ("prod-*", "arl each 'prod-*' -- COMMAND"),
            ("dev,prod-deploy", "arl each dev prod-deploy -- COMMAND"),
            ("AKIAIOSFODNN7EXAMPLE", "access key"),
            ("AROAIOSFODNN7EXAMPLE", "ACCOUNT/NAME"),
            ("prod-deploy -- true", "arl assume prod-deploy -- true"),
            ("prod-deploy\u{a0}--json", "arl assume prod-deploy --json"),
        ] {
            assert!(hint(text).contains(said), "{text}: {}", hint(text));
        }
        for text in ["", " ", "nosuch", "a/b", "a:b", "$", "help me"] {
            let hint = hint(text);
            assert_eq!(hint, "", "{text}");
        }
    }

    #[test]
    fn a_role_arn_is_repaired() {
        let arn = Some("arn:aws:iam::123456789012:role/X");
        for value in
            ["\"arn:aws:iam::123456789012:role/X\"", "123456789012:role/X", "arn:aws:iam:123456789012:role/X"]
        {
            assert_eq!(meant_arn(value).as_deref(), arn, "{value}");
        }
        assert_eq!(meant_arn("Deploy"), None);
        assert_eq!(meant_arn("arn:aws:iam::123456789012:user/ann"), None);
    }
}
