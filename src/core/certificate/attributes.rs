//! The content of a certificate: what it says about its holder, its issuer and itself.

use super::alternative_names::AlternativeNames;
use super::distinguished_name::DistinguishedName;
use super::parts::Parts;
use super::{Unreadable, spiffe};
use crate::domain::time::Validity;
use sha2::{Digest, Sha256};

/// The content of a certificate. A name that cannot be read is no name, and spoils nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The time in which it is valid.
    pub validity: Validity,
    /// The bytes of its serial number without leading zeros, as revocation lists are searched for it (RFC 5280 section
    /// 4.1.2.2); none if it is zero.
    pub serial: Box<[u8]>,
    /// The holder.
    pub subject: DistinguishedName,
    /// The authority that signed it.
    pub issuer: DistinguishedName,
    /// All readable URIs among the subject's alternative names, in their order: printable ASCII.
    pub uri_sans: Vec<Box<str>>,
    /// All readable DNS names among them, in their order: printable ASCII in lower case.
    pub dns_sans: Vec<Box<str>>,
    /// SHA-256 of the public key with its algorithm (RFC 7469 section 2.4).
    pub spki_sha256: [u8; 32],
    unread: Unread,
}

/// The kinds of alternative names of which one cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Unread {
    uris: bool,
    dns: bool,
    all: bool,
}

impl Attributes {
    /// The content of the certificate with this DER form.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if it is no certificate, or if its serial number, its dates or its public key cannot be read.
    pub fn parse(der: &[u8]) -> Result<Self, Unreadable> {
        let parts = Parts::of(der).ok_or(Unreadable::Der)?;
        let significant = parts.serial.iter().position(|byte| *byte != 0);
        let serial = significant.and_then(|first| parts.serial.get(first..)).unwrap_or_default();
        let names = match parts.alternative_names {
            Ok(Some(names)) => AlternativeNames::from_der(names),
            Ok(None) => Some(AlternativeNames::default()),
            Err(_) => None,
        };
        let all = names.is_none();
        let names = names.unwrap_or_default();
        Ok(Self {
            validity: parts.validity,
            serial: serial.into(),
            subject: DistinguishedName::from_der(parts.subject),
            issuer: DistinguishedName::from_der(parts.issuer),
            uri_sans: names.uris,
            dns_sans: names.dns,
            spki_sha256: Sha256::digest(parts.public_key).into(),
            unread: Unread { uris: names.other_uris, dns: names.other_dns, all },
        })
    }

    /// The only URI among its alternative names. A URI that cannot be read is a second one.
    pub fn only_uri(&self) -> Option<&str> {
        match self.uri_sans.as_slice() {
            [uri] if !self.unread.uris => Some(uri),
            _ => None,
        }
    }

    /// The SPIFFE ID, if it has one URI among its alternative names and that is the SPIFFE ID of a workload (X.509-SVID,
    /// sections 2 and 3.1). Whether the certificate may be used as an SVID is not asked: its chain's verification is.
    pub fn spiffe_id(&self) -> Option<&str> {
        self.only_uri().filter(|uri| spiffe::is_workload_id(uri))
    }

    /// The parts that cannot be read, in words.
    #[cfg(not(target_family = "wasm"))]
    pub fn unreadable(&self) -> impl Iterator<Item = &'static str> {
        let parts = [
            (!self.subject.is_readable(), "its subject"),
            (!self.issuer.is_readable(), "its issuer"),
            (self.unread.all, "its alternative names"),
            (self.unread.uris, "a URI among its alternative names"),
            (self.unread.dns, "a DNS name among its alternative names"),
        ];
        parts.into_iter().filter_map(|(unreadable, part)| unreadable.then_some(part))
    }
}
