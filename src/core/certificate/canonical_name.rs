//! Canonical distinguished names. Two are equal exactly if OpenSSL's canonical names are equal (`X509_NAME_cmp`), which
//! differs from RFC 5280 section 7.1 in places.
//!
//! Text is equal in UTF8String, BMPString, UniversalString, PrintableString, T61String, IA5String and VisibleString;
//! the last four are read as ISO 8859-1. White space at the ends and the case of ASCII letters do not count, and
//! several white spaces count as one. All other values are compared byte by byte, such as a NumericString, and so is
//! the case of `Ü`. The order within a relative distinguished name does not count.
//!
//! A name that cannot be read is compared byte by byte, so a name always equals itself. OpenSSL and BoringSSL refuse a
//! certificate with such a name.

use super::der::{self, Reader};
use super::text;
use crate::domain::revocation::CanonicalName;
use sha2::{Digest, Sha256};
use std::collections::BinaryHeap;
use x509_parser::asn1_rs::Tag;

/// The canonical form of the name with this DER form.
pub(super) fn of(name: &[u8]) -> CanonicalName {
    let canonical = canonical(name);
    let (kind, said) = canonical.as_deref().map_or((0, name), |canonical| (1, canonical));
    CanonicalName(Sha256::new().chain_update([kind]).chain_update(said).finalize().into())
}

/// Whether the name is compared by its text, and not byte by byte.
pub(super) fn is_read(name: &[u8]) -> bool {
    canonical(name).is_some()
}

/// The relative distinguished names in their order, each as the number of its attributes and the attributes in
/// ascending order. Empty ones are left out.
fn canonical(name: &[u8]) -> Option<Vec<u8>> {
    let mut canonical = Vec::new();
    let mut sets = der::only(name, Tag::Sequence)?;
    while !sets.is_empty() {
        let mut set = sets.inside(Tag::Set)?;
        let mut attributes = Vec::new();
        while !set.is_empty() {
            attributes.push(attribute(set.inside(Tag::Sequence)?)?);
        }
        if attributes.is_empty() {
            continue;
        }
        canonical.extend_from_slice(&attributes.len().to_le_bytes());
        // A heap, as in `Serials`: sorting needs no further code.
        let heap: BinaryHeap<_> = attributes.iter().map(|attribute| (attribute.len(), attribute.as_slice())).collect();
        for (length, attribute) in heap.into_sorted_vec() {
            canonical.extend_from_slice(&length.to_le_bytes());
            canonical.extend_from_slice(attribute);
        }
    }
    Some(canonical)
}

/// The type of an attribute and its value in canonical form.
fn attribute(mut pair: Reader<'_>) -> Option<Vec<u8>> {
    let oid = pair.primitive(Tag::Oid)?;
    let value = pair.raw()?;
    pair.end()?;
    let text = text::characters(&Reader::new(value).element()?).filter(|(tag, _)| *tag != Tag::NumericString);
    let mut attribute = oid.len().to_le_bytes().to_vec();
    attribute.extend_from_slice(oid);
    match text {
        Some((_, text)) => {
            attribute.push(1);
            attribute.extend_from_slice(folded(&text).as_bytes());
        }
        None => {
            attribute.push(0);
            attribute.extend_from_slice(value);
        }
    }
    Some(attribute)
}

/// The text without the white space that does not count, in lower case.
pub fn folded(text: &str) -> String {
    // White space is C's `isspace`, as in OpenSSL.
    let is_space = |character| matches!(character, ' ' | '\t'..='\r');
    let mut folded = String::with_capacity(text.len());
    for word in text.split(is_space).filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded.make_ascii_lowercase();
    folded
}
