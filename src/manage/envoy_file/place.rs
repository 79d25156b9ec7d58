//! A value of an Envoy file with its path, read as leniently as Envoy reads it. Must not know the meaning of any field.

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

    /// The items of the list of this field. Envoy reads a single value as a list of one, and a list in a list as its
    /// items.
    pub fn list(&self, field: &str) -> Vec<Self> {
        self.get(field).map(|list| list.flat()).unwrap_or_default()
    }

    fn flat(&self) -> Vec<Self> {
        match self.node.value {
            Value::List(_) => self.items().flat_map(|item| item.flat()).collect(),
            _ => vec![self.clone()],
        }
    }

    /// The text of this field.
    pub fn text(&self, field: &str) -> Option<&'d str> {
        self.get(field)?.node.as_str()
    }

    /// The boolean of this field. Envoy reads some texts as booleans too, and a `BoolValue` that is written as a map.
    pub fn boolean(&self, field: &str) -> Option<bool> {
        let place = self.get(field)?;
        match &place.node.value {
            Value::Boolean(value) => Some(*value),
            Value::Text(text) => match &*text.to_ascii_lowercase() {
                "true" | "t" | "yes" | "y" | "1" => Some(true),
                "false" | "f" | "no" | "n" | "0" => Some(false),
                _ => None,
            },
            Value::Map(_) => place.boolean("value"),
            _ => None,
        }
    }

    /// The value of this field, an enum with these names in the order of their numbers. Envoy reads names in any case,
    /// and numbers in text.
    pub fn choice(&self, field: &str, names: &[&'static str]) -> Option<&'static str> {
        let number = match &self.get(field)?.node.value {
            Value::Text(text) => match names.iter().find(|name| name.eq_ignore_ascii_case(text)) {
                Some(name) => return Some(name),
                None => text.parse().ok()?,
            },
            Value::Integer(number) => usize::try_from(*number).ok()?,
            _ => return None,
        };
        names.get(number).copied()
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
    use crate::load;

    #[test]
    fn values_are_read_as_envoy_reads_them() {
        let text = r#"
{yes: true, one: "1", upper: "TRUE", wrapped: {value: "true"}, off: "False", number: 1, other: "on",
 single: {name: a}, nested: [[{name: a}], {name: b}], none: null,
 name: OPEN, lower: open, digit: 1, digits: "1", far: 2, unknown: opened}"#;
        let document = load::read(text.as_bytes(), load::Format::Yaml).unwrap_or_else(|_| panic!("no document"));
        let root = Place::root(document.root());
        let booleans = ["yes", "one", "upper", "wrapped", "off", "number", "other", "none"];
        let expected = [Some(true), Some(true), Some(true), Some(true), Some(false), None, None, None];
        assert_eq!(booleans.map(|field| root.boolean(field)), expected);
        let paths = |field| root.list(field).iter().map(|item| item.path.to_string()).collect::<Vec<_>>();
        assert_eq!(paths("single"), ["single"]);
        assert_eq!(paths("nested"), ["nested[0][0]", "nested[1]"]);
        assert!(paths("none").is_empty());
        let choices = ["name", "lower", "digit", "digits", "far", "unknown"];
        let open = Some("OPEN");
        let expected = [open, open, open, open, None, None];
        assert_eq!(choices.map(|field| root.choice(field, &["SHUT", "OPEN"])), expected);
    }

    #[test]
    fn names_of_fields_in_lower_camel_case() {
        for (field, camel) in
            [("name", "name"), ("http_filters", "httpFilters"), ("sha256_x", "sha256X"), ("a__b", "aB"), ("", "")]
        {
            assert_eq!(lower_camel_case(field), camel);
        }
    }
}
