//! The text of a value of a distinguished name, in any of ASN.1's string types.

use super::der;
use x509_parser::asn1_rs::{Any, Tag};

/// The text of the string (RFC 5280 section 4.1.2.4). `None` if the value is no string, breaks the rules of its type,
/// or contains a NUL, by which certificates make C programs read less than all of it.
pub(super) fn decode(value: &Any<'_>) -> Option<Box<str>> {
    let (tag, text) = characters(value)?;
    // PrintableString and NumericString are accepted with characters that they must not have, such as `*`, `@` and `_`,
    // since they occur.
    let may_be_more = matches!(tag, Tag::Utf8String | Tag::T61String | Tag::BmpString | Tag::UniversalString);
    (!text.contains('\0') && (may_be_more || text.is_ascii())).then(|| text.into())
}

/// The type of the string and its characters, as OpenSSL reads them; `None` if the value is no string, or its bytes are
/// no characters.
pub(super) fn characters(value: &Any<'_>) -> Option<(Tag, String)> {
    let bytes = der::content(value, value.tag(), false)?;
    let text = match value.tag() {
        Tag::Utf8String => str::from_utf8(bytes).ok()?.into(),
        // By name T.61 and ASCII; ISO 8859-1 occurs too.
        Tag::PrintableString | Tag::NumericString | Tag::Ia5String | Tag::VisibleString | Tag::T61String => {
            bytes.iter().map(|byte| char::from(*byte)).collect()
        }
        // UTF-16 instead of UCS-2, since Windows writes surrogates.
        Tag::BmpString => {
            let (units, []) = bytes.as_chunks() else { return None };
            char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit))).collect::<Result<_, _>>().ok()?
        }
        Tag::UniversalString => {
            let (units, []) = bytes.as_chunks() else { return None };
            units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect::<Option<_>>()?
        }
        _ => return None,
    };
    Some((value.tag(), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::asn1_rs::Class;

    #[test]
    fn every_string_type_says_its_text() {
        for (tag, bytes, text) in [
            (Tag::Utf8String, "Zürich 🦀".as_bytes(), "Zürich 🦀"),
            (Tag::PrintableString, b"cart_1 *@example", "cart_1 *@example"),
            (Tag::NumericString, b"123 456", "123 456"),
            (Tag::Ia5String, b"a@example.com", "a@example.com"),
            (Tag::VisibleString, b"plain", "plain"),
            (Tag::T61String, b"Z\xfcrich", "Zürich"),
            (Tag::BmpString, b"\0Z\0\xfc\xd8\x3e\xdd\x80", "Zü🦀"),
            (Tag::UniversalString, b"\0\0\0Z\0\x01\xf9\x80", "Z🦀"),
            (Tag::Utf8String, b"", ""),
            (Tag::BmpString, b"", ""),
        ] {
            assert_eq!(decode(&Any::from_tag_and_data(tag, bytes)).as_deref(), Some(text), "{tag}");
        }
    }

    #[test]
    fn what_is_not_as_its_type_demands_says_nothing() {
        for (tag, bytes) in [
            (Tag::Utf8String, &b"\xff"[..]),
            (Tag::Utf8String, b"\xc0\x80"),
            (Tag::Utf8String, b"admin\0.example"),
            (Tag::PrintableString, "ü".as_bytes()),
            (Tag::Ia5String, b"\xfc"),
            (Tag::T61String, b"\0"),
            (Tag::BmpString, b"\0Z\0"),
            (Tag::BmpString, b"\xd8\x3e\0Z"),
            (Tag::BmpString, b"\0\0"),
            (Tag::UniversalString, b"\0\0\0Z\0\0"),
            (Tag::UniversalString, b"\0\x11\0\0"),
            (Tag::UniversalString, b"\0\0\xd8\0"),
            (Tag::OctetString, b"text"),
            (Tag::Integer, b"\x01"),
            (Tag::GeneralString, b"text"),
        ] {
            assert_eq!(decode(&Any::from_tag_and_data(tag, bytes)), None, "{tag} {bytes:x?}");
        }
    }

    #[test]
    fn a_string_in_pieces_or_of_another_class_says_nothing() {
        assert_eq!(decode(&der::Reader::new(b"\x2c\x03\x0c\x01a").element().unwrap()), None);
        assert_eq!(decode(&Any::from_tag_and_data(Tag::Utf8String, b"a").with_class(Class::ContextSpecific)), None);
    }
}
