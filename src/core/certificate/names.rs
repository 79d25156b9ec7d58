//! Names that credentials and certificates are compared by: URIs by segments, DNS names by labels, subject and issuer
//! by attributes. A `*` in a pattern matches any segment or label.
//!
//! Names are compared by a digest of the compared parts, so that all patterns of one [`Shape`] are found by one lookup
//! in a hash table.

use super::attribute_type::AttributeType;
use super::contents::CertificateContents;
use super::distinguished_name::DistinguishedName;
use super::uri;
use crate::domain::credential::{Identifier, Kind, Shape};
use sha2::{Digest, Sha256};

/// The most parts of a name: a shape has as many bits.
const MOST_PARTS: usize = 32;

/// The first bit of the issuer's attributes in a shape's mask.
const ISSUER: usize = 16;

/// The wildcard of a pattern.
const ANY: &str = "*";

/// The highest [cost](CertificateNames::cost) of comparing one certificate's names with one list of shapes. A
/// certificate that costs more matches nothing: it may have a thousand names, and the number of shapes is not bounded.
pub const MOST_COST: usize = 4096;

/// The bytes of a name that cost one more.
const BYTES_FOR_ONE: usize = 64;

/// The parts of a name; `None` for a part that is not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameParts {
    kind: Kind,
    parts: Vec<Option<Box<str>>>,
}

/// The form of a URI pattern, for errors.
pub const URI: &str = "a URI such as spiffe://example.org/ns/shop/sa/cart, with `*` for any whole segment of its path, \
                       and beside a `*` no query, fragment, empty segment or dot segment";

/// The form of a DNS pattern, for errors.
pub const DNS: &str = "a DNS name such as cart.shop.example, with `*` for any whole label but the last";

impl NameParts {
    /// The pattern of a URI (RFC 3986 section 3), with `*` for any whole segment of its path; `None` if the text is no
    /// pattern, or if it has a `*` and matches no [plain](uri::is_plain) URI.
    pub fn uri_pattern(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let mut letters = scheme.bytes();
        let scheme = letters.next().is_some_and(|byte| byte.is_ascii_lowercase())
            && letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        let authority = rest.split('/').next().is_some_and(|authority| !authority.is_empty());
        // The first three parts are the scheme, an empty one, and the authority.
        let pattern = Self::pattern(Kind::UriSan, text.split('/'), 3..).filter(|_| scheme && plain && authority)?;
        (pattern.shape().mask == 0 || uri::is_plain(&text.replace(ANY, "any"))).then_some(pattern)
    }

    /// The pattern of a DNS name (RFC 1034 section 3.5, with `_`), with `*` for any whole label but the last; `None` if
    /// the text is no pattern.
    pub fn dns_pattern(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let last = text.split('.').count().checked_sub(1)?;
        let fits = is_host(&text, |label| label == ANY || is_label(label));
        Self::pattern(Kind::DnsSan, text.split('.'), 0..last).filter(|_| fits)
    }

    /// The attributes of a subject and an issuer, each with all its values in their order.
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

    /// The shape in which names that this pattern matches are compared.
    pub fn shape(&self) -> Shape {
        let compared_is_set = self.kind == Kind::Subject;
        let bits = self.parts.iter().enumerate().filter(|(_, part)| part.is_some() == compared_is_set);
        let mask =
            bits.fold(0, |mask, (place, _)| mask | u32::try_from(place).map_or(0, |bit| 1_u32.wrapping_shl(bit)));
        let parts = if compared_is_set { 0 } else { u8::try_from(self.parts.len()).unwrap_or(u8::MAX) };
        Shape { kind: self.kind, parts, mask }
    }

    /// The identifier of a credential with this pattern.
    pub fn identifier(&self) -> Option<Identifier> {
        self.identifier_in(&self.shape())
    }

    /// The identifier of this name in a shape of its kind.
    fn identifier_in(&self, shape: &Shape) -> Option<Identifier> {
        identifier(&mut self.parts.iter().map(|part| part.as_deref()), shape)
    }

    /// The parts that both this pattern and the shape compare. If they are equal for a pattern of a
    /// [rival](Shape::rivals) shape, some name is matched by both patterns.
    pub fn shared_with(&self, shape: &Shape) -> Vec<&str> {
        let subject = self.kind == Kind::Subject;
        let shared = self.parts.iter().enumerate().filter(|(place, _)| shape.has(*place) == subject);
        shared.filter_map(|(_, part)| part.as_deref()).collect()
    }
}

/// The identifier of a name with these parts in this shape; `None` if a compared part is missing.
fn identifier(parts: &mut dyn Iterator<Item = Option<&str>>, shape: &Shape) -> Option<Identifier> {
    let compared_is_set = shape.kind == Kind::Subject;
    let mut digest = Sha256::new();
    digest.update([u8::try_from(shape.kind.place()).ok()?, shape.parts]);
    digest.update(shape.mask.to_le_bytes());
    for (_, part) in parts.enumerate().filter(|(place, _)| shape.has(*place) == compared_is_set) {
        let part = part?;
        digest.update(u64::try_from(part.len()).ok()?.to_le_bytes());
        digest.update(part);
    }
    Some(Identifier { kind: shape.kind, digest: digest.finalize().into() })
}

