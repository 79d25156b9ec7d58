//! Distinguished names: attributes in their order, to compare and to print.

use super::attribute_type::AttributeType;
use super::der::{self, Reader};
use super::{canonical_name, oid, text};
use crate::domain::revocation::CanonicalName;
use data_encoding::HEXLOWER;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::fmt::Write;
use x509_parser::asn1_rs::Tag;

/// The most attributes. A name has about five; one with more than this cannot be read.
const MOST_ATTRIBUTES: usize = 100;

/// The longest value of a header with a name, in bytes.
const LONGEST_HEADER: usize = 4096;

/// ASCII characters of RFC 4514 text that are percent-encoded in a header.
const NOT_IN_HEADER: &AsciiSet = &CONTROLS.add(b'"').add(b'%');

/// A distinguished name (RFC 5280 section 4.1.2.4). It may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName {
    der: Box<[u8]>,
    /// The attributes; `None` if they cannot be read.
    attributes: Option<Vec<Attribute>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Attribute {
    /// Whether the attribute belongs to the same relative distinguished name as the one before it.
    joined: bool,
    /// The type, if a registry can compare it.
    known: Option<AttributeType>,
    /// The text, if the type is known and the value can be read.
    value: Option<Box<str>>,
    /// The attribute as RFC 4514 text, if its type has no name there or its value cannot be read.
    unnamed: Option<Box<str>>,
}

impl DistinguishedName {
    /// The name with this DER form. The attributes cannot be read if it is no name, or has more than 100.
    pub fn from_der(der: &[u8]) -> Self {
        Self { der: der.into(), attributes: attributes(der) }
    }

    /// The canonical form, in which names of issuers are compared.
    pub fn canonical(&self) -> CanonicalName {
        canonical_name::of(&self.der)
    }

    /// Whether [`Self::canonical`] is a comparison by text, and not byte by byte. OpenSSL and BoringSSL accept no other
    /// name.
    pub fn has_canonical_form(&self) -> bool {
        canonical_name::is_read(&self.der)
    }

    /// Whether all attributes that a registry can compare, and the text for headers, can be read.
    pub fn is_readable(&self) -> bool {
        self.attributes.as_ref().is_some_and(|attributes| attributes.iter().all(Attribute::is_readable))
    }

    /// The values of all attributes of this type, in their order; empty if one of them cannot be read.
    pub fn values(&self, attribute: AttributeType) -> impl Iterator<Item = &str> {
        let values = || {
            let of_type = self.attributes.iter().flatten().filter(move |known| known.known == Some(attribute));
            of_type.map(|attribute| attribute.value.as_deref())
        };
        let readable = values().all(|value| value.is_some());
        values().flatten().filter(move |_| readable)
    }

    /// The name as RFC 4514 text: the last relative distinguished name comes first. Control characters are escaped,
    /// other characters beyond ASCII are not. A value that cannot be read is printed as its DER form.
    pub fn to_rfc4514(&self) -> String {
        let mut text = String::new();
        for rdn in self.attributes.as_deref().unwrap_or_default().chunk_by(|_, next| next.joined).rev() {
            for attribute in rdn {
                if !text.is_empty() {
                    text.push(if attribute.joined { '+' } else { ',' });
                }
                attribute.write(&mut text);
            }
        }
        text
    }

    /// The text as the value of a header: `%`, `"` and everything but printable ASCII is percent-encoded as UTF-8.
    /// `None` if the value is longer than 4096 bytes, or the name cannot be read.
    pub fn to_header(&self) -> Option<String> {
        if !self.is_readable() {
            return None;
        }
        let text = self.to_rfc4514();
        let header: String = utf8_percent_encode(&text, NOT_IN_HEADER).collect();
        (header.len() <= LONGEST_HEADER).then_some(header)
    }
}

/// The attributes of the name with this DER form.
fn attributes(der: &[u8]) -> Option<Vec<Attribute>> {
    let mut attributes = Vec::new();
    let mut count = 0..MOST_ATTRIBUTES;
    let mut sets = der::only(der, Tag::Sequence)?;
    while !sets.is_empty() {
        let mut set = sets.inside(Tag::Set)?;
        let mut joined = false;
        // A set has at least one element.
        loop {
            count.next()?;
            attributes.push(Attribute::read(set.inside(Tag::Sequence)?, joined)?);
            if set.is_empty() {
                break;
            }
            joined = true;
        }
    }
    Some(attributes)
}

impl Attribute {
    /// The attribute of an `AttributeTypeAndValue`.
    fn read(mut pair: Reader<'_>, joined: bool) -> Option<Self> {
        let oid = pair.primitive(Tag::Oid)?;
        let der = pair.raw()?;
        pair.end()?;
        let known = AttributeType::from_oid(oid);
        let value = known.and_then(|_| text::decode(&Reader::new(der).element()?));
        let named = known.and_then(AttributeType::short_name).is_some();
        let unnamed = match &value {
            Some(_) if named => None,
            _ => oid::dotted(oid).map(|oid| (oid + "=#" + &HEXLOWER.encode(der)).into()),
        };
        Some(Self { joined, known, value, unnamed })
    }

    /// An attribute of a type that no registry can compare is kept as RFC 4514 text.
    fn is_readable(&self) -> bool {
        if self.known.is_some() { self.value.is_some() } else { self.unnamed.is_some() }
    }

    fn write(&self, text: &mut String) {
        match (&self.unnamed, self.known, &self.value) {
            (Some(unnamed), ..) => text.push_str(unnamed),
            (None, Some(known), Some(value)) => {
                text.push_str(known.short_name().unwrap_or_default());
                text.push('=');
                escape(value, text);
            }
            _ => text.push('?'),
        }
    }
}

/// Writes the value (RFC 4514 section 2.4). Spaces at its ends become `\20`, not `\ `: a header would lose the last
/// space.
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
                    // Writing to a `String` cannot fail.
                    let _ = write!(text, "\\{byte:02x}");
                }
            }
            other => text.push(other),
        }
    }
    text.push_str(&r"\20".repeat(trailing));
}
