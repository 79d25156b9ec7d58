//! Reading a certificate revocation list (RFC 5280 section 5): which serial numbers one issuer has revoked. Takes only
//! lists that are complete for end-entity certificates, since what a partial one leaves out would pass as good.
//! Does not look at the clock.

mod der;
mod extension;
mod parts;

use super::canonical_name;
use super::distinguished_name::DistinguishedName;
use crate::domain::revocation::{CanonicalName, RevocationList};
use crate::domain::serials::Serials;
use der::Reader;
use extension::Extensions;
use parts::{Body, Signed};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::{PemObject, SectionKind};

/// Why a text is not a usable revocation list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlProblem {
    /// There is no PEM block `X509 CRL`.
    #[error("no PEM block X509 CRL")]
    Missing,
    /// The PEM text is cut off, or its base64 is broken.
    #[error("broken PEM")]
    Pem,
    /// There is a private key in it.
    #[error("expected a CRL, found a private key: take it out, and consider it known")]
    PrivateKey,
    /// There is a certificate in it.
    #[error("expected a CRL, found a certificate")]
    Certificate,
    /// There are several lists in it.
    #[error("expected one CRL, found several")]
    Several,
    /// The DER form is not that of a list, or bytes follow it.
    #[error("not an X.509 CRL in DER form")]
    Der,
    /// The list has another version (RFC 5280 section 5.1.2.1).
    #[error("expected a CRL of version 1 or 2")]
    Version,
    /// The list holds only what changed (section 5.2.4).
    #[error("expected a complete CRL, found a delta CRL")]
    Delta,
    /// The list speaks for other issuers too (sections 5.2.5 and 5.3.3).
    #[error("expected the CRL of one issuer, found an indirect CRL")]
    Indirect,
    /// The list holds only what was revoked for some reasons (section 5.2.5).
    #[error("expected a CRL for all reasons, found one for some reasons only")]
    SomeReasons,
    /// The list holds only certificates of authorities (section 5.2.5).
    #[error("expected a CRL for clients' certificates, found one for CA certificates only")]
    CaOnly,
    /// The list holds only attribute certificates (section 5.2.5).
    #[error("expected a CRL for clients' certificates, found one for attribute certificates only")]
    AttributesOnly,
    /// The list has a critical extension that certgate does not know, so it must not be used (sections 5.2 and 5.3).
    #[error("unknown critical extension {0}")]
    CriticalExtension(String),
}

/// The only list in `pem_text`, of version 1 or 2. Its signature is not checked: it is trusted as the text is.
///
/// # Errors
///
/// The first [`CrlProblem`] found.
pub fn parse(pem_text: &str) -> Result<RevocationList, CrlProblem> {
    let der = der_from_pem(pem_text)?;
    let body = Body::read(&Signed::read(&der)?)?;
    body.extensions.check_list()?;
    Ok(RevocationList {
        issuer: canonical_name::of(body.issuer),
        next_update: body.next_update,
        serials: revoked(body.entries)?,
        strict: false,
    })
}

/// What an authority has signed, and how (RFC 5280 section 5.1.1).
pub struct SignedList {
    /// The name of the list's issuer.
    pub issuer: CanonicalName,
    /// The signed part of the list (`tbsCertList`), in DER form.
    pub body: Vec<u8>,
    /// The algorithm (`AlgorithmIdentifier`), in DER form.
    pub algorithm: Vec<u8>,
    /// The signature (a `BIT STRING`), in DER form.
    pub signature: Vec<u8>,
}

impl SignedList {
    /// The only list in `pem_text`, whether it is usable or not.
    ///
    /// # Errors
    ///
    /// As [`parse`] has them, of what comes before the list's entries.
    // Inlined, so that a module that never calls it has [`parse`] as the only caller of what both need.
    #[inline]
    pub fn from_pem(pem_text: &str) -> Result<Self, CrlProblem> {
        let der = der_from_pem(pem_text)?;
        let signed = Signed::read(&der)?;
        let issuer = canonical_name::of(Body::read(&signed)?.issuer);
        let [body, algorithm, signature] = [signed.body.raw, signed.algorithm, signed.signature].map(<[u8]>::to_vec);
        Ok(Self { issuer, body, algorithm, signature })
    }
}

/// The name of the list's issuer.
///
/// # Errors
///
/// As [`parse`] has them, of what comes before the list's entries.
// Inlined as `SignedList::from_pem` is.
#[inline]
pub fn issuer(pem_text: &str) -> Result<DistinguishedName, CrlProblem> {
    let der = der_from_pem(pem_text)?;
    Ok(DistinguishedName::from_der(Body::read(&Signed::read(&der)?)?.issuer))
}

fn der_from_pem(text: &str) -> Result<CertificateRevocationListDer<'static>, CrlProblem> {
    // Also of kinds that the reader of PEM passes over.
    if text.contains("PRIVATE KEY-----") {
        return Err(CrlProblem::PrivateKey);
    }
    let mut found = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
        match section.map_err(|_| CrlProblem::Pem)? {
            (SectionKind::Crl, der) if found.is_none() => found = Some(der.into()),
            (SectionKind::Crl, _) => return Err(CrlProblem::Several),
            (SectionKind::Certificate, _) => return Err(CrlProblem::Certificate),
            _ => {}
        }
    }
    found.ok_or(CrlProblem::Missing)
}

/// RFC 5280 section 5.1.2.6. When each certificate was revoked does not matter.
fn revoked(mut entries: Reader<'_>) -> Result<Serials, CrlProblem> {
    let mut serials = Vec::new();
    while let Some(entry) = entries.optional(der::SEQUENCE)? {
        let mut fields = Reader::new(entry.content);
        let serial = fields.take(der::INTEGER)?.content;
        fields.take_time()?;
        let extensions = fields.optional(der::SEQUENCE)?;
        fields.end()?;
        if serial.is_empty() {
            return Err(CrlProblem::Der);
        }
        if extensions.map_or(Ok(true), |list| Extensions(Reader::new(list.content)).say_revoked())? {
            serials.push(serial);
        }
    }
    entries.end()?;
    Ok(Serials::new(serials))
}

#[cfg(test)]
mod tests;
