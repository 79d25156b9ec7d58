//! The way in which a document is written, which new text follows.

use super::gap;
use crate::load::tree::{Form, Node};

/// The habits of a document.
pub(super) struct Habits {
    /// The end of a line.
    pub(super) newline: &'static str,
    /// The number of columns by which a map in block style is indented in another.
    pub(super) step: usize,
    /// Whether lists in block style are not indented below their keys.
    pub(super) flush: bool,
    /// The number of columns from the dash of an item to the item.
    pub(super) dash: usize,
    /// The indentation of a line of a list or map in brackets that has lines of its own.
    pub(super) unit: String,
    /// Whether empty brackets are filled with lines.
    pub(super) pretty: bool,
    /// Whether the document is JSON, where every text has double quotes.
    pub(super) is_json: bool,
}

impl Habits {
    /// The habits of this document.
    pub(super) fn of(text: &str, root: &Node, is_json: bool) -> Self {
        let line = text.get(..gap::next_line(text, 0)).unwrap_or_default();
        let first = root.items().first().map(|item| item.range.start);
        let first = first.or_else(|| root.entries().first().map(|entry| entry.key_range.start));
        let unit = first.map(|first| gap::prefix(text, first)).filter(|prefix| !prefix.is_empty());
        let unit = unit.filter(|prefix| root.form == Form::Flow && prefix.trim().is_empty());
        Self {
            newline: if line.ends_with("\r\n") { "\r\n" } else { "\n" },
            step: step(text, root).unwrap_or(2),
            flush: flush(text, root).unwrap_or_default(),
            dash: dash(text, root, 0).unwrap_or(2),
            pretty: unit.is_some(),
            unit: unit.unwrap_or("  ").to_owned(),
            is_json,
        }
    }
}

fn column(text: &str, at: usize) -> usize {
    gap::prefix(text, at).chars().count()
}

/// The indentation of the first map in block style that is in another.
fn step(text: &str, node: &Node) -> Option<usize> {
    let inner = node.entries().iter().find_map(|entry| {
        let key = entry.node.entries().first().filter(|_| entry.node.form == Form::Block)?;
        let step = column(text, key.key_range.start).checked_sub(column(text, entry.key_range.start))?;
        (1..=8).contains(&step).then_some(step)
    });
    let below = || node.entries().iter().map(|entry| &entry.node).chain(node.items()).find_map(|node| step(text, node));
    inner.or_else(below)
}

/// Whether the first list in block style stands below its key.
fn flush(text: &str, node: &Node) -> Option<bool> {
    let inner = node.entries().iter().find_map(|entry| {
        let item = entry.node.items().first().filter(|_| entry.node.form == Form::Block)?;
        let dash = gap::dash(text, entry.key_range.end..item.range.start)?;
        Some(column(text, dash) == column(text, entry.key_range.start))
    });
    let below =
        || node.entries().iter().map(|entry| &entry.node).chain(node.items()).find_map(|node| flush(text, node));
    inner.or_else(below)
}

/// The width of the first dash that shares its line with an item, of the lists in a value behind the byte `floor`.
fn dash(text: &str, node: &Node, floor: usize) -> Option<usize> {
    if node.form != Form::Block {
        return None;
    }
    let own = || {
        let item = node.items().first()?;
        let dash = gap::dash(text, floor..item.range.start)?;
        let width = text.get(dash..item.range.start)?;
        (width.trim_end() == "-" && !width.contains('\n') && width.len() <= 8).then_some(width.len())
    };
    let values = node.entries().iter().map(|entry| (&entry.node, entry.key_range.end));
    let items = node.items().iter().map(|item| (item, item.range.start));
    own().or_else(|| values.chain(items).find_map(|(node, floor)| dash(text, node, floor)))
}
