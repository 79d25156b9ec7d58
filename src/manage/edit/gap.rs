//! The text between values: comments, dashes, colons, ends of lines.

use std::ops::Range;

/// The byte at which the line of this byte begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rfind('\n').map_or(0, |end| end.saturating_add(1))
}

/// The byte of the end of line at or behind this byte, or the end of the text. A CR before the LF belongs to the end.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.find('\n').and_then(|end| rest.get(..end)).unwrap_or(rest);
    at.saturating_add(line.strip_suffix('\r').unwrap_or(line).len())
}

/// The byte at which the line behind the line of this byte begins, or the end of the text.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |end| at.saturating_add(end).saturating_add(1))
}

/// The text of the line of this byte that is before the byte, without a byte order mark.
pub(super) fn prefix(text: &str, at: usize) -> &str {
    text.get(line_start(text, at)..at).unwrap_or_default().trim_start_matches('\u{feff}')
}

/// The column of a comment that has its line for itself.
fn comment_column(line: &str) -> Option<usize> {
    let comment = line.trim_start_matches([' ', '\t']);
    comment.starts_with('#').then(|| line.len().saturating_sub(comment.len()))
}

fn line_at(text: &str, start: usize) -> &str {
    text.get(start..line_end(text, start)).unwrap_or_default()
}

/// The lines of comment directly above the line of this byte.
pub(super) fn comment_above(text: &str, at: usize) -> Vec<&str> {
    let before = text.get(..line_start(text, at)).unwrap_or_default();
    let mut lines: Vec<&str> =
        before.lines().rev().map_while(|line| comment_column(line).map(|_| line.trim())).collect();
    lines.reverse();
    lines
}

/// The byte at which the comment directly above the line of this byte begins, or the line itself. The comment's lines
/// are behind `floor`, and their columns are at most `column`.
pub(super) fn comment_start(text: &str, at: usize, floor: usize, column: usize) -> usize {
    let mut start = line_start(text, at);
    while let Some(above) = start.checked_sub(1).map(|end| line_start(text, end)) {
        let belongs = comment_column(line_at(text, above)).is_some_and(|found| found <= column);
        if above < floor || !belongs {
            break;
        }
        start = above;
    }
    start
}

/// The byte at which the line behind a value begins that ends at `end`: behind its line, and behind comments that are
/// indented by more than `column`.
pub(super) fn behind(text: &str, end: usize, column: usize) -> usize {
    let mut at = next_line(text, end);
    let mut next = at;
    while next < text.len() {
        let line = line_at(text, next);
        let is_deeper = comment_column(line).is_some_and(|found| found > column);
        if !is_deeper && !line.trim().is_empty() {
            break;
        }
        next = next_line(text, next);
        if is_deeper {
            at = next;
        }
    }
    at
}

/// Whether the line above the line of this byte is empty.
pub(super) fn is_below_empty_line(text: &str, at: usize) -> bool {
    let above = line_start(text, at).checked_sub(1);
    above.is_some_and(|end| line_at(text, line_start(text, end)).trim().is_empty())
}

/// The tokens in text that has no values in it, each with the byte at which it begins; comments are left out.
fn tokens(text: &str, range: Range<usize>) -> impl Iterator<Item = (usize, &str)> {
    let gap = text.get(range.clone()).unwrap_or_default();
    let lines = gap.split_inclusive('\n').scan(range.start, |at, line| {
        let start = *at;
        *at = at.saturating_add(line.len());
        Some((start, line))
    });
    lines.flat_map(|(start, line)| {
        let words = line.split([' ', '\t', '\r', '\n']).scan(start, |at, word| {
            let start = *at;
            *at = at.saturating_add(word.len()).saturating_add(1);
            Some((start, word))
        });
        words.filter(|(_, word)| !word.is_empty()).take_while(|(_, word)| !word.starts_with('#'))
    })
}

/// The byte of the first dash in a gap. An anchor or a tag can have dashes in it too.
pub(super) fn dash(text: &str, range: Range<usize>) -> Option<usize> {
    tokens(text, range).find(|(_, word)| *word == "-").map(|(start, _)| start)
}

/// The byte behind the colon that follows a key; `None` if no colon is there.
pub(super) fn colon(text: &str, key_end: usize) -> Option<usize> {
    let rest = text.get(key_end..line_end(text, key_end)).unwrap_or_default();
    let space = rest.len().saturating_sub(rest.trim_start().len());
    rest.trim_start().starts_with(':').then(|| key_end.saturating_add(space).saturating_add(1))
}

/// The byte of the first comma in a gap.
pub(super) fn comma(text: &str, range: Range<usize>) -> Option<usize> {
    let mut tokens = tokens(text, range);
    tokens.find_map(|(start, word)| word.find(',').map(|place| start.saturating_add(place)))
}

/// The byte behind the last line of a block scalar. Empty lines behind it are part of it only where its header says so.
pub(super) fn block_scalar_end(text: &str, range: &Range<usize>) -> usize {
    let header = text.get(..line_start(text, range.start)).unwrap_or_default().lines().next_back().unwrap_or_default();
    let header = header.split(" #").next().unwrap_or_default().trim_end();
    let keeps = header.rsplit(['|', '>']).next().is_some_and(|indicators| indicators.contains('+'));
    let content = text.get(range.clone()).unwrap_or_default();
    // The range may go on to the next token, in the middle of its line.
    let lines = content.trim_end_matches([' ', '\t']);
    let kept = if keeps { lines.strip_suffix('\n').unwrap_or(lines) } else { content.trim_end() };
    range.start.saturating_add(kept.len())
}
