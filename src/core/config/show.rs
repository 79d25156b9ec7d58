//! How an error shows what it found: bounded, in printable ASCII, and never a private key.

use super::node::{Node, is_private_key};
use std::fmt;

/// What stands in a configuration, as an error shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is not there.
    Nothing,
    /// Of several things one of which must be there, none is.
    NoneOfThem,
    /// Of several things one of which must be there, more than one is.
    Several,
    /// A null.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number that is not whole.
    Fraction,
    /// A number beyond 2^53, where not every whole number can be told from the next.
    Imprecise,
    /// Text.
    Text(Shown),
    /// A list without items.
    EmptyList,
    /// A list.
    List,
    /// A map.
    Map,
}

impl Found {
    /// What `node` is; `None` if it was already reported as something that is nowhere allowed.
    pub(super) fn of(node: &Node) -> Option<Self> {
        Some(match node {
            Node::PrivateKey | Node::TooDeep => return None,
            Node::Null => Self::Null,
            Node::Boolean(value) => Self::Boolean(*value),
            Node::Integer(value) => Self::Integer(*value),
            Node::Fraction => Self::Fraction,
            Node::Imprecise => Self::Imprecise,
            Node::Text(text) => Self::Text(Shown::new(text)),
            Node::List(items) if items.is_empty() => Self::EmptyList,
            Node::List(_) => Self::List,
            Node::Map(_) => Self::Map,
        })
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::NoneOfThem => f.write_str("none"),
            Self::Several => f.write_str("several"),
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Fraction => f.write_str("a number that is not whole"),
            Self::Imprecise => f.write_str("a number beyond 2^53"),
            Self::Text(text) => write!(f, "{text}"),
            Self::EmptyList => f.write_str("an empty list"),
            Self::List => f.write_str("a list"),
            Self::Map => f.write_str("a map"),
        }
    }
}

/// Text from a configuration: quoted and escaped, or, where it is too long to be a slip of the pen (and might be a
/// line of a key), only its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(Box<str>);

impl Shown {
    /// The longest text that is shown.
    pub const LONGEST: usize = crate::domain::name::MAX_LENGTH;

    /// `text` as errors show it.
    pub fn new(text: &str) -> Self {
        if is_private_key(text) {
            return Self("<private key>".into());
        }
        match text.chars().count() {
            length if length > Self::LONGEST => Self(format!("<{length} characters>").into()),
            _ => Self(format!("\"{}\"", text.escape_default()).into()),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_bounded_and_never_a_private_key() {
        assert_eq!(Shown::new("a\"b\u{200b}\r\n\u{1b}").to_string(), r#""a\"b\u{200b}\r\n\u{1b}""#);
        assert_eq!(Shown::new(&"ä".repeat(64)).to_string(), "<64 characters>");
        assert_eq!(Shown::new("-----BEGIN PRIVATE KEY-----\nMC4C").to_string(), "<private key>");
    }
}
