//! A value together with where it stands, and what it is asked for: each question reports what is wrong and answers
//! only with what is right. Must not know the schema.

use super::error::{Errors, Problem};
use super::names::nearest;
use super::node::{Node, PRIVATE_KEY};
use super::path::Path;
use super::show::Found;
use crate::domain::name::Name;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A value and where it stands.
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

    /// As [`Self::name`], but none of those that certgate uses itself.
    pub(super) fn free_name(self, reserved: &[&str], errors: &mut Errors) -> Option<Name> {
        let name = self.name(errors)?;
        if reserved.contains(&name.as_str()) {
            errors.push(&self.path, Problem::Reserved(name));
            return None;
        }
        Some(name)
    }

    /// As [`Self::name`], but none of `names`, to which it belongs from now on; `item` is the one that has it.
    pub(super) fn unique_name(self, names: &mut Names<'_>, item: usize, errors: &mut Errors) -> Option<Name> {
        let name = self.name(errors)?;
        if let Some(first) = names.seen.get(&name) {
            let first = Path::Item(&names.list, *first).to_string();
            errors.push(&self.path, Problem::Taken { what: "a name", first });
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

    /// The one of `choices` that it names.
    pub(super) fn choice<T: Copy>(
        self,
        choices: &[(&str, T)],
        expected: &'static str,
        errors: &mut Errors,
    ) -> Option<T> {
        let chosen = choices.iter().find(|(name, _)| matches!(self.node, Node::Text(text) if **text == **name));
        chosen.map(|(_, choice)| *choice).or_else(|| self.wrong(expected, errors))
    }

    /// Whether it is a list; if so, ask for its [`Self::items`].
    pub(super) fn is_list(self, expected: &'static str, errors: &mut Errors) -> bool {
        let is_list = matches!(self.node, Node::List(_));
        if !is_list {
            self.refuse(expected, errors);
        }
        is_list
    }

    /// The items, if it is a list.
    pub(super) fn items(&self) -> impl Iterator<Item = Located<'_>> {
        let items: &[Node] = if let Node::List(items) = self.node { items } else { &[] };
        items.iter().enumerate().map(|(index, node)| Located { node, path: Path::Item(&self.path, index) })
    }

    /// What `read` makes of each item, if it is a list of one or more and nothing is wrong in it.
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

    /// The map that it is, which has no other fields than `known`.
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

    /// Reports that it is something else than what was expected.
    pub(super) fn wrong<T>(self, expected: &'static str, errors: &mut Errors) -> Option<T> {
        self.refuse(expected, errors);
        None
    }

    /// As [`Self::wrong`], where there is nothing to answer.
    pub(super) fn refuse(self, expected: &'static str, errors: &mut Errors) {
        self.report(|found| Problem::Value { expected, found }, errors);
    }

    fn report(self, problem: impl FnOnce(Found) -> Problem, errors: &mut Errors) {
        if let Some(found) = Found::of(self.node) {
            errors.push(&self.path, problem(found));
        }
    }
}

/// The names that items of a list have, each only one.
pub(super) struct Names<'a> {
    list: Path<'a>,
    seen: BTreeMap<Name, usize>,
}

impl<'a> Names<'a> {
    /// Those of the list at this path: none yet.
    pub(super) fn of(list: Path<'a>) -> Self {
        Self { list, seen: BTreeMap::new() }
    }

    /// All of them, in ascending order.
    pub(super) fn into_sorted(self) -> Vec<Name> {
        self.seen.into_keys().collect()
    }
}

/// What Envoy makes of a whole number in YAML that has more than 32 bits: text (`parseYamlNode` in its yaml loader).
/// Smaller numbers arrive as numbers, so as text they are a mistake.
fn integer_from_envoy(text: &str) -> Option<u64> {
    let digits = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    let largest_number = u64::from(i32::MAX.unsigned_abs());
    text.parse().ok().filter(|value| digits && *value > largest_number)
}

/// Reports a key that is none of `known`.
pub(super) fn report_unknown(key: &str, known: &'static [&'static str], path: &Path<'_>, errors: &mut Errors) {
    if !known.contains(&key) && key != PRIVATE_KEY {
        errors.push(path, Problem::UnknownField { near: nearest(key, known), known });
    }
}

/// A map's entries as fields. Of several with one name the first counts: [`super::inspect`] reports the others.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    path: Path<'a>,
    entries: &'a [(Box<str>, Node)],
}

impl Fields<'_> {
    /// Where the field stands, or would.
    pub(super) fn path(&self, key: &'static str) -> Path<'_> {
        Path::Key(&self.path, key)
    }

    /// The field, if it is there.
    pub(super) fn optional(&self, key: &'static str) -> Option<Located<'_>> {
        let (_, node) = self.entries.iter().find(|(name, _)| **name == *key)?;
        Some(Located { node, path: self.path(key) })
    }

    /// The field, which must be there.
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
