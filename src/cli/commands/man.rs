//! Writes the manual pages in `man/` from the texts of `--help`.
//!
//! `ARL_TEST_UPDATE=1 cargo test man_pages` updates them.

#![allow(clippy::disallowed_methods, reason = "only a test runs this")]
#![expect(clippy::unwrap_used, reason = "only tests make the pages")]

use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use crate::cli::args::help::GROUPS;
use crate::cli::ui::text::hang;

/// The date of the release (RELEASING.md). Before the first release, that of the last change of the texts.
const DATE: &str = "2026-11-26";

/// The longest line of text in a page. mandoc's checks complain about longer ones.
const WIDTH: usize = 79;

/// The longest line of an example or a table in `--help`. A page indents these lines more.
const VERBATIM_WIDTH: usize = 73;

const FILES: [(&str, &str); 7] = [
    ("~/.aws/config", "role profiles and [sso-session] sections; arl configure writes it"),
    ("~/.aws/credentials", "keys of profiles; arl write writes it"),
    ("~/.aws/sso/cache/*.json", "tokens of sign-ins, shared with the AWS CLI"),
    ("~/.cache/arl/v1/", "cached sessions; on macOS ~/Library/Caches/arl/v1/"),
    ("$XDG_RUNTIME_DIR/arl/", "locks, and the token of each arl exec --server"),
    ("~/.local/state/arl/keys/", "which keys are in the keychain; no secrets"),
    ("~/.boto, /etc/boto.cfg", "arl exec --server fails if they have keys, which boto3 would use instead"),
];

/// Returns the page of a command, for instance `arl-assume.1`.
fn page(command: &clap::Command) -> String {
    // Put the usage on one line, as in `--help`, and show the flags that only the long help has.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let shown = command.clone().override_usage(usage).mut_args(|arg| arg.hide_short_help(false));
    let man = Man::new(shown).section("1").source(concat!("arl ", env!("CARGO_PKG_VERSION")));
    let man = man.title(command.get_display_name().unwrap_or("arl").to_uppercase()).date(DATE);
    let mut page = Vec::new();
    let is_program = command.get_name() == "arl";
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    man.render_synopsis_section(&mut page).unwrap();
    man.render_description_section(&mut page).unwrap();
    // The text before the flags in `--help` has the examples and their explanation.
    let before = text_of(command.get_before_long_help());
    let (examples, meaning): (Vec<&str>, Vec<&str>) = paragraphs(&before)
        .partition(|paragraph| is_indented(paragraph) || paragraph.starts_with("Examples:"));
    let mut roff = Roff::new();
    for paragraph in meaning {
        roff.control("PP", []).text([roman(paragraph)]);
    }
    page.extend(roff.to_roff().into_bytes());
    man.render_options_section(&mut page).unwrap();
    let after = text_of(command.get_after_long_help());
    let mut roff = Roff::new();
    if is_program {
        verbs(&mut roff, command);
    } else {
        page.extend(subcommands(command).into_bytes());
    }
    if !examples.is_empty() {
        verbatim(&mut roff, "EXAMPLES", examples.join("\n\n").trim_start_matches("Examples:\n"));
    }
    let (titled, notes): (Vec<&str>, Vec<&str>) = paragraphs(&after)
        .filter(|paragraph| !is_exit_status(paragraph))
        .partition(|paragraph| paragraph.contains(":\n"));
    for (title, text) in titled.into_iter().filter_map(|paragraph| paragraph.split_once(":\n")) {
        verbatim(&mut roff, &title.to_uppercase(), text);
    }
    for (index, note) in notes.into_iter().enumerate() {
        match index {
            0 => roff.control("SH", ["NOTES"]),
            _ => roff.control("PP", []),
        };
        roff.text([roman(note)]);
    }
    exit_status(&mut roff, command.get_name());
    if is_program {
        roff.control("SH", ["FILES"]);
        for (path, meaning) in FILES {
            roff.control("TP", []).text([bold(path)]).text([roman(meaning)]);
        }
    }
    see_also(&mut roff, command.get_name());
    page.extend(roff.to_roff().into_bytes());
    tidied(&String::from_utf8(page).unwrap())
}

fn is_exit_status(paragraph: &str) -> bool {
    paragraph.starts_with("Exit status:")
}

/// Adds the exit statuses of `arl --help`. Those of one subcommand are only in its own page and in that of
/// arl.
fn exit_status(roff: &mut Roff, name: &str) {
    let all = crate::cli::args::help::ENVIRONMENT_HELP;
    let status = paragraphs(all).find(|paragraph| is_exit_status(paragraph)).expect("the exit statuses");
    let is_of = |line: &&str| match line.trim_start().split_once(": ") {
        Some((verb, _)) => name == "arl" || name == verb,
        None => true,
    };
    let lines: Vec<&str> = status.lines().skip(1).filter(is_of).collect();
    verbatim(roff, "EXIT STATUS", &lines.join("\n"));
}

