//! The changes to a configuration so far, with notes and errors. A change is planned on the tree of values and written
//! into the text later.

use super::model::Model;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use crate::edit::{Edit, Fragment};
use crate::envoy_file::Place;
use crate::load::document::Document;
use crate::load::tree::{Node, Value};
use crate::path::{Path, Step};
use std::ops::Range;

/// A plan.
pub(super) struct Plan<'s> {
    /// The values after all changes so far.
    pub(super) tree: Node,
    pub(super) edits: Vec<Edit<'s>>,
    pub(super) notes: Vec<Diagnostic>,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) adds_certgate: bool,
    pub(super) uses_trusted_ca: bool,
    pub(super) model: &'s Model<'s>,
    document: &'s Document<'s>,
}

impl<'s> Plan<'s> {
    pub(super) fn new(document: &'s Document<'s>, model: &'s Model<'s>) -> Self {
        let tree = document.root().clone();
        Self {
            tree,
            edits: Vec::new(),
            notes: Vec::new(),
            errors: Vec::new(),
            adds_certgate: false,
            uses_trusted_ca: false,
            model,
            document,
        }
    }

    /// The value at this path, after the changes so far.
    pub(super) fn at(&self, path: &Path) -> Option<Place<'_>> {
        let step = |node, step: &Step| match step {
            Step::Key(key) => Node::get(node, key),
            Step::Index(index) => Node::items(node).get(*index),
        };
        let node = path.0.iter().try_fold(&self.tree, step)?;
        Some(Place { node, path: path.clone() })
    }

    pub(super) fn make(&mut self, edit: Edit<'s>) {
        let is_made = edit.apply(&mut self.tree);
        match (&edit, self.at(edit.path()).as_ref().map(Spot::of)) {
            (Edit::Item { .. }, Some(spot)) if !is_made => self.not_a_list(&spot),
            _ => self.edits.push(edit),
        }
    }

    /// Refuses to edit one value in the place of a list, or a list in a list.
    pub(super) fn not_a_list(&mut self, spot: &Spot) {
        let path = spot.path.to_string();
        if self.errors.iter().any(|error| error.code == Code::NotEdited && error.path == path) {
            return;
        }
        let message = "expected a plain list here, to which an item can be added";
        self.error(Code::NotEdited, spot, message, "write it as a list of its items");
    }

    pub(super) fn note(&mut self, code: Code, spot: &Spot, message: impl Into<String>) {
        let note = Diagnostic::note(code, message).at(spot.path.to_string(), Some(self.document.span_of(&spot.range)));
        self.notes.push(note);
    }

    pub(super) fn error(&mut self, code: Code, spot: &Spot, message: impl Into<String>, mend: &str) {
        let error =
            Diagnostic::error(code, message).at(spot.path.to_string(), Some(self.document.span_of(&spot.range)));
        self.errors.push(error.mended_by(mend));
    }

    /// Whether the map at `map` has this field. If it lacks the field, the field of `model` is added behind the field
    /// that is before it there, or else behind the first one.
    pub(super) fn ensure(&mut self, map: &Path, model: &Place<'s>, field: &str) -> bool {
        let Some(entry) = model.entry(field) else { return false };
        let value = self.model.of_entry(entry);
        self.ensure_value(map, model, field, value)
    }

    /// As [`Self::ensure`], with this value.
    pub(super) fn ensure_value(&mut self, map: &Path, model: &Place<'s>, field: &str, value: Fragment<'s>) -> bool {
        let Some(place) = self.at(map) else { return false };
        if place.get(field).is_some() {
            return true;
        }
        // A null is an absent field.
        if let Some(entry) = place.entry(field) {
            let at = map.key(&entry.key);
            self.make(Edit::Value { at, value });
            return false;
        }
        let before = model.node.entries().iter().take_while(|entry| entry.key != field);
        let before = before.filter_map(|entry| place.entry(&entry.key)).last();
        let after = before.or_else(|| place.node.entries().first()).map(|entry| entry.key.clone());
        self.make(Edit::Entry { map: map.clone(), key: field.to_owned(), after, value });
        false
    }

    /// Sees to it that a field has the value that it has in `model`, or one of those that are `as_good`; a change of
    /// another value is noted with the reason.
    pub(super) fn set(&mut self, map: &Path, model: &Place<'s>, field: &str, as_good: &[&str], reason: &str) {
        if !self.ensure(map, model, field) {
            return;
        }
        let (Some(place), Some(wanted)) = (self.at(map).and_then(|map| map.get(field)), model.get(field)) else {
            return;
        };
        let is_good =
            place.node.is_same(wanted.node) || place.node.as_str().is_some_and(|text| as_good.contains(&text));
        if is_good {
            return;
        }
        let note = format!("{} becomes {}: {reason}", shown(place.node), shown(wanted.node));
        let (spot, value) = (Spot::of(&place), Fragment::of(wanted.node.value.clone()));
        self.note(Code::Changed, &spot, note);
        self.make(Edit::Value { at: spot.path, value });
    }
}

/// The path and the text of a value, for notes.
pub(super) struct Spot {
    pub(super) path: Path,
    range: Range<usize>,
}

impl Spot {
    pub(super) fn of(place: &Place<'_>) -> Self {
        Self { path: place.path.clone(), range: place.node.range.clone() }
    }
}

/// A scalar as messages show it.
pub(super) fn shown(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => format!("`{text}`"),
        Value::Boolean(value) => format!("`{value}`"),
        Value::Integer(value) => format!("`{value}`"),
        _ => "the value".to_owned(),
    }
}
