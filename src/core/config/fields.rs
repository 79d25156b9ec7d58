//! Typed reads of values: each read reports a wrong value at its path, and returns only correct ones. Does not know the
//! schema.

use super::error::{Errors, Problem};
use super::found::Found;
use super::node::{Node, PRIVATE_KEY};
use super::path::Path;
use super::suggestions::nearest;
use crate::domain::name::Name;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A value and its path.
#[derive(Clone, Copy)]
pub(super) struct Located<'a> {
    pub(super) node: &'a Node,
    pub(super) path: Path<'a>,
}

impl<'a> Located<'a> {
    pub(super) fn text(self, expected: &'static str, errors: &mut Errors) -> Option<&'a str> {
        match self.node {
            Node::Text(text) => return Some(text),
            Node::Boolean(_) | Node::Integer(_) | Node::Fraction | Node::Imprecise => {
                self.report(|found| Problem::Unquoted { expected, found }, errors);
            }
            _ => self.refuse(expected, errors),
        }
        None
    }

    pub(super) fn name(self, errors: &mut Errors) -> Option<Name> {
        const EXPECTED: &str = "a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`";
        Name::new(self.text(EXPECTED, errors)?).or_else(|| self.wrong(EXPECTED, errors))
    }

    /// [`Self::name`], if it is not one of the `reserved` names.
    pub(super) fn free_name(self, reserved: &[&str], errors: &mut Errors) -> Option<Name> {
        let name = self.name(errors)?;
        if reserved.contains(&name.as_str()) {
            errors.push(&self.path, Problem::Reserved(name));
            return None;
        }
        Some(name)
    }

    /// [`Self::name`], if it is not one of `names` yet; adds it, with the index of its item.
    pub(super) fn unique_name(self, names: &mut Names<'_>, item: usize, errors: &mut Errors) -> Option<Name> {
        let name = self.name(errors)?;
        if let Some(first) = names.seen.get(&name) {
            let first = Path::Item(&names.list, *first).to_string();
            errors.push(&self.path, Problem::Duplicate { what: "a name", first });
            return None;
        }
        names.seen.insert(name.clone(), item);
        Some(name)
    }

    pub(super) fn boolean(self, errors: &mut Errors) -> Option<bool> {
        match self.node {
            Node::Boolean(value) => Some(*value),
            _ => self.wrong("`true` or `false`", errors),
        }
    }

    pub(super) fn integer(
        self,
        range: RangeInclusive<u64>,
        expected: &'static str,
        errors: &mut Errors,
    ) -> Option<u64> {
        let value = match self.node {
            Node::Integer(value) => u64::try_from(*value).ok(),
            Node::Text(text) => integer_from_envoy(text),
            _ => None,
        };
        value.filter(|value| range.contains(value)).or_else(|| self.wrong(expected, errors))
    }

    /// The choice with this name.
    pub(super) fn choice<T: Copy>(
        self,
        choices: &[(&str, T)],
        expected: &'static str,
        errors: &mut Errors,
    ) -> Option<T> {
        let chosen = choices.iter().find(|(name, _)| matches!(self.node, Node::Text(text) if **text == **name));
        chosen.map(|(_, choice)| *choice).or_else(|| self.wrong(expected, errors))
    }

    /// Whether the value is a list. Its [`Self::items`] can be read then.
    pub(super) fn is_list(self, expected: &'static str, errors: &mut Errors) -> bool {
        let is_list = matches!(self.node, Node::List(_));
        if !is_list {
            self.refuse(expected, errors);
        }
        is_list
    }

    /// The items of a list; none of another value.
    pub(super) fn items(&self) -> impl Iterator<Item = Located<'_>> {
        let items: &[Node] = if let Node::List(items) = self.node { items } else { &[] };
        items.iter().enumerate().map(|(index, node)| Located { node, path: Path::Item(&self.path, index) })
    }

