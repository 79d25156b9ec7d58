//! `google.protobuf.Struct` in its binary form, as a serde data format. Does not know the schema.
//!
//! [`decode`] checks every byte first, so that Struct and JSON are told apart once and later steps cannot fail. Unknown
//! fields are errors: otherwise almost any bytes would be a Struct.

use super::node::MAX_DEPTH;
use serde::de::value::{BorrowedStrDeserializer, Error};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// The Struct whose encoding is `bytes`, all of them.
pub(super) fn decode(bytes: &[u8]) -> Option<Struct<'_>> {
    check_struct(bytes, MAX_DEPTH + 1).map(|()| Struct(bytes))
}

/// Checks a Struct down to this many levels. Deeper ones are not read later, and are not checked here: the recursion
/// must not follow the depth of the input.
fn check_struct(mut bytes: &[u8], levels: usize) -> Option<()> {
    while !bytes.is_empty() {
        let (_, value) = entry(&mut bytes)?;
        check_value(value, levels)?;
    }
    Some(())
}

fn check_value(bytes: &[u8], levels: usize) -> Option<()> {
    let value = value(bytes)?;
    let Some(levels) = levels.checked_sub(1) else {
        return Some(());
    };
    match value {
        Value::Struct(entries) => check_struct(entries, levels),
        Value::List(mut items) => {
            while !items.is_empty() {
                check_value(item(&mut items)?, levels)?;
            }
            Some(())
        }
        Value::Null | Value::Number(_) | Value::Text(_) | Value::Boolean(_) => Some(()),
    }
}

/// The content of a `google.protobuf.Value`.
enum Value<'de> {
    Null,
    Number(f64),
    Text(&'de str),
    Boolean(bool),
    /// The encoding of a Struct.
    Struct(&'de [u8]),
    /// The encoding of a ListValue.
    List(&'de [u8]),
}

/// Reads the next entry of a Struct: `fields = 1`, a message of `key = 1` and `value = 2`. Either may be left out if it
/// is empty.
fn entry<'de>(bytes: &mut &'de [u8]) -> Option<(&'de str, &'de [u8])> {
    let (1, Wire::Bytes(mut entry)) = field(bytes)? else {
        return None;
    };
    let (mut key, mut value) = (None, None);
    while !entry.is_empty() {
        match field(&mut entry)? {
            (1, Wire::Bytes(bytes)) if key.is_none() => key = Some(str::from_utf8(bytes).ok()?),
            (2, Wire::Bytes(bytes)) if value.is_none() => value = Some(bytes),
            _ => return None,
        }
    }
    Some((key.unwrap_or_default(), value.unwrap_or_default()))
}

/// Reads the next item of a ListValue: `values = 1`.
fn item<'de>(bytes: &mut &'de [u8]) -> Option<&'de [u8]> {
    match field(bytes)? {
        (1, Wire::Bytes(item)) => Some(item),
        _ => None,
    }
}

/// A Value has at most one field; without any it is null.
fn value(mut bytes: &[u8]) -> Option<Value<'_>> {
    if bytes.is_empty() {
        return Some(Value::Null);
    }
    let value = match field(&mut bytes)? {
        (1, Wire::Varint(_)) => Value::Null,
        (2, Wire::Fixed64(bytes)) => Value::Number(f64::from_le_bytes(bytes)),
        (3, Wire::Bytes(bytes)) => Value::Text(str::from_utf8(bytes).ok()?),
        (4, Wire::Varint(number)) => Value::Boolean(number != 0),
        (5, Wire::Bytes(entries)) => Value::Struct(entries),
        (6, Wire::Bytes(items)) => Value::List(items),
        _ => return None,
    };
    bytes.is_empty().then_some(value)
}

/// The content of a field. Groups and 32-bit numbers do not occur in these messages.
enum Wire<'de> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'de [u8]),
}

