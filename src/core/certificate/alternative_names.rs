//! The subject's alternative names (RFC 5280 section 4.2.1.6).

use super::der;
use x509_parser::asn1_rs::{Class, Tag};

/// The most names, of all kinds together, that are looked at; with more, none of them can be read.
const MOST_NAMES: usize = 1000;

/// `dNSName` among the kinds of names.
const DNS: Tag = Tag(2);

/// `uniformResourceIdentifier` among them.
const URI: Tag = Tag(6);

/// The last of them, `registeredID`.
const LAST: Tag = Tag(8);

/// The names of the kinds that identify clients, each kind in the order of the certificate: those that can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AlternativeNames {
    pub(super) uris: Vec<Box<str>>,
    /// In lower case.
    pub(super) dns: Vec<Box<str>>,
    /// Whether there is a URI that cannot be read.
    pub(super) other_uris: bool,
    /// Whether there is a DNS name that cannot be read.
    pub(super) other_dns: bool,
}

impl AlternativeNames {
    /// The names in an extension with this value. `None` if the value is no list of names, or has more than 1,000. A name
    /// cannot be read if it has anything but printable ASCII.
    pub(super) fn from_der(extension: &[u8]) -> Option<Self> {
        let mut names = Self::default();
        let mut entries = der::only(extension, Tag::Sequence)?;
        let mut count = 0..MOST_NAMES;
        while !entries.is_empty() {
            count.next()?;
            let name = entries.element()?;
            let kind = name.tag();
            if name.class() != Class::ContextSpecific || kind.0 > LAST.0 {
                return None;
            }
            let text = printable(name.data).filter(|_| !name.header.constructed());
            match (kind, text) {
                (DNS, Some(text)) => names.dns.push(text.to_ascii_lowercase().into()),
                (URI, Some(text)) => names.uris.push(text.into()),
                (DNS, None) => names.other_dns = true,
                (URI, None) => names.other_uris = true,
                _ => {}
            }
        }
        Some(names)
    }
}

/// The bytes as text, if they are printable ASCII: IA5String without its control characters.
fn printable(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok().filter(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')))
}
