//! The path of a value in a configuration. Paths are on the stack and become text only in an error.

use super::redacted::Redacted;
use std::fmt;

/// The path from the top of a configuration to a value.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    /// The whole configuration.
    Top,
    /// The value of a key.
    Key(&'a Path<'a>, &'a str),
    /// An item of a list.
    Item(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Item(list, index) => write!(f, "{list}[{index}]"),
            Self::Key(map, key) if !is_word(key) => write!(f, "{map}[{}]", Redacted::new(key)),
            Self::Key(Self::Top, key) => f.write_str(key),
            Self::Key(map, key) => write!(f, "{map}.{key}"),
        }
    }
}

/// A key as a path has it, without the dot before it: `alias`, `["gold.v2"]`.
pub fn path_step(key: &str) -> String {
    Path::Key(&Path::Top, key).to_string()
}

/// Whether a key is printed in a path without quotes.
fn is_word(key: &str) -> bool {
    (1..=Redacted::LONGEST).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_no_words_are_quoted_and_bounded() {
        let tiers = Path::Key(&Path::Top, "tiers");
        let shown = |key: &str| Path::Item(&Path::Key(&tiers, key), 2).to_string();
        assert_eq!(shown("gold"), "tiers.gold[2]");
        assert_eq!(shown("gold.v2"), r#"tiers["gold.v2"][2]"#);
        assert_eq!(shown("a\n\"ä"), r#"tiers["a\n\"\u{e4}"][2]"#);
        assert_eq!(shown(&"x".repeat(64)), "tiers[<64 characters>][2]");
        assert_eq!(Path::Key(&Path::Top, "").to_string(), r#"[""]"#);
    }
}
