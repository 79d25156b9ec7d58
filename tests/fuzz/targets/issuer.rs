//! Names of issuers by what they say: text in another type, with other spaces and in another case is the same name, other
//! text is another, and a name that cannot be read equals itself alone.
#![no_main]

use certgate_core::certificate::distinguished_name::DistinguishedName;
use certgate_core::domain::revocation::CanonicalName;
use certgate_test_support::strings::{self, BMP, UNIVERSAL, UTF8};
use libfuzzer_sys::fuzz_target;

fn canonical(name: &[u8]) -> CanonicalName {
    DistinguishedName::from_der(name).canonical()
}

/// A common name that is a string of this type.
fn common_name(tag: u8, text: &str) -> CanonicalName {
    canonical(&strings::common_name(tag, text))
}

/// The words of a text, without what does not count in them.
fn words(text: &str) -> Vec<String> {
    let is_space = |character| matches!(character, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r');
    text.split(is_space).filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect()
}

fuzz_target!(|input: (&[u8], &[u8], &str, &str)| {
    let (one, two, text, other) = input;
    // Lengths of one to three octets are enough.
    if one.len().max(two.len()).max(text.len()).max(other.len()) > 4096 {
        return;
    }
    let name = DistinguishedName::from_der(one);
    assert!(name.canonical() == canonical(one));
    assert!(!name.to_rfc4514().contains('\n'));
    // Nothing that says something is equal to nothing, or to what follows it.
    assert!(one.is_empty() || canonical(one) != canonical(b""));
    assert!(two.is_empty() || canonical(&[one, two].concat()) != canonical(one));

    let said = common_name(UTF8, text);
    for tag in [UTF8, BMP, UNIVERSAL] {
        assert!(common_name(tag, text) == said);
        assert_eq!(common_name(tag, other) == said, words(text) == words(other));
    }
    assert!(common_name(UTF8, &format!(" {}\t", text.to_ascii_uppercase())) == said);
});
