//! Changes to the text of a YAML or JSON document that keep every other line as it is: comments, order, quotes, empty
//! lines, indentation and ends of lines. Must not know the meaning of any value.

mod block;
mod flow;
mod gap;
mod habits;
#[cfg(test)]
mod laws;
mod locate;
mod scalar;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use scalar::{quoted, scalar};

use crate::load::document::Document;
use crate::load::tree::{Entry, Form, Node, Value};
use crate::path::{Path, Step};
use habits::Habits;
use locate::Target;
use std::ops::Range;

/// A value to write, and the comment above it.
#[derive(Clone)]
pub(crate) struct Fragment<'s> {
    /// The value.
    pub(crate) node: Node,
    /// The text in which the value has its ranges, for the comments inside the value; empty if there is none.
    pub(crate) source: &'s str,
    /// The lines of the comment above the value, each with its `#`. A place that cannot have comments drops them.
    pub(crate) comment: Vec<&'s str>,
}

impl<'s> Fragment<'s> {
    /// A value without comments.
    pub(crate) fn of(value: Value) -> Self {
        Self { node: Node { value, range: 0..0, form: Form::Flow }, source: "", comment: Vec::new() }
    }

    /// A value of another document, with the comment above `start`, where its key, dash or first byte is.
    pub(crate) fn from(source: &'s str, node: &Node, start: usize) -> Self {
        Self { node: node.clone(), source, comment: gap::comment_above(source, start) }
    }
}

/// A change to a document.
#[derive(Clone)]
pub(crate) enum Edit<'s> {
    /// A new entry in a map, behind the entry of the key `after`, or else as the last one.
    Entry {
        /// The map.
        map: Path,
        /// The key.
        key: String,
        /// The key of the entry before it.
        after: Option<String>,
        /// The value.
        value: Fragment<'s>,
    },
    /// A new item in a list.
    Item {
        /// The list.
        list: Path,
        /// The index that the item will have.
        index: usize,
        /// The value.
        value: Fragment<'s>,
    },
    /// Another value in the place of one.
    Value {
        /// The place.
        at: Path,
        /// The value.
        value: Fragment<'s>,
    },
}

/// The reason why a text cannot be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// No list or map is there: a bug of the caller's.
    NoSuchPlace,
    /// The text is written in a form that is not edited.
    Form(&'static str),
}

/// A piece of text in the place of another.
struct Splice {
    range: Range<usize>,
    text: String,
}

impl Splice {
    fn insert(at: usize, text: String) -> Self {
        Self { range: at..at, text }
    }
}

impl Edit<'_> {
    /// The place of the change.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Entry { map, .. } => map,
            Self::Item { list, .. } => list,
            Self::Value { at, .. } => at,
        }
    }

    /// Makes the change in a tree; whether there is such a place. The ranges of what is new mean nothing.
    pub(crate) fn apply(&self, root: &mut Node) -> bool {
        let Some(node) = at(root, &self.path().0) else { return false };
        match (self, &mut node.value) {
            (Self::Entry { key, after, value, .. }, Value::Map(entries)) => {
                let index = position(entries, after.as_deref());
                entries.insert(index, Entry { key: key.clone(), key_range: 0..0, node: value.node.clone() });
            }
            (Self::Item { index, value, .. }, Value::List(items)) => {
                items.insert((*index).min(items.len()), value.node.clone());
            }
            (Self::Value { value, .. }, _) => *node = Node { range: node.range.clone(), ..value.node.clone() },
            _ => return false,
        }
        true
    }

    /// Whether the document has this change already, made at an alias of the same text.
    pub(crate) fn is_in(&self, root: &Node) -> bool {
        let find = |path: &Path| path.0.iter().try_fold(root, step);
        let (found, value) = match self {
            Self::Entry { map, key, value, .. } => (find(&map.key(key)), value),
            Self::Item { list, index, value } => (find(&list.index(*index)), value),
            Self::Value { at, value } => (find(at), value),
        };
        found.is_some_and(|found| found.is_same(&value.node))
    }

    /// The text of the document with this change.
    pub(crate) fn write(&self, document: &Document<'_>, is_json: bool) -> Result<String, Obstacle> {
        let text = document.text();
        let root = document.root();
        let habits = Habits::of(text, root, is_json);
        let target = locate::find(text, root, &self.path().0).ok_or(Obstacle::NoSuchPlace)?;
        let splices = match self {
            Self::Entry { key, after, value, .. } => {
                let Value::Map(entries) = &target.node.value else { return Err(Obstacle::NoSuchPlace) };
                let index = position(entries, after.as_deref());
                target.insert(index, Some(key), value, &habits)?
            }
            Self::Item { index, value, .. } => target.insert(*index, None, value, &habits)?,
            Self::Value { value, .. } => vec![target.replaced(value, &habits)?],
        };
        Ok(spliced(text, splices))
    }
}

impl Target<'_> {
    /// The pieces that put a value at this index of a list or map.
    fn insert(
        &self,
        index: usize,
        key: Option<&str>,
        value: &Fragment<'_>,
        habits: &Habits,
    ) -> Result<Vec<Splice>, Obstacle> {
        match self.node.form {
            Form::Block => block::insert(self, index, key, value, habits).map(|splice| vec![splice]),
            _ => Ok(flow::insert(self, index, key, value, habits)),
        }
    }

    fn replaced(&self, value: &Fragment<'_>, habits: &Habits) -> Result<Splice, Obstacle> {
        match (&self.node.form, &self.node.value) {
            (Form::Block, Value::List(_) | Value::Map(_)) => block::replace(self, value, habits),
            (Form::Block, _) => Err(Obstacle::Form("a block scalar (`|` or `>`)")),
            _ if self.node.range.is_empty() => {
                Ok(Splice::insert(self.end(), format!(" {}", write::flow(&value.node, habits.is_json))))
            }
            _ => Ok(Splice { range: self.node.range.clone(), text: write::flow(&value.node, habits.is_json) }),
        }
    }
}

/// The index behind the entry of this key, or behind the last one.
fn position(entries: &[Entry], after: Option<&str>) -> usize {
    let found = after.and_then(|key| entries.iter().position(|entry| entry.key == key));
    found.map_or(entries.len(), |index| index.saturating_add(1))
}

fn step<'n>(node: &'n Node, step: &Step) -> Option<&'n Node> {
    match step {
        Step::Key(key) => node.get(key),
        Step::Index(index) => node.items().get(*index),
    }
}

fn at<'n>(node: &'n mut Node, path: &[Step]) -> Option<&'n mut Node> {
    let Some((step, rest)) = path.split_first() else { return Some(node) };
    let inner = match (&mut node.value, step) {
        (Value::Map(entries), Step::Key(key)) => {
            entries.iter_mut().find(|entry| entry.key == *key).map(|e| &mut e.node)
        }
        (Value::List(items), Step::Index(index)) => items.get_mut(*index),
        _ => None,
    };
    at(inner?, rest)
}

/// The text with these pieces, which are in their order.
fn spliced(text: &str, splices: Vec<Splice>) -> String {
    let mut edited = text.to_owned();
    for Splice { range, text } in splices.into_iter().rev() {
        edited.replace_range(range, &text);
    }
    edited
}
