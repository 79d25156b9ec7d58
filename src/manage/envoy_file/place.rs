//! A value of an Envoy file with its path. Must not know the meaning of any field.

use crate::load::tree::{Entry, Node, Value};
use crate::path::Path;

/// A value of a document, and the path to it.
#[derive(Clone)]
pub struct Place<'d> {
    /// The value.
    pub node: &'d Node,
    /// The path, with the keys as the file has them.
    pub path: Path,
}

impl<'d> Place<'d> {
    /// The root of a document.
    pub fn root(node: &'d Node) -> Self {
        Self { node, path: Path::default() }
    }

    /// The entry of this field, whose name is given in snake case: Envoy reads it in lower camel case too.
    pub fn entry(&self, field: &str) -> Option<&'d Entry> {
        let camel = lower_camel_case(field);
        self.node.entries().iter().find(|entry| entry.key == field || entry.key == camel)
    }

    /// The value of this field, unless it is null, which Envoy reads as absent.
    pub fn get(&self, field: &str) -> Option<Self> {
        let Entry { key, node, .. } = self.entry(field)?;
        (!matches!(node.value, Value::Null)).then(|| Self { node, path: self.path.key(key) })
    }

    /// The value that these fields lead to, one inside the other.
    pub fn at(&self, fields: &[&str]) -> Option<Self> {
        fields.iter().try_fold(self.clone(), |place, field| place.get(field))
    }

    /// The items of a list; none of another value.
    pub fn items(&self) -> impl Iterator<Item = Self> + use<'d> {
        let path = self.path.clone();
        self.node.items().iter().enumerate().map(move |(index, node)| Self { node, path: path.index(index) })
    }

    /// The entries of a map, each with its key; none of another value.
    pub fn entries(&self) -> impl Iterator<Item = (&'d str, Self)> + use<'d> {
        let path = self.path.clone();
        let entry = move |Entry { key, node, .. }: &'d Entry| (key.as_str(), Self { node, path: path.key(key) });
        self.node.entries().iter().map(entry)
    }

    /// The items of the list of this field.
    pub fn list(&self, field: &str) -> Vec<Self> {
        self.get(field).map(|list| list.items().collect()).unwrap_or_default()
    }

    /// The text of this field.
    pub fn text(&self, field: &str) -> Option<&'d str> {
        self.get(field)?.node.as_str()
    }

    /// The boolean of this field.
    pub fn boolean(&self, field: &str) -> Option<bool> {
        if let Value::Boolean(value) = self.get(field)?.node.value { Some(value) } else { None }
    }

    /// The type of an `Any` such as `typed_config`.
    pub fn kind(&self) -> Option<&'d str> {
        self.node.get("@type").and_then(Node::as_str)
    }

    /// The name of the message in an `Any` such as `typed_config`, without its package and version: `Router`.
    pub fn message(&self) -> Option<&'d str> {
        let kind = self.kind()?;
        Some(kind.rsplit_once('.').map_or(kind, |(_, name)| name))
    }

    /// The value itself and every value in it, from the outside to the inside.
    pub fn walk(&self) -> Vec<Self> {
        let inner = self.items().chain(self.entries().map(|(_, place)| place)).flat_map(|place| place.walk());
        std::iter::once(self.clone()).chain(inner).collect()
    }
}

/// The name that JSON has for a field of a protobuf message.
fn lower_camel_case(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (letter, rest) = word.split_at_checked(1).unwrap_or_default();
        name + &letter.to_ascii_uppercase() + rest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields_in_lower_camel_case() {
        for (field, camel) in
            [("name", "name"), ("http_filters", "httpFilters"), ("sha256_x", "sha256X"), ("a__b", "aB"), ("", "")]
        {
            assert_eq!(lower_camel_case(field), camel);
        }
    }
}