    /// The results of `read` for all items; `None` if the value is not a list of at least one item, or an item has an
    /// error.
    pub(super) fn some<T>(
        self,
        expected: &'static str,
        errors: &mut Errors,
        mut read: impl FnMut(Located<'_>, &mut Errors) -> Option<T>,
    ) -> Option<Vec<T>> {
        if !matches!(self.node, Node::List(items) if !items.is_empty()) {
            return self.wrong(expected, errors);
        }
        let items: Vec<_> = self.items().map(|item| read(item, errors)).collect();
        items.into_iter().collect()
    }

    /// The fields of a map. Reports fields that are not `known`.
    pub(super) fn fields(
        self,
        known: &'static [&'static str],
        expected: &'static str,
        errors: &mut Errors,
    ) -> Option<Fields<'a>> {
        let Node::Map(entries) = self.node else {
            return self.wrong(expected, errors);
        };
        for (key, _) in entries {
            report_unknown(key, known, &Path::Key(&self.path, key), errors);
        }
        Some(Fields { path: self.path, entries })
    }

    /// Reports that the value is not the expected one.
    pub(super) fn wrong<T>(self, expected: &'static str, errors: &mut Errors) -> Option<T> {
        self.refuse(expected, errors);
        None
    }

    /// [`Self::wrong`] without a return value.
    pub(super) fn refuse(self, expected: &'static str, errors: &mut Errors) {
        self.report(|found| Problem::Value { expected, found }, errors);
    }

    fn report(self, problem: impl FnOnce(Found) -> Problem, errors: &mut Errors) {
        if let Some(found) = Found::of(self.node) {
            errors.push(&self.path, problem(found));
        }
    }
}

/// The names of the items of a list, to find duplicates.
pub(super) struct Names<'a> {
    list: Path<'a>,
    seen: BTreeMap<Name, usize>,
}

impl<'a> Names<'a> {
    /// No names, for the list at this path.
    pub(super) fn of(list: Path<'a>) -> Self {
        Self { list, seen: BTreeMap::new() }
    }

    /// All names, in ascending order.
    pub(super) fn into_sorted(self) -> Vec<Name> {
        self.seen.into_keys().collect()
    }
}

/// A whole number of more than 31 bits, which Envoy reads from YAML as text (`parseYamlNode` in its YAML loader).
/// Smaller numbers arrive as numbers, so text with one of them is an error.
fn integer_from_envoy(text: &str) -> Option<u64> {
    let digits = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    let largest_number = u64::from(i32::MAX.unsigned_abs());
    text.parse().ok().filter(|value| digits && *value > largest_number)
}

/// Reports a key that is not `known`.
pub(super) fn report_unknown(key: &str, known: &'static [&'static str], path: &Path<'_>, errors: &mut Errors) {
    if !known.contains(&key) && key != PRIVATE_KEY {
        errors.push(path, Problem::UnknownField { near: nearest(key, known), known });
    }
}

/// The entries of a map as fields. Of duplicate keys the first counts; [`super::inspect`] reports the others.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    path: Path<'a>,
    entries: &'a [(Box<str>, Node)],
}

impl Fields<'_> {
    /// The path of the field, present or not.
    pub(super) fn path(&self, key: &'static str) -> Path<'_> {
        Path::Key(&self.path, key)
    }

    /// The field, if it is present.
    pub(super) fn optional(&self, key: &'static str) -> Option<Located<'_>> {
        let (_, node) = self.entries.iter().find(|(name, _)| **name == *key)?;
        Some(Located { node, path: self.path(key) })
    }

    /// The field. Reports a missing one.
    pub(super) fn required(
        &self,
        key: &'static str,
        expected: &'static str,
        errors: &mut Errors,
    ) -> Option<Located<'_>> {
        let field = self.optional(key);
        if field.is_none() {
            errors.push(&self.path(key), Problem::Value { expected, found: Found::Nothing });
        }
        field
    }
}
