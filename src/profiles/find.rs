//! Finds the sections of a shared file that an edit changes, all of them in one pass.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use super::line::{Line, LineKind, Lines, SectionKind, SharedFile, has_profile_prefix};

/// Why a file cannot be edited safely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditError {
    /// The profile has two sections, on these lines. Programs differ in which of them counts.
    DuplicateProfile(usize, usize),
    /// The header of the profile, or a line in it, is indented although it continues no value. Programs
    /// differ in what this line belongs to.
    UnexpectedIndent(usize),
    /// The edited file would not read as intended. Nothing was written.
    VerificationFailed(&'static str),
    /// A section is not as it was when arl decided to edit it. Nothing was written.
    Changed,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateProfile(first, second) => write!(
                f,
                "the profile is defined twice, on lines {first} and {second}, and programs differ in which one they use"
            ),
            Self::UnexpectedIndent(line) => {
                write!(f, "line {line} is indented, and programs differ in which key it belongs to")
            }
            Self::VerificationFailed(what) => write!(f, "the result would {what}, so nothing was written"),
            Self::Changed => f.write_str("another program has just changed it, so arl left it as it is"),
        }
    }
}

impl std::error::Error for EditError {}

/// The place of a section in the file.
struct FoundSection {
    /// The line number of the header.
    number: usize,
    range: Range<usize>,
    /// Whether its header is spelled `[profile NAME]`.
    has_prefix: bool,
}

/// Returns the ranges of the sections' lines, headers included, in the order of `targets`.
pub(super) fn find_sections(
    file: SharedFile,
    text: &[u8],
    targets: &[SectionKind<'_>],
) -> Result<Vec<Option<Range<usize>>>, EditError> {
    let indices: HashMap<SectionKind<'_>, usize> =
        targets.iter().enumerate().map(|(index, target)| (*target, index)).collect();
    let mut found: Vec<Option<FoundSection>> = targets.iter().map(|_| None).collect();
    let mut open: Option<usize> = None;
    for Line { range, number, indent, kind } in Lines::of_file(text) {
        let header = match kind {
            LineKind::Blank | LineKind::Comment | LineKind::Continuation(_) => continue,
            LineKind::Header(header) => std::str::from_utf8(&text[header]).unwrap_or_default(),
            LineKind::UnclosedHeader => "",
            LineKind::Property { .. } | LineKind::NoDelimiter | LineKind::NoKey => {
                if open.is_some() && indent > 0 {
                    return Err(EditError::UnexpectedIndent(number));
                }
                continue;
            }
        };
        let section = SectionKind::parse(file, header);
        let target = indices.get(&section).copied();
        if indent > 0 {
            if open.is_some() || target.is_some() {
                return Err(EditError::UnexpectedIndent(number));
            }
            continue;
        }
        if let Some(section) = open.take().and_then(|index| found[index].as_mut()) {
            section.range.end = range.start;
        }
        let Some(index) = target else { continue };
        let has_prefix = has_profile_prefix(file, header);
        if let Some(FoundSection { number: first, has_prefix: first_has_prefix, .. }) = found[index] {
            if section != SectionKind::Profile("default") || has_prefix == first_has_prefix {
                return Err(EditError::DuplicateProfile(first, number));
            }
            // `[profile default]` hides `[default]` in the config file.
            if first_has_prefix {
                continue;
            }
        }
        found[index] = Some(FoundSection { number, range: range.start..text.len(), has_prefix });
        open = Some(index);
    }
    Ok(found.into_iter().map(|section| Some(section?.range)).collect())
}
