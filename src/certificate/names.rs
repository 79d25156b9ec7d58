//! Names that a credential asks for and a certificate answers with: URIs by segments, DNS names by labels, subject and
//! issuer by attributes; where a pattern has `*` for a part, any will do.
//!
//! What is compared is a digest of the compared parts, so that all patterns of one [`Shape`] are found with one look into
//! a hash table.

use super::attribute_type::AttributeType;
use super::attributes::Attributes;
use super::distinguished_name::DistinguishedName;
use crate::domain::credential::{Identifier, Kind, Shape};
use sha2::{Digest, Sha256};

/// The most parts that a name is compared by: as many as a shape has bits.
const MOST_PARTS: usize = 32;

/// The bits of a shape's mask that are the issuer's attributes begin here.
const ISSUER: usize = 16;

/// Stands in a pattern for any part.
const ANY: &str = "*";

/// A name by its parts; `None` for those that are not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameParts {
    kind: Kind,
    parts: Vec<Option<Box<str>>>,
}

/// What a URI pattern must be.
pub const URI: &str = "a URI such as spiffe://example.org/ns/shop/sa/cart, with `*` for any whole segment of its path";

/// What a DNS pattern must be.
pub const DNS: &str = "a DNS name such as cart.shop.example, with `*` for any whole label but the last";

impl NameParts {
    /// The pattern of a URI (RFC 3986 section 3), `*` for any whole segment of its path; `None` if it is none.
    pub fn uri_pattern(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let mut letters = scheme.bytes();
        let scheme = letters.next().is_some_and(|byte| byte.is_ascii_lowercase())
            && letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        let authority = rest.split('/').next().is_some_and(|authority| !authority.is_empty());
        // Scheme, nothing, authority.
        Self::pattern(Kind::UriSan, text.split('/'), 3..).filter(|_| scheme && plain && authority)
    }

    /// The pattern of a DNS name (RFC 1034 section 3.5, with `_`), `*` for any whole label but the last; `None` if it is
    /// none.
    pub fn dns_pattern(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let label = |label: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            label == ANY || (1..=63).contains(&label.len()) && label.bytes().all(known)
        };
        let last = text.split('.').count().checked_sub(1)?;
        let fits = text.len() <= 253 && text.split('.').all(label);
        Self::pattern(Kind::DnsSan, text.split('.'), 0..last).filter(|_| fits)
    }

    /// Each of these attributes, with all values that the name has of it, in their order.
    pub fn attributes<'v>(
        subject: impl IntoIterator<Item = (AttributeType, Vec<&'v str>)>,
        issuer: impl IntoIterator<Item = (AttributeType, Vec<&'v str>)>,
    ) -> Self {
        let mut parts = vec![None; MOST_PARTS];
        let subject = subject.into_iter().map(|(attribute, values)| (attribute.place(), values));
        let issuer = issuer.into_iter().map(|(attribute, values)| (attribute.place().saturating_add(ISSUER), values));
        for (place, values) in subject.chain(issuer) {
            if let Some(part) = parts.get_mut(place) {
                *part = Some(joined(values.into_iter()));
            }
        }
        Self { kind: Kind::Subject, parts }
    }

    fn pattern<'t>(
        kind: Kind,
        parts: impl Iterator<Item = &'t str>,
        may_be_any: impl std::ops::RangeBounds<usize>,
    ) -> Option<Self> {
        let mut pattern = Vec::new();
        for (place, part) in parts.enumerate() {
            match part.contains(ANY) {
                false => pattern.push(Some(part.into())),
                true if part == ANY && may_be_any.contains(&place) => pattern.push(None),
                true => return None,
            }
        }
        (pattern.len() <= MOST_PARTS).then_some(Self { kind, parts: pattern })
    }

    /// A certificate's own name, all of it.
    fn whole<'t>(kind: Kind, parts: impl Iterator<Item = &'t str>) -> Self {
        Self { kind, parts: parts.take(MOST_PARTS.saturating_add(1)).map(|part| Some(part.into())).collect() }
    }

    /// How names that this matches are compared.
    pub fn shape(&self) -> Shape {
        let compared_is_set = self.kind == Kind::Subject;
        let bits = self.parts.iter().enumerate().filter(|(_, part)| part.is_some() == compared_is_set);
        let mask =
            bits.fold(0, |mask, (place, _)| mask | u32::try_from(place).map_or(0, |bit| 1_u32.wrapping_shl(bit)));
        let parts = if compared_is_set { 0 } else { u8::try_from(self.parts.len()).unwrap_or(u8::MAX) };
        Shape { kind: self.kind, parts, mask }
    }

    /// What a credential asks for that matches names by this pattern.
    pub fn identifier(&self) -> Option<Identifier> {
        self.seen_as(&self.shape())
    }

    /// What this name is when it is compared like this; `None` if it cannot be.
    fn seen_as(&self, shape: &Shape) -> Option<Identifier> {
        let subject = self.kind == Kind::Subject;
        if self.kind != shape.kind || !subject && self.parts.len() != usize::from(shape.parts) {
            return None;
        }
        let mut digest = Sha256::new();
        digest.update([u8::try_from(shape.kind.place()).ok()?, shape.parts]);
        digest.update(shape.mask.to_le_bytes());
        for (_, part) in self.parts.iter().enumerate().filter(|(place, _)| shape.has(*place) == subject) {
            let part = part.as_deref()?;
            digest.update(u64::try_from(part.len()).ok()?.to_le_bytes());
            digest.update(part);
        }
        Some(Identifier { kind: shape.kind, digest: digest.finalize().into() })
    }

    /// The parts that are compared both by this pattern and in this shape: where they are the same for a pattern of a
    /// shape that [rivals](Shape::rivals) this one's, some name is matched by both.
    pub fn shared_with(&self, shape: &Shape) -> Vec<&str> {
        let subject = self.kind == Kind::Subject;
        let shared = self.parts.iter().enumerate().filter(|(place, _)| shape.has(*place) == subject);
        shared.filter_map(|(_, part)| part.as_deref()).collect()
    }
}

/// What a certificate answers to names in these shapes, in their order: by its only URI, by each of its DNS names but
/// those that are patterns themselves, by its subject and issuer.
pub fn answers<'s>(attributes: &Attributes, shapes: &'s [Shape]) -> impl Iterator<Item = Identifier> + use<'s> {
    let uri = attributes.only_uri().map(|uri| NameParts::whole(Kind::UriSan, uri.split('/')));
    let dns = attributes.dns_sans.iter().filter(|name| !name.contains(ANY));
    let dns = dns.map(|name| NameParts::whole(Kind::DnsSan, name.split('.')));
    let subject = NameParts::attributes(all(&attributes.subject), all(&attributes.issuer));
    let names: Vec<_> = uri.into_iter().chain(dns).chain([subject]).collect();
    shapes.iter().flat_map(move |shape| names.iter().filter_map(|name| name.seen_as(shape)).collect::<Vec<_>>())
}

/// Every attribute of which the name has values that can all be read, with these values.
fn all(name: &DistinguishedName) -> impl Iterator<Item = (AttributeType, Vec<&str>)> {
    AttributeType::ALL.into_iter().filter_map(|attribute| {
        let values: Vec<_> = name.values(attribute).collect();
        (!values.is_empty()).then_some((attribute, values))
    })
}

/// Several values as one, which no other values are.
fn joined<'v>(values: impl Iterator<Item = &'v str>) -> Box<str> {
    // No value that can be read has this character.
    values.collect::<Vec<_>>().join("\0").into()
}
