//! Text in ASN.1's string types, as names in hand-written certificates have it.

use super::der::{COMMON_NAME, element, name};

/// `UTF8String`.
pub const UTF8: u8 = 0x0c;
/// `NumericString`.
pub const NUMERIC: u8 = 0x12;
/// `PrintableString`.
pub const PRINTABLE: u8 = 0x13;
/// `T61String`, written as ISO 8859-1.
pub const T61: u8 = 0x14;
/// `IA5String`.
pub const IA5: u8 = 0x16;
/// `VisibleString`.
pub const VISIBLE: u8 = 0x1a;
/// `UniversalString`.
pub const UNIVERSAL: u8 = 0x1c;
/// `BMPString`, written as UTF-16.
pub const BMP: u8 = 0x1e;

/// The text in a string of this type; of several bytes a character where the type has them.
pub fn string(tag: u8, text: &str) -> Vec<u8> {
    let bytes = match tag {
        UTF8 => text.as_bytes().to_vec(),
        BMP => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        UNIVERSAL => text.chars().flat_map(|character| u32::from(character).to_be_bytes()).collect(),
        _ => text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect(),
    };
    element(tag, &[&bytes])
}

/// A name that is one common name.
pub fn common_name(tag: u8, text: &str) -> Vec<u8> {
    name(&[vec![(COMMON_NAME, string(tag, text))]])
}
