//! Regular expressions for header names that some upstream reads as one of certgate's: a byte that is no letter and no
//! digit in the place of a `-`. Must not know which names are certgate's.

use certgate_core::domain::headers::XFCC;

/// Any byte that is no letter and no digit, of those that Envoy lets a header name have.
const SEPARATOR: &str = r"[!-/:-@\[-`{-~]";

/// The bytes of [`SEPARATOR`] except `-`.
const OTHER_SEPARATOR: &str = r"[!-,./:-@\[-`{-~]";

/// Envoy takes regular expressions up to a size of 100 (RE2's program size): about one for each letter, four for each
/// class of bytes. The rest is for the instructions with which RE2 joins them.
const LARGEST: usize = 80;

/// Regular expressions (RE2) that, together, match whole header names that are read as one of `names` or as
/// [`XFCC`], which itself they do not match: Envoy's own settings decide about that header. Names that are too long for
/// a regular expression of Envoy's come second.
pub(super) fn look_alikes(names: &[String]) -> (Vec<String>, Vec<String>) {
    let (fitting, long): (Vec<_>, Vec<_>) = names.iter().partition(|name| size(name) <= LARGEST);
    let mut expressions: Vec<String> = Vec::new();
    let mut room = 0;
    for name in fitting {
        let expression = name.split(|character: char| !character.is_ascii_alphanumeric()).collect::<Vec<_>>();
        let expression = expression.join(SEPARATOR);
        match expressions.last_mut().filter(|_| size(name) <= room) {
            Some(last) => {
                *last = format!("{last}|{expression}");
                room = room.saturating_sub(size(name));
            }
            None => {
                expressions.push(expression);
                room = LARGEST.saturating_sub(size(name));
            }
        }
    }
    expressions.push(of_xfcc());
    (expressions, long.into_iter().cloned().collect())
}

/// Spellings of [`XFCC`] other than its own: the first separator that is not `-` stands in one of three places.
fn of_xfcc() -> String {
    let parts: Vec<_> = XFCC.split('-').collect();
    let spellings = (1..parts.len()).map(|place| {
        let (before, after) = parts.split_at_checked(place).unwrap_or_default();
        format!("{}{OTHER_SEPARATOR}{}", before.join("-"), after.join(SEPARATOR))
    });
    spellings.collect::<Vec<_>>().join("|")
}

/// About how large the expression for this name is.
fn size(name: &str) -> usize {
    let separators = name.bytes().filter(|byte| !byte.is_ascii_alphanumeric()).count();
    name.len().saturating_add(separators.saturating_mul(3)).saturating_add(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use certgate_core::domain::headers::ALWAYS_OWNED;
    use regex::Regex;

    /// Whether one of the expressions matches the whole name, as Envoy compares.
    fn matches(expressions: &[String], name: &str) -> bool {
        expressions.iter().any(|expression| Regex::new(&format!("^(?:{expression})$")).unwrap().is_match(name))
    }

    #[test]
    fn every_spelling_is_matched_and_no_other_name() {
        let (expressions, long) = look_alikes(&ALWAYS_OWNED.map(str::to_owned));
        assert_eq!(long, [""; 0]);
        assert!(expressions.len() < 8, "each is tried on each header: {expressions:?}");
        for separator in (b'!'..=b'~').filter(|byte| !byte.is_ascii_alphanumeric()).map(char::from) {
            for name in ALWAYS_OWNED {
                assert!(matches(&expressions, &name.replace('-', &separator.to_string())), "{name} with {separator}");
            }
            for (place, _) in XFCC.match_indices('-') {
                let mut spelling = XFCC.to_owned();
                spelling.replace_range(place..=place, &separator.to_string());
                assert_eq!(matches(&expressions, &spelling), separator != '-', "{spelling}");
            }
        }
        for name in
            ["x1client1alias", "x--client-alias", "x-client-aliases", "client-certificate", "xclientalias", "host"]
        {
            assert!(!matches(&expressions, name), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_told() {
        let long = "x-".to_owned() + &"a".repeat(100);
        assert_eq!(look_alikes(&[long.clone(), "x-a".to_owned()]).1, [long]);
    }
}
