//! Places in a source: lines, columns and bytes.

use std::ops::Range;

/// A place in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Position {
    pub(crate) fn new(line: usize, column: usize) -> Self {
        let [line, column] = [line, column].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        Self { line, column }
    }
}

/// A piece of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The line and column of its first character.
    pub start: Position,
    /// The bytes.
    pub bytes: Range<usize>,
}