/// Adds references to other pages: in `arl.1` to all of them, else to those of the same group.
fn see_also(roff: &mut Roff, name: &str) {
    let is_wanted = |group: &&[&str]| name == "arl" || group.contains(&name);
    let groups = GROUPS.iter().map(|(_, group)| *group).filter(is_wanted);
    let verbs = groups.flatten().filter(|verb| ![name, "help"].contains(verb));
    let mut pages: Vec<String> = verbs.map(|verb| format!("arl-{verb}(1)")).collect();
    pages.sort_unstable();
    if name != "arl" {
        pages.insert(0, "arl(1)".to_owned());
    }
    roff.control("SH", ["SEE ALSO"]).text([roman(pages.join(", "))]);
    if name == "arl" {
        let guide = "The AWS SDKs and Tools Reference Guide describes the shared files.";
        roff.control("PP", []).text([roman(guide)]);
    }
}

/// Breaks long lines of text, removes lines that clap_mangen repeats before each section, and uses troff's
/// escapes for characters beyond ASCII.
fn tidied(page: &str) -> String {
    let mut tidy = String::new();
    let mut is_filled = true;
    for (number, line) in page.lines().enumerate() {
        is_filled = if line.starts_with(".nf") { false } else { is_filled || line.starts_with(".fi") };
        if number > 1 && (line.contains(" \\n(.g ") || line.starts_with(".el .ds Aq")) {
            continue;
        }
        // Between `.nf` and `.fi`, troff keeps the line breaks, so `.br` is not needed.
        if !is_filled && line == ".br" {
            continue;
        }
        let mut rest = line.trim_end();
        while is_filled && rest.len() > WIDTH && !rest.starts_with(['.', '\'']) {
            // troff takes a line that begins with a period or an apostrophe as a request, so do not break
            // before one.
            let is_break = |(at, _): &(usize, &str)| !rest[at + 1..].starts_with(['.', '\'']);
            let mut breaks = rest[..WIDTH].rmatch_indices(' ').filter(is_break);
            let Some((at, _)) = breaks.next() else { break };
            tidy.push_str(&format!("{}\n", &rest[..at]));
            rest = &rest[at + 1..];
        }
        tidy.push_str(&format!("{rest}\n"));
    }
    tidy.chars()
        .map(|c| if c.is_ascii() { c.to_string() } else { format!("\\[u{:04X}]", u32::from(c)) })
        .collect()
}

fn text_of(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").filter(|paragraph| !paragraph.is_empty())
}

fn is_indented(paragraph: &str) -> bool {
    paragraph.starts_with(' ')
}

fn verbs(roff: &mut Roff, command: &clap::Command) {
    roff.control("SH", ["COMMANDS"]);
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        roff.control("TP", []);
        roff.text([bold(format!("arl-{}(1)", verb.get_name()))]);
        roff.text([roman(text_of(verb.get_about()))]);
    }
}

/// Returns the commands below a command, which have no page of their own, with their flags.
fn subcommands(command: &clap::Command) -> String {
    const OF_ALL: [&str; 4] = ["verbose", "quiet", "color", "help"];
    let mut page = String::new();
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        let mut roff = Roff::new();
        if page.is_empty() {
            roff.control("SH", ["COMMANDS"]);
        }
        let usage = below.clone().render_usage().to_string();
        roff.control("SS", [usage.trim_start_matches("Usage: ")]);
        let about = text_of(below.get_long_about().or(below.get_about()));
        for (number, paragraph) in paragraphs(&about).enumerate() {
            if number > 0 {
                roff.control("PP", []);
            }
            roff.text([roman(paragraph)]);
        }
        page.push_str(&roff.to_roff());
        let shown = below.clone().mut_args(|arg| {
            let is_of_all = OF_ALL.contains(&arg.get_id().as_str());
            arg.hide_short_help(false).hide(is_of_all)
        });
        let mut flags = Vec::new();
        Man::new(shown).render_options_section(&mut flags).unwrap();
        let flags = String::from_utf8(flags).unwrap();
        page.push_str(&flags.replace(".SH OPTIONS\n", ""));
    }
    page
}

/// Adds a section that keeps the line breaks of its text.
fn verbatim(roff: &mut Roff, title: &str, text: &str) {
    roff.control("SH", [title]).control("nf", []);
    let text = text.lines().map(|line| hang(line, VERBATIM_WIDTH)).collect::<Vec<_>>().join("\n");
    let lines: Vec<Inline> = text
        .lines()
        .flat_map(|line| [roman(line.strip_prefix("  ").unwrap_or(line)), Inline::LineBreak])
        .collect();
    roff.text(lines).control("fi", []);
}

#[test]
fn man_pages_match_help() {
    let mut program = super::Cli::command();
    program.build();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let is_verb = |verb: &&clap::Command| verb.get_name() != "help";
    let verbs =
        program.get_subcommands().filter(is_verb).map(|verb| (format!("arl-{}.1", verb.get_name()), verb));
    let pages: Vec<_> = [("arl.1".to_owned(), &program)].into_iter().chain(verbs).collect();
    for (name, command) in &pages {
        let path = directory.join(name);
        let page = page(command);
        if std::env::var_os("ARL_TEST_UPDATE").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert!(
            page == std::fs::read_to_string(&path).unwrap_or_default(),
            "{name} differs from --help: ARL_TEST_UPDATE=1 cargo test man_pages"
        );
    }
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), pages.len(), "pages of verbs that are gone");
}
