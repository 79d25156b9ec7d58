//! A registry's source: its text, the tree of its values, and the line and column of each byte. Must not know what a value
//! means.

use super::tree::{Entry, Node, Part};
use crate::diagnostic::Diagnostic;
use crate::span::{Position, Span};
use std::ops::Range;

/// A text whose lines are known.
pub(super) struct Lines<'t> {
    text: &'t str,
    /// The bytes at which lines begin.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(end, _)| end.saturating_add(1))).collect();
        Self { text, starts }
    }

    pub(super) fn span(&self, range: &Range<usize>) -> Span {
        Span { start: self.position(range.start), bytes: range.clone() }
    }

    fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        Position::new(line, before.chars().count().saturating_add(1))
    }

    /// The byte at this line and column, both from 1.
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..).unwrap_or_default();
        let before: usize = line.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
        start.saturating_add(before)
    }
}

/// A registry as it was written.
pub struct Document<'t> {
    lines: Lines<'t>,
    root: Node,
}

impl<'t> Document<'t> {
    pub(super) fn new(lines: Lines<'t>, root: Node) -> Self {
        Self { lines, root }
    }

    /// The text.
    pub fn text(&self) -> &'t str {
        self.lines.text
    }

    /// The root of the tree of values.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The text of this value.
    pub fn span(&self, node: &Node) -> Span {
        self.lines.span(&node.range)
    }

    /// The text of these bytes.
    pub(crate) fn span_of(&self, range: &Range<usize>) -> Span {
        self.lines.span(range)
    }

    /// The text of the value at this path, or of the nearest value around it.
    pub fn span_at(&self, path: &str) -> Span {
        self.span_in(&self.root, path)
    }

    /// The diagnostic with the span of its path.
    pub(crate) fn placed(&self, diagnostic: Diagnostic) -> Diagnostic {
        let span = (!diagnostic.path.is_empty()).then(|| self.span_at(&diagnostic.path));
        Diagnostic { span, ..diagnostic }
    }

    /// The text of this key.
    pub(crate) fn key_span(&self, entry: &Entry) -> Span {
        self.lines.span(&entry.key_range)
    }

    /// The text of the value at this path in `root`, or of the nearest value around it.
    pub(super) fn span_in(&self, root: &Node, path: &str) -> Span {
        self.lines.span(&root.range_at(path, Part::Value))
    }

    /// The text of the key at this path in `root`, of several of this name the n-th from 0.
    pub(super) fn key_span_in(&self, root: &Node, path: &str, number: usize) -> Span {
        self.lines.span(&root.range_at(path, Part::Key(number)))
    }
}
