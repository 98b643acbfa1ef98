//! Flags in a form that arl does not know: with one dash, with a web page's dash, or misspelled.

use crate::cli::commands::mistakes::line::CommandLine;
use crate::cli::plan::mistyped_role::with_plain_dashes;

/// Spellings of aws-assume-role-lib, which arl takes too.
const OTHER_SPELLINGS: [&str; 3] = ["account_id", "role_name", "profile_name"];

/// Returns the line with its flags corrected, if a word of it is a flag of the command in another form:
/// `-json`, `—json`, `/json`, `--JSON`, `--external_id`, `duration=2h`.
pub(super) fn in_another_form(line: &CommandLine) -> Option<String> {
    let names = long_names(&line.described()?);
    let runs_command = ["exec", "each"].into_iter().any(|verb| line.verb.as_deref() == Some(verb));
    let start = line.verb_place() + 1;
    let end = line.separator();
    let mut words: Vec<String> = line.words.get(..end)?.to_vec();
    let (mut is_changed, mut is_value) = (false, false);
    for (place, word) in words.iter_mut().enumerate().skip(start) {
        let is_bare = !word.starts_with('-') && !is_typographic(word);
        // A bare word after a flag may be its value.
        if std::mem::replace(&mut is_value, !is_bare && word != "-" && !word.contains('=')) && is_bare {
            continue;
        }
        if runs_command && is_bare {
            // The command begins here, and its words are not flags of arl.
            if place > start {
                break;
            }
            continue;
        }
        let is_separator = is_typographic(word) && with_plain_dashes(word).trim_matches('-').is_empty();
        let meant = match written_right(word, &names) {
            // `—` in place of `--`.
            _ if runs_command && is_separator => "--".to_owned(),
            Some(meant) => meant,
            None => continue,
        };
        is_changed |= meant != *word;
        *word = meant;
        if *word == "--" {
            break;
        }
    }
    if !is_changed {
        return None;
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Some(line.with(0..end, &words))
}

/// Returns the similar flags of the command, the most similar one first.
pub(super) fn similar(line: &CommandLine, flag: &str) -> Vec<String> {
    similar_to(flag, line.described().map(|command| long_names(&command)).unwrap_or_default())
}

/// Returns the names that are similar to a flag, the most similar one first.
pub(super) fn similar_to(flag: &str, names: Vec<String>) -> Vec<String> {
    let wanted = flag.trim_start_matches('-').split('=').next().unwrap_or_default().to_lowercase();
    let is_part = |name: &str| name.split('-').count() < wanted.split('-').count() && wanted.contains(name);
    let distance = |name: &str| strsim::osa_distance(&wanted, name);
    let limit = 1 + wanted.chars().count() / 5;
    let mut near: Vec<String> = names
        .into_iter()
        .filter(|name| wanted.len() > 2 && (distance(name) <= limit || is_part(name)))
        .collect();
    near.sort_by_key(|name| (distance(name), name.clone()));
    near
}

/// Returns the long names of the command's flags.
pub(super) fn long_names(command: &clap::Command) -> Vec<String> {
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    shown.filter_map(|argument| argument.get_long().map(str::to_owned)).collect()
}

/// Whether a word begins with a dash and has a character other than ASCII, such as the dash that web pages
/// put in place of `-`.
fn is_typographic(word: &str) -> bool {
    word.contains(|c: char| !c.is_ascii()) && with_plain_dashes(word).starts_with('-')
}

/// Returns the flag that a word means, if the word is a flag of the command in another form. `None` if the
/// word is right already.
fn written_right(word: &str, names: &[String]) -> Option<String> {
    let plain = with_plain_dashes(word);
    let (name, value) = match plain.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (plain.as_str(), None),
    };
    let bare = name.trim_start_matches(['-', '/', '+']);
    let spelled = bare.to_lowercase().replace('_', "-");
    let has_mark = bare.len() < name.len();
    // `profile` alone may be anything; `profile=dev` and `json` are almost certainly flags.
    let is_switch = value.is_none() && !has_mark && spelled != "json";
    let is_right = name.starts_with("--") && (spelled == bare || OTHER_SPELLINGS.contains(&bare));
    if is_switch || (is_right && !is_typographic(word)) {
        return None;
    }
    if !has_mark || spelled.chars().count() > 1 {
        let long = names.iter().find(|long| **long == spelled)?;
        return Some(value.map_or_else(|| format!("--{long}"), |value| format!("--{long}={value}")));
    }
    // `−d`, with the minus sign of mathematics.
    is_typographic(word).then(|| plain.clone())
}
