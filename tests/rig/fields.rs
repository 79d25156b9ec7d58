//! Header and trailer lines, in order and without loss: a byte that is not ASCII is the character of the same number
//! (Latin-1), so that they are text that JSON can carry and can be turned back.

use serde_json::{Value, json};

/// Lines of a header or trailer section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The values of all lines with this name, in whatever case it is written.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of the only line with this name. Panics if there are several: no test may pass by looking at one.
    pub fn get(&self, name: &str) -> Option<&str> {
        match self.all(name).as_slice() {
            [] => None,
            [value] => Some(value),
            several => panic!("{name} is there {} times: {several:?}", several.len()),
        }
    }

    /// The names, as written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// As `[[name, value], ...]`.
    pub fn to_json(&self) -> Value {
        self.0.iter().map(|(name, value)| json!([name, value])).collect()
    }

    /// What [`Self::to_json`] wrote.
    pub fn from_json(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a name or value").to_owned();
        Self(value.as_array().expect("lines").iter().map(|line| (text(&line[0]), text(&line[1]))).collect())
    }
}

impl From<&hyper::HeaderMap> for Fields {
    fn from(map: &hyper::HeaderMap) -> Self {
        Self(map.iter().map(|(name, value)| (name.to_string(), latin1(value.as_bytes()))).collect())
    }
}

/// Bytes as text, each the character of its own number.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The bytes that [`latin1`] made this text of.
pub fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).expect("a character below 256")).collect()
}
