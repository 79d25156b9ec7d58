//! Values as new text.

use super::habits::Habits;
use super::scalar::{double_quoted, scalar};
use super::{Fragment, gap};
use crate::load::tree::{Entry, Form, Node, Value};

/// Writes values in block style, with the comments that their source has.
pub(super) struct Writer<'w> {
    source: &'w str,
    habits: &'w Habits,
}

impl<'w> Writer<'w> {
    pub(super) fn new(value: &'w Fragment<'_>, habits: &'w Habits) -> Self {
        Self { source: value.source, habits }
    }

    /// The lines of a new entry with this key, or of a new item, with its comment.
    pub(super) fn introduced(&self, key: Option<&str>, value: &Fragment<'_>) -> Vec<String> {
        let lines = match key {
            Some(key) => self.entry(key, &value.node),
            None => self.item(&value.node),
        };
        value.comment.iter().map(|line| (*line).to_owned()).chain(lines).collect()
    }

    /// The lines of a value. The first key of a map may share its line with a dash, and so its comment.
    pub(super) fn lines(&self, node: &Node, shares_line: bool) -> Vec<String> {
        match &node.value {
            Value::Map(entries) if is_block(node) => {
                let mut lines = Vec::new();
                for (index, Entry { key, key_range, node }) in entries.iter().enumerate() {
                    lines.extend(self.comment(key_range.start).filter(|_| index > 0 || !shares_line));
                    lines.extend(self.entry(key, node));
                }
                lines
            }
            Value::List(items) if is_block(node) => items
                .iter()
                .flat_map(|item| self.comment(item.range.start).chain(self.item(item)).collect::<Vec<_>>())
                .collect(),
            _ => vec![flow(node, self.habits.is_json)],
        }
    }

    fn comment(&self, start: usize) -> impl Iterator<Item = String> + use<'w> {
        let lines = if self.source.is_empty() { Vec::new() } else { gap::comment_above(self.source, start) };
        lines.into_iter().map(str::to_owned)
    }

    fn entry(&self, key: &str, node: &Node) -> Vec<String> {
        let key = text(key, self.habits.is_json);
        if !is_block(node) {
            return vec![format!("{key}: {}", flow(node, self.habits.is_json))];
        }
        let depth = match node.value {
            Value::List(_) if self.habits.flush => 0,
            _ => self.habits.step,
        };
        let lines = self.lines(node, false).into_iter().map(|line| format!("{:depth$}{line}", ""));
        std::iter::once(format!("{key}:")).chain(lines).collect()
    }

    fn item(&self, node: &Node) -> Vec<String> {
        let lines = self.lines(node, true).into_iter().enumerate();
        let width = self.habits.dash;
        lines.map(|(index, line)| format!("{:width$}{line}", if index == 0 { "-" } else { "" })).collect()
    }
}

/// Whether a value takes lines of its own: a list or map that its source has in block style.
fn is_block(node: &Node) -> bool {
    node.form == Form::Block && !(node.items().is_empty() && node.entries().is_empty())
}

/// A value on one line.
pub(super) fn flow(node: &Node, is_json: bool) -> String {
    match &node.value {
        Value::Text(value) => text(value, is_json),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, is_json)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entry = |Entry { key, node, .. }: &Entry| format!("{}: {}", text(key, is_json), flow(node, is_json));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
    }
}

/// A value in brackets over several lines, of which all but the first begin with this indentation.
pub(super) fn pretty(node: &Node, indentation: &str, habits: &Habits) -> String {
    let inner = format!("{indentation}{}", habits.unit);
    let (nl, json) = (habits.newline, habits.is_json);
    let joined = |lines: Vec<String>| lines.join(&format!(",{nl}{inner}"));
    match &node.value {
        Value::List(items) if !items.is_empty() => {
            let lines = items.iter().map(|item| pretty(item, &inner, habits)).collect();
            format!("[{nl}{inner}{}{nl}{indentation}]", joined(lines))
        }
        Value::Map(entries) if !entries.is_empty() => {
            let entry =
                |Entry { key, node, .. }: &Entry| format!("{}: {}", text(key, json), pretty(node, &inner, habits));
            format!("{{{nl}{inner}{}{nl}{indentation}}}", joined(entries.iter().map(entry).collect()))
        }
        _ => flow(node, json),
    }
}

/// Text as a key or a value.
pub(super) fn text(text: &str, is_json: bool) -> String {
    if is_json { double_quoted(text) } else { scalar(text) }
}
