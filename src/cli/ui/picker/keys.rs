//! Converts the bytes that a terminal sends to keys.

use std::io;

/// A key, or the action that it causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Backspace,
    DeleteWord,
    DeleteAll,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Enter,
    /// Esc, Ctrl-D, Ctrl-G, Ctrl-Z and Ctrl-\.
    Leave,
    /// A key that does nothing.
    Other,
}

/// The longest escape sequence of a key, in bytes.
const MAX_SEQUENCE: usize = 32;

/// Assembles keys from bytes.
#[derive(Debug, Default)]
pub(super) struct KeyReader {
    /// Whether the terminal is sending pasted text, in which a line break is not Enter.
    is_pasting: bool,
}

impl KeyReader {
    /// Returns the next key. `None` if `next_byte` returns `None`, because no byte came for some time.
    ///
    /// # Errors
    /// `next_byte` failed.
    pub(super) fn next(
        &mut self,
        mut next_byte: impl FnMut() -> io::Result<Option<u8>>,
    ) -> io::Result<Option<Key>> {
        let Some(byte) = next_byte()? else { return Ok(None) };
        let key = match byte {
            0x1b => self.sequence(&mut next_byte)?,
            _ if self.is_pasting && byte.is_ascii_control() => Key::Char(' '),
            b'\r' | b'\n' => Key::Enter,
            0x7f | 0x08 => Key::Backspace,
            0x04 | 0x07 | 0x1a | 0x1c => Key::Leave,
            0x0b | 0x10 => Key::Up,
            b'\t' | 0x0e => Key::Down,
            0x15 => Key::DeleteAll,
            0x17 => Key::DeleteWord,
            b' '..=b'~' => Key::Char(char::from(byte)),
            0x80.. => character(byte, &mut next_byte)?,
            _ => Key::Other,
        };
        Ok(Some(key))
    }

    /// Reads what follows an escape character.
    fn sequence(&mut self, next_byte: &mut impl FnMut() -> io::Result<Option<u8>>) -> io::Result<Key> {
        match next_byte()? {
            // The Esc key sends nothing after the escape character.
            None | Some(0x1b) if !self.is_pasting => return Ok(Key::Leave),
            Some(b'[' | b'O') => {}
            Some(0x7f) => return Ok(Key::DeleteWord),
            _ => return Ok(Key::Other),
        }
        let mut text = String::new();
        while text.len() < MAX_SEQUENCE {
            let Some(byte) = next_byte()? else { return Ok(Key::Other) };
            text.push(char::from(byte));
            if matches!(byte, b'@'..=b'~') {
                break;
            }
        }
        let (parameters, last) = text.split_at(text.len().saturating_sub(1));
        let number = parameters.split(';').next().unwrap_or_default();
        Ok(match (last, number) {
            ("~", "200") => {
                self.is_pasting = true;
                Key::Other
            }
            ("~", "201") => {
                self.is_pasting = false;
                Key::Other
            }
            ("A" | "Z", _) => Key::Up,
            ("B", _) => Key::Down,
            ("~", "5") => Key::PageUp,
            ("~", "6") => Key::PageDown,
            ("H", _) | ("~", "1" | "7") => Key::First,
            ("F", _) | ("~", "4" | "8") => Key::Last,
            _ => Key::Other,
        })
    }
}

/// Reads the rest of a character whose first byte is not ASCII.
fn character(first: u8, next_byte: &mut impl FnMut() -> io::Result<Option<u8>>) -> io::Result<Key> {
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Ok(Key::Other),
    };
    let mut bytes = vec![first];
    while bytes.len() < length {
        let Some(byte) = next_byte()? else { return Ok(Key::Other) };
        bytes.push(byte);
    }
    let text = std::str::from_utf8(&bytes).ok();
    Ok(text.and_then(|text| text.chars().next()).map_or(Key::Other, Key::Char))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the keys of some bytes, after which no byte comes for some time.
    fn keys(bytes: &[u8]) -> Vec<Key> {
        let (mut reader, mut rest) = (KeyReader::default(), bytes.iter().copied());
        let mut keys = Vec::new();
        while let Some(key) = reader.next(|| Ok(rest.next())).expect("no error") {
            keys.push(key);
        }
        keys
    }

    #[test]
    fn keys_of_terminals() {
        use Key::*;
        for (bytes, expected) in [
            (&b"ab\r"[..], vec![Char('a'), Char('b'), Enter]),
            ("\u{e4}日🚀".as_bytes(), vec![Char('\u{e4}'), Char('日'), Char('🚀')]),
            (b"\x1b", vec![Leave]),
            (b"\x04", vec![Leave]),
            (b"\x1a\x1c", vec![Leave, Leave]),
            (b"\x1b[A\x1bOB\x1b[1;5A", vec![Up, Down, Up]),
            (b"\x1b[5~\x1b[6~\x1b[H\x1b[4~", vec![PageUp, PageDown, First, Last]),
            (
                b"\x1b[200~a\rb\x03\x1b[201~\n",
                vec![Other, Char('a'), Char(' '), Char('b'), Char(' '), Other, Enter],
            ),
            (b"\x7f\x17\x15\x1b\x7f", vec![Backspace, DeleteWord, DeleteAll, DeleteWord]),
            (b"\x1bx\xff\xc3", vec![Other, Other, Other]),
            (b"\x1b[15;2~\x1b[?1;2c", vec![Other, Other]),
        ] {
            assert_eq!(keys(bytes), expected, "{bytes:?}");
        }
    }
}
