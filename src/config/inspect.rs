//! What is wrong with a value whatever it stands for: private keys, keys that stand twice, too many levels.

use super::error::{Errors, Problem};
use super::fields::Located;
use super::node::{Node, PRIVATE_KEY};
use super::path::Path;
use std::collections::BTreeSet;

/// Reports what is nowhere allowed, in `value` and all below it.
pub(super) fn inspect(value: Located<'_>, errors: &mut Errors) {
    match value.node {
        Node::PrivateKey => errors.push(&value.path, Problem::PrivateKey),
        Node::TooDeep => errors.push(&value.path, Problem::TooDeep),
        Node::List(_) => value.items().for_each(|item| inspect(item, errors)),
        Node::Map(entries) => {
            let mut keys = BTreeSet::new();
            for (key, node) in entries {
                let path = Path::Key(&value.path, key);
                inspect_key(&path, key, keys.insert(key), errors);
                inspect(Located { node, path }, errors);
            }
        }
        Node::Null | Node::Boolean(_) | Node::Integer(_) | Node::Fraction | Node::Imprecise | Node::Text(_) => {}
    }
}

/// Reports a key that holds a private key or is not the first of its name.
pub(super) fn inspect_key(path: &Path<'_>, key: &str, first: bool, errors: &mut Errors) {
    if key == PRIVATE_KEY {
        errors.push(path, Problem::PrivateKey);
    } else if !first {
        errors.push(path, Problem::DuplicateKey);
    }
}
