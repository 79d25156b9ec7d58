//! Errors that are independent of the schema: private keys, duplicate keys, too many levels.

use super::error::{Errors, Problem};
use super::fields::Located;
use super::node::{MAX_DEPTH, Node, PRIVATE_KEY, Seed, Sink, TreeBuilder, next_key};
use super::path::Path;
use serde::de::{MapAccess, SeqAccess};
use std::collections::BTreeSet;

/// Up to this many keys, comparing them with each other is faster than a set.
const FEW: usize = 8;

/// Reports these errors in `value` and everything below it.
pub(super) fn inspect(value: Located<'_>, errors: &mut Errors) {
    match value.node {
        Node::PrivateKey => errors.push(&value.path, Problem::PrivateKey),
        Node::TooDeep => errors.push(&value.path, Problem::TooDeep),
        Node::List(_) => value.items().for_each(|item| inspect(item, errors)),
        Node::Map(entries) => {
            let mut keys = BTreeSet::new();
            for (place, (key, node)) in entries.iter().enumerate() {
                let path = Path::Key(&value.path, key);
                let first = match entries.len() {
                    ..=FEW => entries.iter().take(place).all(|(earlier, _)| earlier != key),
                    _ => keys.insert(key),
                };
                inspect_key(&path, key, first, errors);
                inspect(Located { node, path }, errors);
            }
        }
        Node::Null | Node::Boolean(_) | Node::Integer(_) | Node::Fraction | Node::Imprecise | Node::Text(_) => {}
    }
}

/// Reports a key that contains a private key, or that is not the first with its name.
pub(super) fn inspect_key(path: &Path<'_>, key: &str, first: bool, errors: &mut Errors) {
    if key == PRIVATE_KEY {
        errors.push(path, Problem::PrivateKey);
    } else if !first {
        errors.push(path, Problem::DuplicateKey);
    }
}

/// A sink that only inspects a value: one item or entry after the other is read and dropped.
pub(super) struct Inspection<'a> {
    pub(super) path: Path<'a>,
    pub(super) errors: &'a mut Errors,
}

impl<'de> Sink<'de> for Inspection<'_> {
    type Value = ();

    fn scalar(self, node: Node) {
        inspect(Located { node: &node, path: self.path }, self.errors);
    }

    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index: usize = 0;
        while let Some(node) = items.next_element_seed(Seed(TreeBuilder { levels: MAX_DEPTH - 1 }))? {
            inspect(Located { node: &node, path: Path::Item(&self.path, index) }, self.errors);
            index = index.saturating_add(1);
        }
        Ok(())
    }

    fn map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = next_key(&mut entries)? {
            let node = entries.next_value_seed(Seed(TreeBuilder { levels: MAX_DEPTH - 1 }))?;
            let path = Path::Key(&self.path, &key);
            inspect_key(&path, &key, keys.insert(key.clone()), self.errors);
            inspect(Located { node: &node, path }, self.errors);
        }
        Ok(())
    }
}