/// The names of a certificate that are compared.
pub struct CertificateNames<'a> {
    /// The URI, if there is exactly one.
    uri: Option<Uri<'a>>,
    /// The DNS names by their number of labels. Left out are names with a `*`, and others that are no host's.
    hosts: [Hosts<'a>; MOST_PARTS + 1],
    /// The subject and the issuer.
    subject: NameParts,
}

/// A URI.
struct Uri<'a> {
    text: &'a str,
    /// The number of its parts.
    parts: usize,
    /// Whether a `*` may match a segment of it.
    is_plain: bool,
}

/// DNS names with the same number of labels.
#[derive(Default)]
struct Hosts<'a> {
    names: Vec<&'a str>,
    /// The cost of comparing each name once.
    cost: usize,
}

impl<'a> CertificateNames<'a> {
    /// The names of a certificate with these contents.
    pub fn of(attributes: &'a CertificateContents) -> Self {
        let uri = attributes.only_uri();
        let uri = uri.map(|uri| Uri { text: uri, parts: uri.split('/').count(), is_plain: uri::is_plain(uri) });
        let mut names = Self {
            uri,
            hosts: std::array::from_fn(|_| Hosts::default()),
            subject: NameParts::attributes(all(&attributes.subject), all(&attributes.issuer)),
        };
        for name in attributes.dns_sans.iter().filter(|name| is_host(name, is_label)) {
            if let Some(hosts) = names.hosts.get_mut(name.split('.').count()) {
                hosts.cost = hosts.cost.saturating_add(cost(name.len()));
                hosts.names.push(name);
            }
        }
        names
    }

    /// The URI, if the shape compares it.
    fn uri(&self, shape: &Shape) -> Option<&'a str> {
        let uri = self.uri.as_ref().filter(|_| shape.kind == Kind::UriSan)?;
        let fits = uri.parts == usize::from(shape.parts) && (shape.mask == 0 || uri.is_plain);
        fits.then_some(uri.text)
    }

    /// The DNS names that the shape compares.
    fn hosts(&self, shape: &Shape) -> Option<&Hosts<'a>> {
        self.hosts.get(usize::from(shape.parts)).filter(|_| shape.kind == Kind::DnsSan)
    }

    /// The cost of comparing the names in these shapes: one for each digest, and more for long names; 0 if there is
    /// nothing to compare.
    pub fn cost(&self, shapes: &[Shape]) -> usize {
        let subject = self.subject.parts.iter().flatten().map(|part| part.len()).fold(0, usize::saturating_add);
        let one = |shape: &Shape| match shape.kind {
            Kind::Sha256 | Kind::SpkiSha256 => 0,
            Kind::UriSan => self.uri(shape).map_or(0, |uri| cost(uri.len())),
            Kind::DnsSan => self.hosts(shape).map_or(0, |hosts| hosts.cost),
            Kind::Subject => cost(subject),
        };
        shapes.iter().map(one).fold(0, usize::saturating_add)
    }

    /// Whether `is_it` accepts the identifier of a name in one of these shapes, which are asked in their order. `false` if
    /// the cost is above [`MOST_COST`].
    pub fn any(&self, shapes: &[Shape], is_it: &mut dyn FnMut(&Identifier) -> bool) -> bool {
        let shapes = if self.cost(shapes) > MOST_COST { &[] } else { shapes };
        let mut is = |identifier: Option<Identifier>| identifier.is_some_and(|identifier| is_it(&identifier));
        shapes.iter().any(|shape| match shape.kind {
            Kind::Sha256 | Kind::SpkiSha256 => false,
            Kind::UriSan => self.uri(shape).is_some_and(|uri| is(identifier(&mut uri.split('/').map(Some), shape))),
            Kind::DnsSan => self.hosts(shape).is_some_and(|hosts| {
                hosts.names.iter().any(|name| is(identifier(&mut name.split('.').map(Some), shape)))
            }),
            Kind::Subject => is(self.subject.identifier_in(shape)),
        })
    }
}

/// The cost of comparing a name of this many bytes once.
fn cost(bytes: usize) -> usize {
    bytes.div_euclid(BYTES_FOR_ONE).saturating_add(1)
}

/// Whether the text is not longer than a host name may be, and all its labels satisfy `is_label`.
fn is_host(name: &str, is_label: fn(&str) -> bool) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Whether the text is a label of a host name.
fn is_label(label: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(known)
}

/// The attributes whose values can all be read, with their values.
fn all(name: &DistinguishedName) -> impl Iterator<Item = (AttributeType, Vec<&str>)> {
    AttributeType::ALL.into_iter().filter_map(|attribute| {
        let values: Vec<_> = name.values(attribute).collect();
        (!values.is_empty()).then_some((attribute, values))
    })
}

/// Several values as one text, which no other values give.
fn joined<'v>(values: impl Iterator<Item = &'v str>) -> Box<str> {
    // A readable value does not contain this character.
    values.collect::<Vec<_>>().join("\0").into()
}
