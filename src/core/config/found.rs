//! The value that an error found in a configuration.

use super::node::Node;
use super::redacted::Redacted;
use std::fmt;

/// A value of a configuration, as an error shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The value is missing.
    Nothing,
    /// None of several fields of which one is required.
    NoneOfThem,
    /// More than one of several fields of which only one is allowed.
    Several,
    /// Null.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number that is not whole.
    Fraction,
    /// A number beyond 2^53, where a double cannot represent every whole number.
    Imprecise,
    /// Text.
    Text(Redacted),
    /// A list without items.
    EmptyList,
    /// A list.
    List,
    /// A map.
    Map,
}

impl Found {
    /// The value of `node`; `None` if it was reported already as one that is allowed nowhere.
    pub(super) fn of(node: &Node) -> Option<Self> {
        Some(match node {
            Node::PrivateKey | Node::TooDeep => return None,
            Node::Null => Self::Null,
            Node::Boolean(value) => Self::Boolean(*value),
            Node::Integer(value) => Self::Integer(*value),
            Node::Fraction => Self::Fraction,
            Node::Imprecise => Self::Imprecise,
            Node::Text(text) => Self::Text(Redacted::new(text)),
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
