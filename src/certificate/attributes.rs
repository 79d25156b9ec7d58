//! What a certificate says about its holder, its issuer and itself.

use super::alternative_names::AlternativeNames;
use super::distinguished_name::DistinguishedName;
use super::parts::Parts;
use super::{Unreadable, spiffe};
use crate::domain::time::Validity;
use sha2::{Digest, Sha256};

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// When it is valid.
    pub validity: Validity,
    /// The bytes of its serial number without leading zeros, as revocation lists are searched for it (RFC 5280 section
    /// 4.1.2.2); none if it is zero.
    pub serial: Box<[u8]>,
    /// Its holder.
    pub subject: DistinguishedName,
    /// Who signed it.
    pub issuer: DistinguishedName,
    /// All URIs among the subject's alternative names, in their order: printable ASCII.
    pub uri_sans: Vec<Box<str>>,
    /// All DNS names among them, in their order: printable ASCII in lower case.
    pub dns_sans: Vec<Box<str>>,
    /// SHA-256 of the public key with its algorithm (RFC 7469 section 2.4).
    pub spki_sha256: [u8; 32],
}

impl Attributes {
    /// What the certificate with this DER form says.
    ///
    /// # Errors
    ///
    /// It is no certificate; or it has more names than anybody gives it (1,000 alternative names, 100 attributes), or one
    /// that cannot be read and that a client could be known by.
    pub fn parse(der: &[u8]) -> Result<Self, Unreadable> {
        Parts::of(der).and_then(|parts| Self::of(&parts)).ok_or(Unreadable::Der)
    }

    fn of(parts: &Parts<'_>) -> Option<Self> {
        let significant = parts.serial.iter().position(|byte| *byte != 0);
        let serial = significant.and_then(|first| parts.serial.get(first..)).unwrap_or_default();
        let names = match parts.alternative_names {
            Some(names) => AlternativeNames::from_der(names)?,
            None => AlternativeNames::default(),
        };
        Some(Self {
            validity: parts.validity,
            serial: serial.into(),
            subject: DistinguishedName::from_der(parts.subject)?,
            issuer: DistinguishedName::from_der(parts.issuer)?,
            uri_sans: names.uris,
            dns_sans: names.dns,
            spki_sha256: Sha256::digest(parts.public_key).into(),
        })
    }

    /// Its SPIFFE ID, if it has one URI among its alternative names and that is the SPIFFE ID of a workload (X.509-SVID,
    /// sections 2 and 3.1). Whether the certificate may be used as an SVID is not asked: its chain's verification is.
    pub fn spiffe_id(&self) -> Option<&str> {
        match self.uri_sans.as_slice() {
            [uri] if spiffe::is_workload_id(uri) => Some(uri),
            _ => None,
        }
    }
}
