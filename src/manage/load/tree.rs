//! The tree of a registry: every value as it was written, in its order and with the text that it has in the source. Must
//! not know what a value means.

use certgate_core::config::{PRIVATE_KEY, is_private_key, path_step};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::ops::Range;

/// Stands for text that holds a private key, which no tree keeps. The configuration's reader takes it for one.
const REDACTED: &str = "-----BEGIN PRIVATE KEY-----";

/// A value and its text in the source.
#[derive(Clone)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// The bytes of the source that it is written in. A list or map in block style ends where the next token begins.
    pub range: Range<usize>,
    /// The form that it is written in.
    pub form: Form,
}

/// The form of a value in its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// A scalar on its own, or a list or map in brackets, as all of JSON is.
    Flow,
    /// A list or map by indentation, or a block scalar (`|`, `>`).
    Block,
    /// An alias. The bytes are the range of the anchored value; values inside it have their places there too.
    Alias(Range<usize>),
}

/// A value.
#[derive(Clone)]
pub enum Value {
    /// A null.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number that is not whole, or has more than 64 bits.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map: its entries in their order, several of one key too.
    Map(Vec<Entry>),
}

/// An entry of a map.
#[derive(Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The bytes of the source that the key is written in.
    pub key_range: Range<usize>,
    /// The value.
    pub node: Node,
}

/// The part of an entry whose text is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The value.
    Value,
    /// The key, the n-th of this name from 0.
    Key(usize),
}

impl Value {
    /// Text, unless it holds a private key, which is not kept.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::Text(if is_private_key(&text) { REDACTED.to_owned() } else { text })
    }
}

impl Entry {
    /// An entry; a key that holds a private key is not kept.
    pub(super) fn new(key: impl Into<String>, key_range: Range<usize>, node: Node) -> Self {
        let key = key.into();
        let key = if is_private_key(&key) { PRIVATE_KEY.to_owned() } else { key };
        Self { key, key_range, node }
    }
}

impl Node {
    /// The value of this key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The items of the list at this key, if this is a map that has one; else none.
    pub fn list(&self, key: &str) -> &[Self] {
        self.get(key).map(Self::items).unwrap_or_default()
    }

    /// The items of a list; none of another value.
    pub fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// The entries of a map; none of another value.
    pub fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    /// Whether the other value is the same as data: places, forms and the order of entries do not count.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) => true,
            (Value::Boolean(one), Value::Boolean(other)) => one == other,
            (Value::Integer(one), Value::Integer(other)) => one == other,
            (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
            (Value::Text(one), Value::Text(other)) => one == other,
            (Value::List(one), Value::List(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.is_same(other))
            }
            (Value::Map(one), Value::Map(entries)) => {
                let is_there = |entry: &Entry| other.get(&entry.key).is_some_and(|node| entry.node.is_same(node));
                one.len() == entries.len() && one.iter().all(is_there)
            }
            _ => false,
        }
    }

    /// The number of levels of lists and maps.
    pub(super) fn height(&self) -> usize {
        let inner = self.items().iter().chain(self.entries().iter().map(|entry| &entry.node)).map(Self::height).max();
        match self.value {
            Value::List(_) | Value::Map(_) => inner.unwrap_or(0).saturating_add(1),
            _ => 0,
        }
    }

    /// The approximate number of bytes of the value as JSON.
    pub(super) fn size(&self) -> usize {
        let inner: usize = match &self.value {
            Value::Text(text) => text.len(),
            Value::List(items) => items.iter().map(Self::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.key.len().saturating_add(entry.node.size())).sum(),
            Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Float(_) => 0,
        };
        inner.saturating_add(4)
    }

    /// The text of the value at a path that the configuration's reader has written, or of the nearest value around it.
    pub(super) fn range_at(&self, path: &str, part: Part) -> Range<usize> {
        let mut at = self.range.clone();
        let mut node = self;
        let mut rest = path;
        while !rest.is_empty() {
            let Some((range, next, after)) = node.step(rest, part) else { break };
            (at, node, rest) = (range, next, after);
        }
        at
    }

    /// The first step of a path: the text that is meant, the value that it leads to, and the rest of the path.
    fn step<'p>(&self, path: &'p str, part: Part) -> Option<(Range<usize>, &Self, &'p str)> {
        if let Value::List(items) = &self.value {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            let item = items.get(index.parse::<usize>().ok()?)?;
            return Some((item.range.clone(), item, rest));
        }
        let leads = |entry: &&Entry| after(path, &entry.key).is_some();
        let first = self.entries().iter().find(leads)?;
        let rest = after(path, &first.key)?;
        match part {
            Part::Key(number) if rest.is_empty() => {
                let last = self.entries().iter().filter(leads).nth(number).unwrap_or(first);
                Some((last.key_range.clone(), &last.node, rest))
            }
            _ => Some((first.node.range.clone(), &first.node, rest)),
        }
    }
}

/// The rest of a path after this key, if the path begins with the key.
fn after<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    let path = path.strip_prefix('.').unwrap_or(path);
    let rest = path.strip_prefix(&*path_step(key))?;
    (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
}

/// The tree as data, for the configuration's reader. Nothing in it can be wrong as data.
impl<'de> Deserializer<'de> for &'de Node {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(SeqDeserializer::new(items.iter())),
            Value::Map(entries) => {
                visitor.visit_map(MapDeserializer::new(entries.iter().map(|entry| (entry.key.as_str(), &entry.node))))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de> for &'de Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The registry as it is written again elsewhere, in its order.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Boolean(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(items) => serializer.collect_seq(items),
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|entry| map.serialize_entry(&entry.key, &entry.node))?;
                map.end()
            }
        }
    }
}
