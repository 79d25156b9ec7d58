//! JSON to a tree, with the text of each value. Must not know the schema.

use super::MAX_LEVELS;
use super::tree::{Entry, Form, Node, Value};
use certgate_core::config;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::ops::Range;

/// The document that `text` writes; `None` if `text` is not JSON, or has more levels than anybody reads. Why, the
/// configuration's reader says.
pub(super) fn read(text: &str) -> Option<Node> {
    node(text, serde_json::from_str(text).ok()?, MAX_LEVELS)
}

fn node(text: &str, raw: &RawValue, levels: usize) -> Option<Node> {
    let json = raw.get();
    let value = match json.bytes().next()? {
        b'{' => {
            let levels = levels.checked_sub(1)?;
            let Entries(entries) = serde_json::from_str(json).ok()?;
            let entry = |(key, value): (&RawValue, &RawValue)| {
                let name = serde_json::from_str::<String>(key.get()).ok()?;
                Some(Entry::new(name, range(text, key), node(text, value, levels)?))
            };
            Value::Map(entries.into_iter().map(entry).collect::<Option<_>>()?)
        }
        b'[' => {
            let levels = levels.checked_sub(1)?;
            let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            Value::List(items.into_iter().map(|item| node(text, item, levels)).collect::<Option<_>>()?)
        }
        b'"' => Value::text(serde_json::from_str::<String>(json).ok()?),
        _ => match serde_json::from_str(json).ok()? {
            serde_json::Value::Bool(value) => Value::Boolean(value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(value) => Value::Integer(value),
                None => of_float(number.as_f64()?),
            },
            _ => Value::Null,
        },
    };
    Some(Node { value, range: range(text, raw), form: Form::Flow })
}

/// JSON may write a whole number as `1.0` or `1e3`, which Envoy's YAML takes for text.
fn of_float(value: f64) -> Value {
    config::whole_number(value).map_or(Value::Float(value), Value::Integer)
}

/// The bytes of `text` that this value is: it was borrowed from there.
fn range(text: &str, raw: &RawValue) -> Range<usize> {
    let start = raw.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start.saturating_add(raw.get().len())
}

/// The entries of a map, several of one key too.
struct Entries<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_and_key_has_its_text() {
        let json = " {\"a\" : [1, \"\\u00e4\", 1e3], \"\\u0062\":{ }, \"a\": null}\n";
        let root = read(json).unwrap();
        let texts = |node: &Node| json.get(node.range.clone()).unwrap().to_owned();
        assert_eq!(root.entries().iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["a", "b", "a"]);
        assert_eq!(json.get(root.entries()[1].key_range.clone()), Some("\"\\u0062\""));
        let items = root.get("a").unwrap().items();
        assert_eq!(items.iter().map(texts).collect::<Vec<_>>(), ["1", "\"\\u00e4\"", "1e3"]);
        assert!(matches!(items[2].value, Value::Integer(1000)));
        assert_eq!(texts(root.get("b").unwrap()), "{ }");
    }

    #[test]
    fn what_is_no_json_or_too_deep_is_not_read() {
        let levels = |count: usize| format!("{}{}", "[".repeat(count), "]".repeat(count));
        for text in ["", "{", "[1,]", "{\"a\": 01}", "\"\\ud800\"", "1 2", "1e999", &levels(MAX_LEVELS + 1)] {
            assert!(read(text).is_none(), "{text}");
        }
        assert!(read(&levels(MAX_LEVELS)).is_some());
    }
}
