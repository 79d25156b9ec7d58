//! The names of a certificate's holder and of its issuer: attributes in their order, to compare and to show.

use super::attribute_type::AttributeType;
use super::der::{self, Reader};
use super::{oid, text};
use data_encoding::HEXLOWER;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::fmt::Write;
use x509_parser::asn1_rs::Tag;

/// The most attributes that are looked at. A name has about five; with more than this it is read as an error.
const MOST_ATTRIBUTES: usize = 100;

/// The most bytes that a name takes in a header.
const LONGEST_HEADER: usize = 4096;

/// What of RFC 4514 text is escaped in a header, beside all that is not ASCII.
const NOT_IN_HEADER: &AsciiSet = &CONTROLS.add(b'"').add(b'%');

/// A distinguished name (RFC 5280 section 4.1.2.4). May be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName {
    der: Box<[u8]>,
    attributes: Vec<Attribute>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Attribute {
    /// Whether it belongs to the same relative distinguished name as the one before it.
    joined: bool,
    /// What it says, if it is one that a registry can ask for.
    known: Option<(AttributeType, Box<str>)>,
    /// How it is written in RFC 4514 text, if its type has no name there.
    unnamed: Option<Box<str>>,
}

impl DistinguishedName {
    /// The name with this DER form; `None` if it is none, has more than 100 attributes, or one that a registry can ask for
    /// and that is not text.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let mut attributes = Vec::new();
        let mut count = 0..MOST_ATTRIBUTES;
        let mut sets = der::only(der, Tag::Sequence)?;
        while !sets.is_empty() {
            let mut set = sets.inside(Tag::Set)?;
            let mut joined = false;
            // A set has at least one.
            loop {
                count.next()?;
                attributes.push(Attribute::read(set.inside(Tag::Sequence)?, joined)?);
                if set.is_empty() {
                    break;
                }
                joined = true;
            }
        }
        Some(Self { der: der.into(), attributes })
    }

    /// Its DER form, as the certificate has it: revocation lists name their issuer by the same bytes (RFC 5280 section
    /// 5.1.2.3).
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The values of all attributes of this type, in their order.
    pub fn values(&self, attribute: AttributeType) -> impl Iterator<Item = &str> {
        let known = self.attributes.iter().filter_map(|attribute| attribute.known.as_ref());
        known.filter(move |(known, _)| *known == attribute).map(|(_, value)| &**value)
    }

    /// The text that people read (RFC 4514): what is most specific comes first. Control characters are escaped, other
    /// characters beyond ASCII are not.
    pub fn to_rfc4514(&self) -> String {
        let mut text = String::new();
        for rdn in self.attributes.chunk_by(|_, next| next.joined).rev() {
            for attribute in rdn {
                if !text.is_empty() {
                    text.push(if attribute.joined { '+' } else { ',' });
                }
                attribute.write(&mut text);
            }
        }
        text
    }

    /// The same as the value of a header: `%`, `"` and all that is not printable ASCII percent-encoded as UTF-8. `None` if
    /// it is longer than 4096 bytes.
    pub fn to_header(&self) -> Option<String> {
        let text = self.to_rfc4514();
        let header: String = utf8_percent_encode(&text, NOT_IN_HEADER).collect();
        (header.len() <= LONGEST_HEADER).then_some(header)
    }
}

impl Attribute {
    /// That of an `AttributeTypeAndValue`.
    fn read(mut pair: Reader<'_>, joined: bool) -> Option<Self> {
        let oid = pair.primitive(Tag::Oid)?;
        let value = pair.raw()?;
        pair.end()?;
        let known = match AttributeType::from_oid(oid) {
            Some(attribute) => Some((attribute, text::decode(&Reader::new(value).element()?)?)),
            None => None,
        };
        let unnamed = match &known {
            Some((attribute, _)) if attribute.short_name().is_some() => None,
            _ => Some((oid::dotted(oid)? + "=#" + &HEXLOWER.encode(value)).into()),
        };
        Some(Self { joined, known, unnamed })
    }

    fn write(&self, text: &mut String) {
        match (&self.unnamed, &self.known) {
            (Some(unnamed), _) => text.push_str(unnamed),
            (None, Some((attribute, value))) => {
                text.push_str(attribute.short_name().unwrap_or_default());
                text.push('=');
                escape(value, text);
            }
            (None, None) => {}
        }
    }
}

/// Writes the value as RFC 4514 section 2.4 says. Spaces at its ends become `\20`, not `\ `, of which a header would lose
/// the last.
fn escape(value: &str, text: &mut String) {
    let inner = value.trim_matches(' ');
    let leading = value.len().saturating_sub(value.trim_start_matches(' ').len());
    let trailing = value.len().saturating_sub(leading).saturating_sub(inner.len());
    text.push_str(&r"\20".repeat(leading));
    for (place, character) in inner.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', character]),
            '#' if place == 0 && leading == 0 => text.push_str(r"\#"),
            control if control.is_control() => {
                for byte in control.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing into a string cannot fail.
                    let _ = write!(text, "\\{byte:02x}");
                }
            }
            other => text.push(other),
        }
    }
    text.push_str(&r"\20".repeat(trailing));
}
