//! The subject alternative names of a certificate (RFC 5280 section 4.2.1.6).

use super::der;
use x509_parser::asn1_rs::{Class, Tag};

/// The most names, of all kinds together. With more, no name is read.
const MOST_NAMES: usize = 1000;

/// The tag of `dNSName` in a GeneralName.
const DNS: Tag = Tag(2);

/// The tag of `uniformResourceIdentifier`.
const URI: Tag = Tag(6);

/// The tag of `registeredID`, the last kind.
const LAST: Tag = Tag(8);

/// The readable URIs and DNS names, each kind in the order of the certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AlternativeNames {
    pub(super) uris: Vec<Box<str>>,
    /// DNS names, in lower case.
    pub(super) dns: Vec<Box<str>>,
    /// Whether at least one URI cannot be read.
    pub(super) other_uris: bool,
    /// Whether at least one DNS name cannot be read.
    pub(super) other_dns: bool,
}

impl AlternativeNames {
    /// The names in an extension with this value; `None` if the value is no GeneralNames, or has more than 1,000 names.
    /// A name with anything but printable ASCII cannot be read.
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

/// The bytes as text, if they are printable ASCII: an IA5String without control characters.
fn printable(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok().filter(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')))
}
