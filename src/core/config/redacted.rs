//! Text of a configuration in an error: bounded, in printable ASCII, and never a private key.

use super::node::is_private_key;
use std::fmt;

/// Text of a configuration, quoted and escaped. Of a longer text only the length is shown: it may be a line of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted(Box<str>);

impl Redacted {
    /// The longest text that is shown, in characters.
    pub const LONGEST: usize = crate::domain::name::MAX_LENGTH;

    /// `text` in the form in which errors show it.
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

impl fmt::Display for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_bounded_and_never_a_private_key() {
        assert_eq!(Redacted::new("a\"b\u{200b}\r\n\u{1b}").to_string(), r#""a\"b\u{200b}\r\n\u{1b}""#);
        assert_eq!(Redacted::new(&"ä".repeat(64)).to_string(), "<64 characters>");
        assert_eq!(Redacted::new("-----BEGIN PRIVATE KEY-----\nMC4C").to_string(), "<private key>");
    }
}
