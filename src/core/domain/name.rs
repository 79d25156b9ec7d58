//! Names of clients, tiers, limits, rules and credentials: one alphabet for all.

use std::fmt;

/// The longest name, in bytes.
pub const MAX_LENGTH: usize = 63;

/// The label of metrics without a tier or a reason. No tier and no client can have this name.
pub const NONE: &str = "none";

/// The alias in metrics of the clients beyond `metrics.clients`. No client can have it.
pub const OTHER: &str = "other";

/// A name: `[a-z0-9][a-z0-9._-]{0,62}`. It needs no escaping in a header, a metric label, a JSON string or a structured
/// field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// The name; `None` if `text` is not one.
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = text.bytes();
        let first = bytes.next()?;
        let rest_fits = bytes.all(|b| is_alphanumeric(b) || matches!(b, b'.' | b'_' | b'-'));
        (is_alphanumeric(first) && rest_fits && text.len() <= MAX_LENGTH).then(|| Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_alphabet_and_nothing_else() {
        for good in ["a", "0", "partner-a", "a.b_c-d", &"x".repeat(63)] {
            assert!(Name::new(good).is_some(), "{good}");
        }
        for bad in ["", "-a", ".a", "_a", "A", "a b", "ä", "a\n", "a/b", &"x".repeat(64)] {
            assert!(Name::new(bad).is_none(), "{bad:?}");
        }
    }
}
