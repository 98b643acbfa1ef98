//! Writes the manual pages in `man/` from the texts of `--help`.
//!
//! `ARL_TEST_UPDATE=1 cargo test man_pages` updates them.

#![allow(clippy::disallowed_methods, reason = "only a test runs this")]
#![expect(clippy::unwrap_used, reason = "only tests make the pages")]

use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

/// Returns the page of a command, for instance `arl-assume.1`.
fn page(command: &clap::Command) -> String {
    // The usage in one line, as in `--help`, and the flags that only the long help shows.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let shown = command.clone().override_usage(usage).mut_args(|arg| arg.hide_short_help(false));
    let man = Man::new(shown).section("1").source(concat!("arl ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    let is_program = command.get_name() == "arl";
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    man.render_synopsis_section(&mut page).unwrap();
    man.render_description_section(&mut page).unwrap();
    // The text before the flags in `--help` is examples, and what they mean.
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
    if command.has_subcommands() {
        verbs(&mut roff, command);
    }
    if !examples.is_empty() {
        verbatim(&mut roff, "EXAMPLES", examples.join("\n\n").trim_start_matches("Examples:\n"));
    }
    for paragraph in paragraphs(&after).filter(|_| is_program) {
        let (title, text) = paragraph.split_once(":\n").expect("a title");
        verbatim(&mut roff, &title.to_uppercase(), text);
    }
    roff.control("SH", ["SEE ALSO"]);
    let others = match (is_program, after.is_empty()) {
        (true, _) => "The files that arl reads are described in the AWS SDKs and Tools Reference Guide.",
        (false, true) => "arl(1)",
        (false, false) => "arl(1), for the environment and the exit status",
    };
    roff.text([roman(others)]);
    page.extend(roff.to_roff().into_bytes());
    // troff's escapes for characters outside of ASCII.
    let page = String::from_utf8(page).unwrap();
    page.chars()
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
        let has_page = command.get_name() == "arl";
        let name = verb.get_name();
        roff.text([bold(if has_page { format!("arl-{name}(1)") } else { name.to_owned() })]);
        roff.text([roman(text_of(verb.get_about()))]);
    }
}

/// Adds a section with its line breaks.
fn verbatim(roff: &mut Roff, title: &str, text: &str) {
    roff.control("SH", [title]).control("nf", []);
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
        assert!(page == std::fs::read_to_string(&path).unwrap_or_default(), "{name} is not what it was");
    }
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), pages.len(), "pages of verbs that are gone");
}