/// Reads the next field: its number and its content.
fn field<'de>(bytes: &mut &'de [u8]) -> Option<(u64, Wire<'de>)> {
    let tag = varint(bytes)?;
    let content = match tag & 7 {
        0 => Wire::Varint(varint(bytes)?),
        1 => {
            let (number, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Wire::Fixed64(*number)
        }
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (content, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Wire::Bytes(content)
        }
        _ => return None,
    };
    Some((tag >> 3, content))
}

/// Reads a varint of up to ten bytes, seven bits in each, the lowest first.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The encoding of a Struct that [`decode`] has checked.
pub(super) struct Struct<'de>(&'de [u8]);

impl Struct<'_> {
    /// Whether the Struct has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        let mut entries = self.0;
        std::iter::from_fn(|| entry(&mut entries)).any(|(name, _)| name == key)
    }
}

impl<'de> Deserializer<'de> for Struct<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Entries { rest: self.0, value: &[] })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The encoding of a Value.
struct Encoded<'de>(&'de [u8]);

impl<'de> Deserializer<'de> for Encoded<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match value(self.0).ok_or_else(broken)? {
            Value::Null => visitor.visit_unit(),
            Value::Number(number) => visitor.visit_f64(number),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Boolean(value) => visitor.visit_bool(value),
            Value::Struct(entries) => Struct(entries).deserialize_any(visitor),
            Value::List(items) => visitor.visit_seq(Items { rest: items }),
        }
    }

    /// Does not descend into the value.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

struct Entries<'de> {
    rest: &'de [u8],
    /// The value of the entry whose key was read last.
    value: &'de [u8],
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (key, value) = entry(&mut self.rest).ok_or_else(broken)?;
        self.value = value;
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Encoded(self.value))
    }
}

struct Items<'de> {
    rest: &'de [u8],
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let encoded = item(&mut self.rest).ok_or_else(broken)?;
        seed.deserialize(Encoded(encoded)).map(Some)
    }
}

fn broken() -> Error {
    Error::custom("it is broken")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of fewer than 128 bytes.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
    }

    /// A Struct with this Value under the key `a`.
    fn with(value: &[u8]) -> Vec<u8> {
        field(1, &[field(1, b"a"), field(2, value)].concat())
    }

    #[test]
    fn what_protobuf_allows_is_a_struct() {
        for bytes in [
            Vec::new(),
            with(&[]),
            with(&[8, 0]),
            with(&[8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]),
            with(&[17, 0, 0, 0, 0, 0, 0, 0, 0]),
            with(&field(3, b"text")),
            with(&[32, 1]),
            with(&field(5, &with(&[8, 0]))),
            with(&field(6, &[field(1, &[]), field(1, &[32, 0])].concat())),
            field(1, &[]),
            field(1, &[field(2, &[8, 0]), field(1, b"a")].concat()),
            [with(&[8, 0]), with(&[8, 0])].concat(),
        ] {
            assert!(decode(&bytes).is_some(), "{bytes:?}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for bytes in [
            vec![10],
            field(2, &[]),
            vec![8, 0],
            with(&[8]),
            with(&[8, 0, 8, 0]),
            with(&[16, 0]),
            with(&[17, 0, 0, 0, 0, 0, 0, 0]),
            with(&[21, 0, 0, 0, 0]),
            with(&field(3, b"\xff")),
            with(&[[8, 0].as_slice(), &field(3, b"text")].concat()),
            with(&field(7, b"text")),
            with(&field(6, &field(2, &[]))),
            with(&field(6, &field(1, &[7]))),
            with(&field(5, &[10])),
            with(&[8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]),
            field(1, &field(1, b"\xff")),
            field(1, &field(3, &[])),
            field(1, &[field(1, b"a"), field(1, b"b")].concat()),
            [with(&[8, 0]), vec![0]].concat(),
        ] {
            assert!(decode(&bytes).is_none(), "{bytes:?}");
        }
    }
}
