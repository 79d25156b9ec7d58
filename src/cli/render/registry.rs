//! A registry as it was written, in its order, to be written again elsewhere. Must not know what it says, but for the one
//! thing that depends on where it goes.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// Any value in it.
pub(super) enum Registry {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Registry {
    /// States that the listener validates all certificates, unless the registry has a word of its own on that.
    pub(super) fn state_that_the_listener_validates(&mut self) {
        let Self::Map(entries) = self else { return };
        let chain = || ("chain".to_owned(), Self::Text("listener".to_owned()));
        match entries.iter_mut().find(|(key, _)| key == "identity") {
            Some((_, Self::Map(identity))) if identity.iter().any(|(key, _)| key == "chain") => {}
            Some((_, Self::Map(identity))) => identity.push(chain()),
            _ => entries.push(("identity".to_owned(), Self::Map(vec![chain()]))),
        }
    }
}

impl Serialize for Registry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key, value))),
        }
    }
}

impl<'de> Deserialize<'de> for Registry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Registry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Registry, E> {
        Ok(Registry::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Registry, E> {
        Ok(Registry::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Registry, E> {
        Ok(Registry::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Registry, E> {
        i64::try_from(value).map(Registry::Integer).map_err(E::custom)
    }

    /// All numbers in a registry are whole, but JSON may write them as `1.0` or `1e3`, which Envoy's YAML takes for text.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Registry, E> {
        format!("{value:.0}").parse().map(Registry::Integer).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Registry, E> {
        Ok(Registry::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Registry, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Registry::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Registry, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Registry::Map(map))
    }
}
