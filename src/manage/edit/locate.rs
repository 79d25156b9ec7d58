//! The place of a value in a text: the value, and the byte behind what introduces it.

use super::gap;
use crate::load::tree::{Form, Node, Value};
use crate::path::Step;

/// A value where it is written.
pub(super) struct Target<'d> {
    pub(super) text: &'d str,
    pub(super) node: &'d Node,
    /// The byte behind the key or dash that introduces the value; 0 for the root.
    pub(super) floor: usize,
}

/// The value at this path. A list or map behind an alias is the one that has the anchor.
pub(super) fn find<'d>(text: &'d str, root: &'d Node, path: &[Step]) -> Option<Target<'d>> {
    let mut target = Target { text, node: root, floor: 0 };
    for step in path {
        target = target.anchored(root).child(step)?;
    }
    Some(if matches!(target.node.value, Value::List(_) | Value::Map(_)) { target.anchored(root) } else { target })
}

impl<'d> Target<'d> {
    /// The value that has the anchor, if this is an alias.
    fn anchored(self, root: &'d Node) -> Self {
        let Form::Alias(range) = &self.node.form else { return self };
        Target { text: self.text, node: root, floor: 0 }.search(range).unwrap_or(self)
    }

    fn search(self, range: &std::ops::Range<usize>) -> Option<Self> {
        if self.node.range == *range && !matches!(self.node.form, Form::Alias(_)) {
            return Some(self);
        }
        if matches!(self.node.form, Form::Alias(_)) {
            return None;
        }
        (0..self.len()).find_map(|index| self.nth(index)?.search(range))
    }

    fn child(&self, step: &Step) -> Option<Self> {
        match step {
            Step::Key(key) => self.nth(self.node.entries().iter().position(|entry| entry.key == *key)?),
            Step::Index(index) => self.nth(*index),
        }
    }

    /// The number of items or entries.
    pub(super) fn len(&self) -> usize {
        self.node.items().len().max(self.node.entries().len())
    }

    /// The item or entry's value of this index.
    pub(super) fn nth(&self, index: usize) -> Option<Self> {
        if let Some(entry) = self.node.entries().get(index) {
            return Some(Target { text: self.text, node: &entry.node, floor: entry.key_range.end });
        }
        let node = self.node.items().get(index)?;
        let floor = match self.node.form {
            Form::Block => self.dash(index)?.saturating_add(1),
            _ => node.range.start,
        };
        Some(Target { text: self.text, node, floor })
    }

    /// The byte of the dash of this item of a list in block style.
    pub(super) fn dash(&self, index: usize) -> Option<usize> {
        let item = self.node.items().get(index)?;
        // Without the items before it, whose own dashes would have to be found first.
        let from = match index.checked_sub(1) {
            Some(before) => self.node.items().get(before).map(|before| content_end(self.text, before))?,
            None => self.floor,
        };
        gap::dash(self.text, from..item.range.start.max(from))
    }

    /// The byte behind the last one of the value.
    pub(super) fn end(&self) -> usize {
        match &self.node.form {
            Form::Flow if self.node.range.is_empty() => gap::colon(self.text, self.floor).unwrap_or(self.floor),
            _ => content_end(self.text, self.node),
        }
    }
}

/// The byte behind the last one of a value. Of an absent value: the byte behind its key or dash.
fn content_end(text: &str, node: &Node) -> usize {
    match (&node.form, &node.value) {
        (Form::Block, Value::List(items)) => items.last().map_or(node.range.end, |last| content_end(text, last)),
        (Form::Block, Value::Map(entries)) => entries
            .last()
            .map_or(node.range.end, |last| Target { text, node: &last.node, floor: last.key_range.end }.end()),
        (Form::Block, _) => gap::block_scalar_end(text, &node.range),
        _ => node.range.end,
    }
}
