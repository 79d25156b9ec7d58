//! Untrusted text in log lines: bounded, and printable ASCII only.

use std::fmt::{self, Write};

/// The longest untrusted text in a line, in characters.
pub(crate) const LONGEST_TEXT: usize = 256;

/// Untrusted bytes as a JSON string of printable ASCII. A text that is cut off ends in an ellipsis.
pub(crate) struct Quoted<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bytes for one character more than the longest text, four bytes each, to see whether the text is cut off.
        let bytes = self.0.get(..self.0.len().min(4 * LONGEST_TEXT + 4)).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes);
        let cut = text.chars().nth(LONGEST_TEXT).map(|_| '\u{2026}');
        f.write_char('"')?;
        for character in text.chars().take(LONGEST_TEXT).chain(cut) {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                ' '..='~' => f.write_char(character)?,
                other => other.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}"))?,
            }
        }
        f.write_char('"')
    }
}
