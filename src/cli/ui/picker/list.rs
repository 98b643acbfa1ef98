//! The list of the picker: filters the entries by the typed words, and tracks which one is selected.

use unicode_width::UnicodeWidthStr;

use crate::cli::ui::text::printable;

/// The columns of an entry.
pub(super) const COLUMNS: usize = 5;

/// An entry that the user can pick.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The name, the account, the role, the source and the time left, safe for a terminal.
    cells: [String; COLUMNS],
    /// `*` for the current role, `!` for one that cannot work.
    pub(super) mark: char,
    /// The text that is shown about the entry while it is selected.
    pub(super) note: Option<String>,
    /// The text in which the typed words are searched.
    text: String,
    /// Whether it stays at the end of the list regardless of the typed words.
    is_fixed: bool,
}

impl Entry {
    pub(crate) fn new(cells: [&str; COLUMNS], mark: char, note: Option<&str>) -> Self {
        let cells = cells.map(printable);
        let text = cells[..3].join(" ").to_lowercase();
        Self { cells, mark, note: note.map(printable), text, is_fixed: false }
    }

    /// Returns an entry that stays at the end of the list and is never selected by typing.
    pub(crate) fn fixed(name: &str, note: &str) -> Self {
        Self { is_fixed: true, ..Self::new([name, "", "", "", ""], ' ', Some(note)) }
    }

    pub(crate) fn cells(&self) -> &[String; COLUMNS] {
        &self.cells
    }
}

/// Entries, and what the user has typed.
#[derive(Debug)]
pub(crate) struct List {
    entries: Vec<Entry>,
    /// The width of each column, over all entries.
    pub(super) widths: [usize; COLUMNS],
    pub(super) query: String,
    /// The indices of the entries that are shown: those that match, then the fixed ones.
    shown: Vec<usize>,
    /// The number of entries that match.
    matches: usize,
    /// The index in `shown`. `None` while no entry matches the typed words, so that Enter picks nothing.
    selected: Option<usize>,
    /// The index in `shown` of the first entry on the screen.
    top: usize,
}

/// The most characters that can be typed.
const MAX_QUERY: usize = 200;

impl List {
    /// Returns a list in which the first entry is selected.
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        let mut widths = [0; COLUMNS];
        for entry in entries.iter().filter(|entry| !entry.is_fixed) {
            for (width, cell) in widths.iter_mut().zip(&entry.cells) {
                *width = (*width).max(cell.width());
            }
        }
        let mut list = Self {
            entries,
            widths,
            query: String::new(),
            shown: Vec::new(),
            matches: 0,
            selected: None,
            top: 0,
        };
        list.filter();
        list
    }

    /// Returns the entry at this index.
    pub(super) fn entry(&self, index: usize) -> &Entry {
        &self.entries[index]
    }

    /// Returns how many entries match, and how many there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.matches, self.entries.iter().filter(|entry| !entry.is_fixed).count())
    }

    /// Returns the indices of the entries to show.
    pub(super) fn shown(&self) -> &[usize] {
        &self.shown
    }

    /// Returns the index of the selected entry.
    pub(super) fn selected(&self) -> Option<usize> {
        self.selected.map(|place| self.shown[place])
    }

    /// Returns the indices of the entries that are visible in this many rows, and whether each is selected.
    /// Scrolls as far as needed.
    pub(super) fn visible(&mut self, rows: usize) -> Vec<(usize, bool)> {
        let selected = self.selected.unwrap_or(0);
        self.top = self.top.min(selected).max((selected + 1).saturating_sub(rows));
        self.top = self.top.min(self.shown.len().saturating_sub(rows));
        let places = self.top..self.shown.len().min(self.top + rows);
        places.map(|place| (self.shown[place], Some(place) == self.selected)).collect()
    }

    /// Changes the typed text.
    pub(super) fn edit(&mut self, change: impl FnOnce(&mut String)) {
        change(&mut self.query);
        let end = self.query.char_indices().nth(MAX_QUERY).map_or(self.query.len(), |(index, _)| index);
        self.query.truncate(end);
        self.filter();
    }

    /// Selects the entry this many places further down, or further up if the number is negative.
    pub(super) fn move_by(&mut self, places: isize) {
        let Some(last) = self.shown.len().checked_sub(1) else { return };
        self.selected = Some(match self.selected {
            None => 0,
            Some(place) => place.saturating_add_signed(places).min(last),
        });
    }

    /// Finds the entries that contain all typed words, ignoring case. Entries whose name equals the typed
    /// text or begins with it come first.
    fn filter(&mut self) {
        let query = self.query.trim().to_lowercase();
        let words: Vec<&str> = query.split_whitespace().collect();
        let mut ranked: [Vec<usize>; 3] = Default::default();
        let mut fixed = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            if entry.is_fixed {
                fixed.push(index);
            } else if words.iter().all(|word| entry.text.contains(word)) {
                let is_exact = || entry.cells[0].to_lowercase() == query;
                let rank = match entry.text.starts_with(&query) && !query.is_empty() {
                    true if is_exact() => 0,
                    true => 1,
                    false => 2,
                };
                ranked[rank].push(index);
            }
        }
        self.shown = ranked.concat();
        self.matches = self.shown.len();
        self.shown.extend(fixed);
        let has_choice = self.matches > 0 || (query.is_empty() && !self.shown.is_empty());
        self.selected = has_choice.then_some(0);
        self.top = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> List {
        let mut entries: Vec<Entry> = names
            .iter()
            .map(|name| Entry::new([name, "111122223333 Payments", "Admin", "dev", ""], ' ', None))
            .collect();
        entries.push(Entry::fixed("more from corp", "asks"));
        List::new(entries)
    }

    fn type_words(list: &mut List, words: &str) -> Vec<usize> {
        list.edit(|query| *query = words.to_owned());
        list.shown().to_vec()
    }

    #[test]
    fn all_words_filter_and_names_come_first() {
        let mut list = list(&["prod-dev", "DEV-2", "dev", "other"]);
        assert_eq!((list.shown(), list.selected()), (&[0, 1, 2, 3, 4][..], Some(0)));
        assert_eq!(type_words(&mut list, "dev"), [2, 1, 0, 4]);
        assert_eq!(type_words(&mut list, "ADMIN  1111 ot"), [3, 4]);
        assert_eq!(list.selected(), Some(3));
    }

    #[test]
    fn nothing_is_selected_where_nothing_matches() {
        let mut list = list(&["a", "b"]);
        assert_eq!(type_words(&mut list, "more"), [2]);
        assert_eq!((list.selected(), list.counts()), (None, (0, 2)));
        list.move_by(1);
        assert_eq!(list.selected(), Some(2));
    }

    #[test]
    fn the_list_scrolls_with_the_selection() {
        let names: Vec<String> = (0..50).map(|number| format!("r{number}")).collect();
        let mut list = list(&names.iter().map(String::as_str).collect::<Vec<_>>());
        list.move_by(12);
        let visible = list.visible(10);
        assert_eq!((visible[0], visible[9]), ((3, false), (12, true)));
        list.move_by(-10);
        assert_eq!(list.visible(10)[0], (2, true));
        list.move_by(1000);
        assert_eq!(list.visible(10)[9], (50, true));
        list.move_by(isize::MIN);
        assert_eq!((list.visible(60).len(), list.selected()), (51, Some(0)));
    }
}
