//! A small tree for one entry of a configuration, and the sinks that a format feeds. Does not know the schema.

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::de::{Deserializer, IgnoredAny};
use std::fmt;

/// The deepest nesting of lists and maps. The schema needs five levels; the call stack of a WebAssembly module is
/// small.
pub(super) const MAX_DEPTH: usize = 16;

/// The largest whole number of a Struct, which has doubles: beyond it not every whole number is a double.
pub const LARGEST_INTEGER: i64 = 1 << 53;

/// Stands for a map's key that holds a private key.
pub const PRIVATE_KEY: &str = "<private key>";

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Boolean(bool),
    /// A whole number whose magnitude is at most [`LARGEST_INTEGER`].
    Integer(i64),
    /// A number that is not whole.
    Fraction,
    /// A number whose magnitude is above [`LARGEST_INTEGER`].
    Imprecise,
    Text(Box<str>),
    /// Text with a private key. The text is dropped, so that nothing can print it.
    PrivateKey,
    List(Vec<Node>),
    /// The entries in their order, with duplicate keys.
    Map(Vec<(Box<str>, Node)>),
    /// A list or map below the deepest level.
    TooDeep,
}

impl Node {
    fn text(text: &str) -> Self {
        if is_private_key(text) { Self::PrivateKey } else { Self::Text(text.into()) }
    }

    /// A key as a value, for the same checks.
    pub(super) fn of_key(key: &str) -> Self {
        if key == PRIVATE_KEY { Self::PrivateKey } else { Self::Text(key.into()) }
    }

    fn integer(value: i64) -> Self {
        if value.unsigned_abs() <= LARGEST_INTEGER.unsigned_abs() { Self::Integer(value) } else { Self::Imprecise }
    }

    /// The number, read from its binary form: sign, 11 bits of exponent, 52 bits after an implied leading one.
    fn number(value: f64) -> Self {
        const FRACTION: u64 = (1 << 52) - 1;
        let bits = value.to_bits();
        // Doubled, so that 2^53 needs no shift to the left.
        let significand = ((bits & FRACTION) | (FRACTION + 1)) << 1;
        // The magnitude is the significand shifted to the right by this many bits.
        let shift = 1076_u64.checked_sub((bits >> 52) & 0x7ff).and_then(|shift| u32::try_from(shift).ok());
        let magnitude = match shift {
            None => return Self::Imprecise,
            Some(_) if value == 0.0 => Some(0),
            Some(shift) if significand.trailing_zeros() >= shift => significand.checked_shr(shift),
            Some(_) => None,
        };
        match magnitude.and_then(|magnitude| i64::try_from(magnitude).ok()) {
            Some(magnitude) if value < 0.0 => Self::integer(magnitude.saturating_neg()),
            Some(magnitude) => Self::integer(magnitude),
            None => Self::Fraction,
        }
    }
}

/// The whole number that a double is, if it is one of those that a double tells from the next.
pub fn whole_number(value: f64) -> Option<i64> {
    if let Node::Integer(value) = Node::number(value) { Some(value) } else { None }
}

/// Whether `text` holds a private key: PEM, plain, URL-encoded (as Envoy writes PEM) or PGP's.
pub fn is_private_key(text: &str) -> bool {
    const SHORTEST: usize = "PRIVATE KEY-----".len();
    // Every text is checked. Most are shorter, or fingerprints.
    text.len() >= SHORTEST
        && text.bytes().any(|byte| byte == b'-')
        && ["PRIVATE KEY-----", "PRIVATE%20KEY-----", "PRIVATE KEY BLOCK-----"].iter().any(|mark| text.contains(mark))
}

/// Receives a value of any type. An error in the value does not end the reading; only a broken format does.
pub(super) trait Sink<'de>: Sized {
    /// The result.
    type Value;
    /// The value is neither a list nor a map.
    fn scalar(self, node: Node) -> Self::Value;
    /// The value is a list.
    fn list<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error>;
    /// The value is a map.
    fn map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error>;
}

/// Builds a [`Node`] with at most this many levels of lists and maps.
pub(super) struct TreeBuilder {
    pub(super) levels: usize,
}

impl<'de> Sink<'de> for TreeBuilder {
    type Value = Node;

    fn scalar(self, node: Node) -> Node {
        node
    }

    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let Some(levels) = self.levels.checked_sub(1) else {
            return skip_list(items).map(|()| Node::TooDeep);
        };
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Seed(Self { levels }))? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let Some(levels) = self.levels.checked_sub(1) else {
            return skip_map(entries).map(|()| Node::TooDeep);
        };
        let mut map = Vec::new();
        while let Some(key) = next_key(&mut entries)? {
            map.push((key, entries.next_value_seed(Seed(Self { levels }))?));
        }
        Ok(Node::Map(map))
    }
}

/// The next key of a map.
pub(super) fn next_key<'de, A: MapAccess<'de>>(entries: &mut A) -> Result<Option<Box<str>>, A::Error> {
    let key = entries.next_key::<Box<str>>()?;
    Ok(key.map(|key| if is_private_key(&key) { PRIVATE_KEY.into() } else { key }))
}

/// Skips the rest of a list, at any depth.
fn skip_list<'de, A: SeqAccess<'de>>(mut items: A) -> Result<(), A::Error> {
    while items.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Skips the rest of a map, at any depth.
fn skip_map<'de, A: MapAccess<'de>>(mut entries: A) -> Result<(), A::Error> {
    while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Adapts a [`Sink`] to serde.
pub(super) struct Seed<T>(pub(super) T);

impl<'de, T: Sink<'de>> DeserializeSeed<'de> for Seed<T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Sink<'de>> Visitor<'de> for Seed<T> {
    type Value = T::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<T::Value, E> {
        Ok(self.0.scalar(Node::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T::Value, E> {
        Ok(self.0.scalar(Node::Boolean(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T::Value, E> {
        Ok(self.0.scalar(Node::integer(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T::Value, E> {
        Ok(self.0.scalar(i64::try_from(value).map_or(Node::Imprecise, Node::integer)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T::Value, E> {
        Ok(self.0.scalar(Node::number(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T::Value, E> {
        Ok(self.0.scalar(Node::text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T::Value, A::Error> {
        self.0.list(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T::Value, A::Error> {
        self.0.map(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_that_is_a_whole_number_is_that_number() {
        for value in [0_i32, 1, 2, 3, 10, 1000, i32::MAX] {
            assert_eq!(Node::number(value.into()), Node::Integer(value.into()));
            assert_eq!(Node::number((-value).into()), Node::Integer((-value).into()));
        }
        assert_eq!(Node::number(9_007_199_254_740_991.0), Node::Integer(LARGEST_INTEGER - 1));
        assert_eq!(Node::number(9_007_199_254_740_992.0), Node::Integer(LARGEST_INTEGER));
        assert_eq!(Node::number(-0.0), Node::Integer(0));
    }

    #[test]
    fn any_other_double_is_not() {
        for value in [0.5, -1.5, 1e-300, f64::MIN_POSITIVE, 5e-324, 4_503_599_627_370_495.5] {
            assert_eq!(Node::number(value), Node::Fraction, "{value}");
        }
        for value in [9_007_199_254_740_994.0, 1e300, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            assert_eq!(Node::number(value), Node::Imprecise, "{value}");
        }
    }
}
