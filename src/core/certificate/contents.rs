//! The contents of a certificate: its validity, serial number, names and public key.

use super::alternative_names::AlternativeNames;
use super::distinguished_name::DistinguishedName;
use super::tbs::TbsCertificate;
use super::{Unreadable, spiffe};
use crate::domain::credential::Kind;
use crate::domain::time::Validity;
use sha2::{Digest, Sha256};

/// The contents of a certificate. A name that cannot be read counts as absent; the other contents are still used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateContents {
    /// The validity period.
    pub validity: Validity,
    /// The serial number (RFC 5280 section 4.1.2.2): the octets of the INTEGER without leading zeros, empty for zero. CRLs are
    /// searched for these octets.
    pub serial: Box<[u8]>,
    /// The subject.
    pub subject: DistinguishedName,
    /// The issuer.
    pub issuer: DistinguishedName,
    /// All readable URIs of the subject alternative names, in their order: printable ASCII.
    pub uri_sans: Vec<Box<str>>,
    /// All readable DNS names of the subject alternative names, in their order: printable ASCII in lower case.
    pub dns_sans: Vec<Box<str>>,
    /// SHA-256 of the public key with its algorithm (RFC 7469 section 2.4).
    pub spki_sha256: [u8; 32],
    unread: Unread,
}

/// The kinds of subject alternative names of which at least one cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Unread {
    uris: bool,
    dns: bool,
    all: bool,
}

impl CertificateContents {
    /// The contents of the certificate with this DER form.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if the bytes are no certificate, or if the serial number, the dates or the public key cannot be
    /// read.
    pub fn parse(der: &[u8]) -> Result<Self, Unreadable> {
        let tbs = TbsCertificate::of(der).ok_or(Unreadable::Der)?;
        let significant = tbs.serial.iter().position(|byte| *byte != 0);
        let serial = significant.and_then(|first| tbs.serial.get(first..)).unwrap_or_default();
        let names = match tbs.alternative_names {
            Ok(Some(names)) => AlternativeNames::from_der(names),
            Ok(None) => Some(AlternativeNames::default()),
            Err(_) => None,
        };
        let all = names.is_none();
        let names = names.unwrap_or_default();
        Ok(Self {
            validity: tbs.validity,
            serial: serial.into(),
            subject: DistinguishedName::from_der(tbs.subject),
            issuer: DistinguishedName::from_der(tbs.issuer),
            uri_sans: names.uris,
            dns_sans: names.dns,
            spki_sha256: Sha256::digest(tbs.public_key).into(),
            unread: Unread { uris: names.other_uris, dns: names.other_dns, all },
        })
    }

    /// The URI of the subject alternative names if there is exactly one. A URI that cannot be read counts as well.
    pub fn only_uri(&self) -> Option<&str> {
        match self.uri_sans.as_slice() {
            [uri] if !self.unread.uris => Some(uri),
            _ => None,
        }
    }

    /// The SPIFFE ID, if the certificate has exactly one URI and the URI is the SPIFFE ID of a workload (X.509-SVID, sections
    /// 2 and 3.1). Key usage is not checked here: the proxy's verification of the chain does that.
    pub fn spiffe_id(&self) -> Option<&str> {
        self.only_uri().filter(|uri| spiffe::is_workload_id(uri))
    }

    /// Whether names that are compared with credentials of this kind cannot all be read.
    pub fn has_unreadable(&self, kind: Kind) -> bool {
        match kind {
            Kind::Sha256 | Kind::SpkiSha256 => false,
            Kind::UriSan => self.unread.all || self.unread.uris,
            Kind::DnsSan => self.unread.all || self.unread.dns,
            Kind::Subject => !self.subject.is_readable() || !self.issuer.is_readable(),
        }
    }

    /// The contents that cannot be read, in words.
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
